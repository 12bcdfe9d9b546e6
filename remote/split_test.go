package remote

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// listener is an actor's ear: what arrived, in order.
func listenerOf(t *testing.T, r *Remote) *[]any {
	var heard []any
	_, err := r.sys.Spawn("ear", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { heard = append(heard, ctx.Message()) })
	})
	require.NoError(t, err)
	return &heard
}

// conversation is what a node says that comes in: who it is, and three messages.
func conversation(t *testing.T, r *Remote, h hello, words ...string) []byte {
	b := appendHello(nil, h)
	b = append(b, appendNumber(nil, framePosition, 0)...)
	for _, word := range words {
		start := len(b)
		name, body, err := r.sys.Registry().Encode(r.sys.Scope(), nil, word)
		require.NoError(t, err)
		b = append(b, append(appendMessage(nil, h.From, &form{version: 3}, actor.Location{Path: "/user/ear"}, actor.Location{}, 0, name), body...)...)
		endFrame(b, start)
	}
	return append(b, appendNumber(nil, framePing, r.self.UID)...)
}

// TestSplitsAtEveryByte cuts a whole conversation in two at each of its bytes, and into
// single bytes: what is heard is the same, and so is the answer.
func TestSplitsAtEveryByte(t *testing.T) { // R002
	inBubble(t, Config{AcceptRate: -1}, nil, func(t *testing.T, net *MemNet, r *Remote) {
		heard := listenerOf(t, r)
		h := guest(r)
		h.Version, h.Lane, h.From.Addr = 3, laneOrdinary, "x:1"
		talk := func(uid uint64, cuts func(b []byte) [][]byte) string {
			h.From.UID = uid
			c := crudely(t, net, "x:1", r)
			for _, piece := range cuts(conversation(t, r, h, "one", "two", "three")) {
				c.say(piece)
			}
			require.False(t, c.over())
			c.conn.Close()
			synctest.Wait()
			r.Quarantine("x:1", uid) // the next one is another incarnation
			synctest.Wait()
			return string(c.in)
		}
		want := talk(1000, func(b []byte) [][]byte { return [][]byte{b} })
		require.Contains(t, want, string(appendNumber(nil, framePong, r.self.UID)))
		size := len(conversation(t, r, h, "one", "two", "three"))
		for at := 1; at < size; at++ {
			require.Equal(t, want, talk(1000+uint64(at), func(b []byte) [][]byte { return [][]byte{b[:at], b[at:]} }), "cut at byte %d", at)
		}
		require.Equal(t, want, talk(9000, func(b []byte) (pieces [][]byte) {
			for i := range b {
				pieces = append(pieces, b[i:i+1])
			}
			return pieces
		}))
		require.Len(t, *heard, 3*(size+1))
		for i, word := range *heard {
			require.Equal(t, []any{"one", "two", "three"}[i%3], word)
		}
	})
}

// TestTheNewConnectionTakesOver: a peer that dials the same stream again has given the
// old connection up. It is closed, what still comes on it is not heard, and what comes
// on the new one is.
func TestTheNewConnectionTakesOver(t *testing.T) {
	inBubble(t, Config{}, nil, func(t *testing.T, net *MemNet, r *Remote) {
		heard := listenerOf(t, r)
		h := guest(r)
		h.Version, h.Lane, h.From.Addr = 3, laneOrdinary, "x:1"
		before, after := crudely(t, net, "x:1", r), crudely(t, net, "x:1", r)
		said := conversation(t, r, h, "one", "two")
		half := len(said) - 20 // in the middle of a message
		before.say(said[:half])
		after.say(conversation(t, r, h, "three"))
		before.say(said[half:])
		require.True(t, before.over())
		require.False(t, after.over())
		require.Equal(t, []any{"one", "three"}, *heard)
		require.Equal(t, 1, r.Stats().Connections)
	})
}
