package lease_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/lease"
)

// Of two that want it, one gets it; the other when that one is done.
func Example() {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("office", actor.Config{Logger: &quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer sys.Stop(ctx)
	store := lease.NewMemory() // or NewFiles, for processes that share a disk
	ann, _ := lease.New(sys, store, lease.Settings{Name: "stamp", Owner: "ann"})
	bob, _ := lease.New(sys, store, lease.Settings{Name: "stamp", Owner: "bob"})

	token, err := ann.Acquire(ctx, func(err error) { fmt.Println("stop stamping:", err) })
	fmt.Println("ann:", token, err)
	_, err = bob.Acquire(ctx, nil)
	fmt.Println("bob:", err, errors.Is(err, lease.ErrHeld))
	_ = ann.Release(ctx)
	token, err = bob.Acquire(ctx, nil)
	fmt.Println("bob:", token, err)
	// Output:
	// ann: 1 <nil>
	// bob: acquire lease stamp: lease is held by another: ann true
	// bob: 2 <nil>
}
