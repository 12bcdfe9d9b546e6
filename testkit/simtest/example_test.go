package simtest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// counter counts the messages it gets and answers with the count.
type counter struct{ n int }

func (c *counter) Receive(ctx *actor.Context) {
	c.n++
	ctx.Reply(c.n)
}

// A test runs its script for many seeds; here one is enough.
func Example() {
	t := new(testing.T) // in a test: the test's own
	simtest.Run(t, 1, func(w *simtest.World) {
		a := w.Node("a")
		pid, err := a.System().Spawn("counter", actor.Of[counter])
		if err != nil {
			w.Failf("spawn: %v", err)
		}
		w.Pause(a, time.Hour) // nobody has to wait for it
		count, err := actor.AskAs[int](context.Background(), pid, "hello")
		fmt.Println(count, err, w.Elapsed().Round(time.Minute))
	})
	// Output: 1 <nil> 1h0m0s
}
