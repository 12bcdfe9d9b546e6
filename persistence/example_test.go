package persistence_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
)

type (
	// Save is a command that is answered with the new savings.
	Save struct {
		actor.Returns[Savings]
		Amount int
	}
	// Saved is what is stored.
	Saved struct{ Amount int }
	// Savings is the state.
	Savings int
)

// Piggy is a bank.
type Piggy struct {
	persistence.Effects[Savings, Saved]
}

// Decide says what a command leads to.
func (p Piggy) Decide(s Savings, c Save) persistence.Effect[Savings, Saved] {
	if c.Amount <= 0 {
		return p.Refuse(errors.New("nothing to save"))
	}
	return p.Persist(Saved{c.Amount}).Then(func(ctx *actor.Context, s Savings) { actor.Reply(ctx, c, s) })
}

// Evolve says what an event changes.
func (Piggy) Evolve(s Savings, e Saved) Savings { return s + Savings(e.Amount) }

// The second actor has nothing but the events of the first.
func Example() {
	quiet := zerolog.Nop()
	registry := codec.NewRegistry()
	if err := codec.Register[Saved](registry, "piggy.Saved.v1"); err != nil {
		fmt.Println(err)
		return
	}
	sys, err := actor.NewSystem("bank", actor.Config{Logger: &quiet, Registry: registry})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = sys.Stop(ctx) }()

	journal := persistence.NewMemory()
	newPiggy := func() actor.Receiver[Save] {
		return persistence.New(Piggy{}, persistence.Config[Savings]{ID: "piggy/ada", Journal: journal})
	}
	first, err := actor.SpawnTyped(sys, "first", newPiggy)
	fmt.Println(err)
	fmt.Println(actor.Ask(ctx, first, Save{Amount: 10}))
	fmt.Println(actor.Ask(ctx, first, Save{Amount: 5}))

	second, err := actor.SpawnTyped(sys, "second", newPiggy)
	fmt.Println(err)
	fmt.Println(actor.Ask(ctx, second, Save{Amount: 1}))
	// Output:
	// <nil>
	// 10 <nil>
	// 15 <nil>
	// <nil>
	// 16 <nil>
}

// A journal numbers the events of an id and refuses who is no longer its owner.
func ExampleJournal() {
	var journal persistence.Journal = persistence.NewMemory()
	ctx := context.Background()
	old, now := actor.Epoch{Cluster: 1, Count: 1}, actor.Epoch{Cluster: 1, Count: 2}
	event := func(seq uint64) []persistence.Event {
		return []persistence.Event{{Seq: seq, Name: "bank.Deposited.v1", Payload: []byte("10")}}
	}

	fmt.Println(journal.Append(ctx, "account|alice", old, event(1)))
	highest, err := journal.Claim(ctx, "account|alice", now)
	fmt.Println(highest, err)
	err = journal.Append(ctx, "account|alice", old, event(2))
	fmt.Println(errors.Is(err, persistence.ErrFenced))
	// Output:
	// <nil>
	// 1 <nil>
	// true
}
