package testkit_test

import (
	"testing"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// TestOrderOfLife shows the checker around an actor of one's own.
func TestOrderOfLife(t *testing.T) {
	sys, life := testkit.New(t), &testkit.LifeCycle{}
	pid := testkit.Must(sys.Spawn("door", life.Actor(func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply("knock") })
	})))
	if _, err := actor.AskAs[string](t.Context(), pid, any("?")); err != nil {
		t.Fatal(err)
	}
	if err := actor.GracefulStop(t.Context(), pid); err != nil {
		t.Fatal(err)
	}
	life.Check(t)
}
