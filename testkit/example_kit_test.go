package testkit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/testkit"
)

type order struct{ Item string }

type receipt struct{ Item string }

// shop sends a receipt for what it has.
func shop(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case order:
		if m.Item == "unicorn" {
			ctx.Unhandled()
			return
		}
		ctx.Reply(receipt(m))
	}
}

// TestShop shows a probe, and messages that have to be able to travel.
func TestShop(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, codec.Register[order](reg, "shop.Order.v1"))
	require.NoError(t, codec.Register[receipt](reg, "shop.Receipt.v1"))
	sys := testkit.Start(t, testkit.Config{
		System:    actor.Config{Registry: reg},
		RoundTrip: true,
		Strict:    true,
	})
	customer := testkit.NewProbe(t, sys)
	pid := testkit.Must(customer.Spawn("shop", func() actor.Actor { return actor.Func(shop) }))

	customer.Within(0, 3*time.Second, func() {
		customer.Tell(pid, order{"tea"})
		customer.Tell(pid, order{"milk"})
		customer.ExpectAllOf(receipt{"milk"}, receipt{"tea"})
	})

	sys.StopActor(pid)
	customer.ExpectTerminated(pid)
}
