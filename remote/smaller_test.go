package remote_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// TestMessagesThatWaitForANodeWithSmallerLimits: those that are too large for its frames
// travel in parts, or become dead letters; the connection and the others are none the
// worse for it.
func TestMessagesThatWaitForANodeWithSmallerLimits(t *testing.T) {
	const size = 100 << 10
	for title, c := range map[string]struct {
		there   remote.Config
		arrives bool
	}{
		"smaller frames":              {remote.Config{FrameMax: 4 << 10}, true},
		"and no messages in parts":    {remote.Config{FrameMax: 4 << 10, LargeMax: -1}, false},
		"and only small ones in them": {remote.Config{FrameMax: 4 << 10, LargeMax: size / 2}, false},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := remote.NewMemNet()
				a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")})
				letters := subscribe[actor.DeadLetter](a, "letters")
				ref := a.sys.RefAt("b:1", "/user/there")
				noise, rnd := make([]byte, size), rand.New(rand.NewPCG(1, 2))
				for k := range noise {
					noise[k] = byte(rnd.Uint32())
				}
				ref.Tell(ping{1})
				ref.Tell(blob{noise})
				ref.Tell(ping{2})
				synctest.Wait()

				c.there.Listen, c.there.Transport = "b:1", net.Node("b:1")
				b := start(t, c.there)
				there := b.inbox("there")
				got := []any{there.next(), there.next()}
				if c.arrives { // whenever it does: it has a connection of its own
					got = append(got, there.next())
					require.ElementsMatch(t, []any{ping{1}, ping{2}, blob{noise}}, got)
				} else {
					require.Equal(t, []any{ping{1}, ping{2}}, got)
					letter := letters.next().(actor.DeadLetter)
					require.Equal(t, actor.DropTooLarge, letter.Reason)
					require.Equal(t, blob{noise}, letter.Message)
				}
				require.Less(t, slices.Index(got, any(ping{1})), slices.Index(got, any(ping{2})), "what is small keeps its order")
				require.Zero(t, b.rem.Stats().BadInput)
				s := only(a)
				require.Zero(t, s.Lost)
				require.EqualValues(t, 3, s.Sent, "each counts once")
				letters.none()
			})
		})
	}
}
