package persistencetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
)

// The test of a plug-in is one call.
func ExampleJournal() {
	var t *testing.T // a test has its own
	test := func() {
		persistencetest.Journal(t, func(testing.TB) persistence.Journal { return persistence.NewMemory() })
	}
	_ = test
}

// The second append of this store is carried out and reported as in doubt.
func ExampleFaulty() {
	store := persistencetest.NewFaulty(persistence.NewMemory(), func(op persistencetest.Op, _ string, n int) persistencetest.Fault {
		if op == persistencetest.OpAppend && n == 1 {
			return persistencetest.DoubtKept()
		}
		return persistencetest.Fault{}
	})
	ctx := context.Background()
	for seq := uint64(1); seq <= 2; seq++ {
		err := store.Append(ctx, "x", actor.Epoch{}, []persistence.Event{{Seq: seq, Name: "n"}})
		fmt.Println(errors.Is(err, persistence.ErrInDoubt))
	}
	fmt.Println(store.HighestSeq(ctx, "x"))
	// Output:
	// false
	// true
	// 2 <nil>
}

// light is a switch that refuses to be turned on twice.
type light struct {
	persistence.Effects[bool, bool]
}

func (l light) Decide(on bool, command string) persistence.Effect[bool, bool] {
	switch {
	case command == "on" && on:
		return l.Reply("it is on already")
	case command == "on" || command == "off":
		return l.Persist(command == "on").Reply("done")
	}
	return l.Unhandled()
}

func (light) Evolve(_ bool, event bool) bool { return event }

// A behaviour is tested without any actor.
func ExamplePlay() {
	t := &testing.T{} // a test has its own
	played := persistencetest.Play(t, light{}, "on", "on", "off", "dim")
	for _, step := range played.Steps {
		fmt.Println(step.Events, step.Replies, step.Unhandled)
	}
	fmt.Println(played.State, played.Events)
	// Output:
	// [true] [done] false
	// [] [it is on already] false
	// [false] [done] false
	// [] [] true
	// false [true false]
}
