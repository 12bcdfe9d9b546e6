package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

// Stored events outlive the store's owner; a newer owner's claim shuts out the
// one before.
func Example() {
	dir, err := os.MkdirTemp("", "troupe")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, err := sqlite.Open(filepath.Join(dir, "journal.db"), sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()

	ctx := context.Background()
	first, second := actor.Epoch{Cluster: 1, Count: 1}, actor.Epoch{Cluster: 1, Count: 2}
	deposited := []persistence.Event{{Seq: 1, Name: "bank.Deposited.v1", Payload: []byte("10")}}
	fmt.Println(store.Append(ctx, "account|alice", first, deposited))

	highest, err := store.Claim(ctx, "account|alice", second)
	fmt.Println(highest, err)
	for event, err := range store.Replay(ctx, "account|alice", 1, highest) {
		fmt.Println(event.Name, string(event.Payload), err)
	}
	fmt.Println(store.Append(ctx, "account|alice", first, nil))

	// Output:
	// <nil>
	// 1 <nil>
	// bank.Deposited.v1 10 <nil>
	// append: "account|alice": fenced by a newer epoch: the caller has epoch 1.0.1, the owner 1.0.2
}
