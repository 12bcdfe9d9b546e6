package testkit_test

import (
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// courier has a parcel brought by a child, and complains when that takes long.
type courier struct{ office actor.PID }

type parcel struct{ To string }

type late struct{ To string }

func (c *courier) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case parcel:
		rider, err := ctx.Spawn(m.To, actor.Of[courier])
		if err != nil {
			ctx.Fail(err)
			return
		}
		ctx.Watch(rider)
		ctx.Tell(rider, m)
		ctx.AfterKey(m.To, time.Hour, late(m))
	case late:
		ctx.Tell(c.office, m)
	case actor.Terminated:
		ctx.CancelTimers()
	}
}

// TestCourier shows an actor alone: what it does is a list of values.
func TestCourier(t *testing.T) {
	s := testkit.NewSolo(t, func() actor.Actor { return &courier{} })
	did := s.Run(parcel{"Ada"})

	rider := s.Child("Ada")
	testkit.ExpectEffects(t, did,
		testkit.Spawned{Name: "Ada", Ref: rider.PID()},
		testkit.Watched{Who: rider.PID()},
		testkit.Told{To: rider.PID(), Message: parcel{"Ada"}},
		testkit.TimerSet{Schedule: actor.Schedule{Key: "Ada", First: time.Hour}, Message: late{"Ada"}},
	)
	rider.Expect(parcel{"Ada"})

	testkit.ExpectEffects(t, rider.Stop(), testkit.TimerCancelled{Key: "Ada", Message: late{"Ada"}})
	testkit.ExpectEffects(t, s.Advance(2*time.Hour)) // nothing more
}
