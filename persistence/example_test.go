package persistence_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

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
