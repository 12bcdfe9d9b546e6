package persistence_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wallet is the behaviour of the tests: a balance with its history.
type wallet struct {
	persistence.Effects[purse, event]
	signals func(sig any) // nil: nobody listens
	then    func()        // runs in the Then of a deposit
}

type (
	purse struct {
		Balance int
		History []int
		Frozen  bool
	}
	event     interface{ isEvent() }
	deposited struct{ Amount int }
	withdrawn struct{ Amount int }
	frozen    struct{ On bool }

	command interface{ isCommand() }
	deposit struct {
		actor.Returns[int]
		Amount int
	}
	depositAll struct {
		actor.Returns[int]
		Amounts []int
	}
	withdraw struct {
		actor.Returns[int]
		Amount int
	}
	balance  struct{ actor.Returns[int] }
	look     struct{ actor.Returns[purse] }
	freeze   struct{ On bool }
	leave    struct{ actor.Returns[string] }
	nonsense struct{}
	explode  struct{}
)

func (deposited) isEvent() {}
func (withdrawn) isEvent() {}
func (frozen) isEvent()    {}

func (deposit) isCommand()    {}
func (depositAll) isCommand() {}
func (withdraw) isCommand()   {}
func (balance) isCommand()    {}
func (look) isCommand()       {}
func (freeze) isCommand()     {}
func (leave) isCommand()      {}
func (nonsense) isCommand()   {}
func (explode) isCommand()    {}

var errBroke = errors.New("not enough money")

func (w wallet) Decide(s purse, c command) persistence.Effect[purse, event] {
	newBalance := func(s purse) any { return s.Balance }
	if _, look := c.(look); s.Frozen && !look {
		if f, ok := c.(freeze); !ok || f.On {
			return w.Stash()
		}
	}
	switch c := c.(type) {
	case deposit:
		e := w.Persist(deposited{c.Amount})
		if w.then != nil {
			e = e.Then(func(*actor.Context, purse) { w.then() })
		}
		return e.ReplyWith(newBalance)
	case depositAll:
		var events []event
		for _, a := range c.Amounts {
			events = append(events, deposited{a})
		}
		return w.Persist(events...).ReplyWith(newBalance)
	case withdraw:
		if c.Amount > s.Balance {
			return w.Refuse(errBroke)
		}
		return w.Persist(withdrawn{c.Amount}).ReplyWith(newBalance)
	case balance:
		return w.None().Then(func(ctx *actor.Context, s purse) { actor.Reply(ctx, c, s.Balance) })
	case look:
		return w.Reply(s)
	case freeze:
		e := w.Persist(frozen(c))
		if !c.On {
			e = e.ThenUnstash()
		}
		return e
	case leave:
		return w.Persist(withdrawn{s.Balance}).Reply("bye").ThenStop()
	case explode:
		panic("boom")
	}
	return w.Unhandled()
}

func (w wallet) Evolve(s purse, e event) purse {
	switch e := e.(type) {
	case deposited:
		if e.Amount < 0 {
			panic("negative deposit")
		}
		s.Balance += e.Amount
		s.History = append(s.History[:len(s.History):len(s.History)], e.Amount)
	case withdrawn:
		s.Balance -= e.Amount
		s.History = append(s.History[:len(s.History):len(s.History)], -e.Amount)
	case frozen:
		s.Frozen = e.On
	}
	return s
}

func (w wallet) Signal(ctx *actor.Context, _ purse, sig any) {
	if w.signals != nil {
		w.signals(sig)
		return
	}
	if _, terminated := sig.(actor.Terminated); terminated {
		ctx.Unhandled()
	}
}

func (wallet) Tags(e event) []string {
	if _, ok := e.(deposited); ok {
		return []string{"in"}
	}
	return nil
}

// registry returns one that knows the wallet's events and state.
func registry(t testing.TB) *codec.Registry {
	t.Helper()
	reg := codec.NewRegistry()
	require.NoError(t, codec.Register[deposited](reg, "wallet.Deposited.v1"))
	require.NoError(t, codec.Register[withdrawn](reg, "wallet.Withdrawn.v1"))
	require.NoError(t, codec.Register[frozen](reg, "wallet.Frozen.v1"))
	require.NoError(t, codec.Register[purse](reg, "wallet.Purse.v1"))
	return reg
}

func system(t testing.TB) *actor.System {
	t.Helper()
	return testkit.New(t, actor.Config{Registry: registry(t)})
}

const id = "wallet/ada"

func spawn(t testing.TB, sys *actor.System, w wallet, cfg persistence.Config[purse], opts ...actor.SpawnOption) actor.Ref[command] {
	t.Helper()
	if cfg.ID == "" {
		cfg.ID = id
	}
	ref, err := actor.SpawnTyped(sys, "", func() actor.Receiver[command] { return persistence.New(w, cfg) }, opts...)
	require.NoError(t, err)
	return ref
}

// stored returns the events of the id as the wallet knows them.
func stored(t testing.TB, j persistence.EventReader) (events []event) {
	t.Helper()
	reg := registry(t)
	for e, err := range j.Replay(context.Background(), id, 1, persistence.SeqMax) {
		require.NoError(t, err)
		v, err := reg.Decode(codec.Scope{Registry: reg}, e.Name, e.Payload)
		require.NoError(t, err)
		events = append(events, v.(event))
	}
	return events
}

// gone waits for the end of an actor.
func gone(t testing.TB, sys *actor.System, ref actor.Addressable) {
	t.Helper()
	p := testkit.NewProbe(t, sys)
	p.Watch(ref)
	p.ExpectTerminated(ref)
}

func ask[R any](t testing.TB, ref actor.Ref[command], request actor.Request[R]) R {
	t.Helper()
	r, err := actor.Ask(t.Context(), ref, request)
	require.NoError(t, err)
	return r
}
