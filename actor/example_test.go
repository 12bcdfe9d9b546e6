package actor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

type Hello struct{ Name string }

type Greeter struct{ greeted int }

func (g *Greeter) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case Hello:
		g.greeted++
		ctx.Reply(fmt.Sprintf("hello, %s (%d)", m.Name, g.greeted))
	}
}

func Example() {
	sys, err := actor.NewSystem("shop", actor.Config{})
	if err != nil {
		panic(err)
	}
	defer sys.Stop(context.Background())

	greeter, err := sys.Spawn("greeter", actor.Of[Greeter])
	if err != nil {
		panic(err)
	}
	greeter.Tell(Hello{"Ada"})
	answer, err := actor.AskAs[string](context.Background(), greeter, any(Hello{"Grace"}))
	fmt.Println(answer, err)
	// Output: hello, Grace (2) <nil>
}

type Command interface{ isCommand() }

type Deposit struct{ Amount int }

type GetBalance struct{ actor.Returns[int] }

func (Deposit) isCommand()    {}
func (GetBalance) isCommand() {}

type Account struct{ balance int }

func NewAccount() actor.Receiver[Command] { return &Account{} }

func (a *Account) Receive(ctx *actor.Context, msg Command) {
	switch m := msg.(type) {
	case Deposit:
		a.balance += m.Amount
	case GetBalance:
		actor.Reply(ctx, m, a.balance) // another type here would not compile
	}
}

func ExampleSpawnTyped() {
	sys, _ := actor.NewSystem("bank", actor.Config{})
	defer sys.Stop(context.Background())

	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	account.Tell(Deposit{10})
	balance, err := actor.Ask(context.Background(), account, GetBalance{})
	fmt.Println(balance, err)
	// Output: 10 <nil>
}

func ExampleSupervise() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	worker, _ := sys.Spawn("worker", actor.Of[Greeter],
		actor.Bounded(1000),
		actor.Supervise{
			MaxRestarts: 5, Within: time.Minute,
			Backoff: actor.Backoff{Min: 200 * time.Millisecond, Max: 10 * time.Second},
		})
	fmt.Println(worker.Path())
	// Output: /user/worker
}

func ExampleGo() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	square, _ := sys.Spawn("square", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			n := ctx.Message().(int)
			actor.Go(ctx,
				func(context.Context) (int, error) { return n * n, nil }, // elsewhere: may block
				func(r int, err error) { ctx.Reply(r) })                  // here, as a turn
		})
	})
	fmt.Println(actor.AskAs[int](context.Background(), square, any(12)))
	// Output: 144 <nil>
}

func ExampleFSM() {
	type machine = actor.Machine[string, int] // the state is a word, the data a counter
	turnstile := actor.FSM[string, int]{
		Start: "locked",
		States: map[string]actor.State[string, int]{
			"locked": {Handle: func(m *machine, msg any) {
				if msg == "coin" {
					m.Data++
					m.Goto("open")
				}
			}},
			"open": {Timeout: time.Minute, Handle: func(m *machine, msg any) {
				switch msg {
				case "push", actor.StateTimeout{}:
					m.Goto("locked")
				case "report":
					m.Reply(fmt.Sprintf("%s after %d coins", m.State(), m.Data))
				}
			}},
		},
	}
	sys, _ := actor.NewSystem("station", actor.Config{})
	defer sys.Stop(context.Background())

	pid, _ := sys.Spawn("turnstile", turnstile.New)
	for _, msg := range []string{"coin", "push", "push", "coin"} {
		pid.Tell(msg)
	}
	fmt.Println(actor.AskAs[string](context.Background(), pid, any("report")))
	// Output: open after 2 coins <nil>
}

func ExampleSystem_Select() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	for _, name := range []string{"till-1", "till-2", "office"} {
		sys.Spawn(name, actor.Of[Greeter])
	}
	tills, _ := sys.Select("/user/till-*")
	tills.Tell(Hello{"everybody"}) // to both
	for _, till := range tills.Matches() {
		fmt.Println(till.Path())
	}
	// Output:
	// /user/till-1
	// /user/till-2
}

func ExampleGuard() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	breaker := actor.NewBreaker(sys, actor.BreakerConfig{Name: "warehouse", MaxFailures: 2})
	order := func(context.Context) (string, error) { return "", errors.New("no connection") }
	for range 3 {
		_, err := actor.Guard(context.Background(), breaker, order)
		var open *actor.BreakerOpenError
		fmt.Println(errors.As(err, &open))
	}
	// Output:
	// false
	// false
	// true
}

func ExampleRetry() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	calls := 0
	answer, err := actor.Retry(context.Background(), sys,
		actor.Attempts{Max: 5, Backoff: actor.Backoff{Min: time.Millisecond, Max: time.Second}},
		func(context.Context) (string, error) {
			if calls++; calls < 3 {
				return "", errors.New("busy")
			}
			return "done", nil
		})
	fmt.Println(answer, err, calls)
	// Output: done <nil> 3
}

func ExampleGracefulStop() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	greeter, _ := sys.Spawn("greeter", actor.Of[Greeter])
	greeter.Tell(Hello{"Ada"}) // is still handled
	fmt.Println(actor.GracefulStop(context.Background(), greeter))
	// Output: <nil>
}

func ExampleServiceKey() {
	sys, _ := actor.NewSystem("shop", actor.Config{})
	defer sys.Stop(context.Background())

	const accounts = actor.ServiceKey[Command]("accounts")
	account, _ := actor.SpawnTyped(sys, "account", NewAccount)
	accounts.Register(sys, account)

	found, err := accounts.Find(context.Background(), sys)
	fmt.Println(len(found.Refs), found.Refs[0].Path(), err)
	// Output: 1 /user/account <nil>
}

func ExampleAdapt() {
	sys, _ := actor.NewSystem("bank", actor.Config{})
	defer sys.Stop(context.Background())

	refs := make(chan actor.Ref[string])
	account, _ := sys.Spawn("account", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case Hello: // deposits come as text from elsewhere
				refs <- actor.Adapt(ctx, func(s string) Deposit { return Deposit{len(s)} })
			case Deposit:
				ctx.Reply(m.Amount)
			}
		})
	})
	account.Tell(Hello{})
	fmt.Println(actor.AskAs[int](context.Background(), <-refs, "seven!!"))
	// Output: 7 <nil>
}
