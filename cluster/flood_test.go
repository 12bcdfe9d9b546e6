package cluster_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/remote"
)

type (
	crumb  struct{ N int }
	poison struct{}
)

const (
	preyRoom = 500 // messages in the mailbox of the prey
	many     = 1   // the number of crumbs that aren't looked at one by one
)

// prey is an actor of a victim that somebody has it in for.
type prey struct {
	v       *victim
	release chan struct{} // a crumb is handled when something comes of it
	ate     chan int      // but for those of which there are many
	died    chan struct{}
	shed    chan struct{}
}

func newPrey(v *victim) *prey {
	v.t.Helper()
	p := &prey{v, make(chan struct{}), make(chan int, 1), make(chan struct{}, preyRoom), make(chan struct{}, 100**hostileConns)}
	sys := v.nodes[0].sys
	require.NoError(v.t, codec.Register[crumb](sys.Registry(), "test.crumb"))
	require.NoError(v.t, codec.Register[poison](sys.Registry(), "test.poison"))
	_, err := sys.Spawn("prey", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case crumb:
				<-p.release
				if m.N != many {
					p.ate <- m.N
				}
			case poison:
				p.died <- struct{}{}
				panic("poison")
			}
		})
	}, actor.Bounded(preyRoom))
	require.NoError(v.t, err)
	letters, err := sys.Spawn("letters", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if l, ok := ctx.Message().(actor.DeadLetter); ok && l.Reason == actor.DropMailboxFull {
				p.shed <- struct{}{}
			}
		})
	})
	require.NoError(v.t, err)
	actor.Subscribe[actor.DeadLetter](sys, letters)
	return p
}

// throw sends frames to the prey on a connection.
func (p *prey) throw(c io.Writer, frames ...[]byte) {
	p.v.t.Helper()
	_, err := c.Write(bytes.Join(frames, nil))
	require.NoError(p.v.t, err)
}

func crumbOf(n byte) []byte {
	return stranger.Message("/user/prey", "test.crumb", 0x81, 0xa1, 'N', n) // {"N": n}
}

// eats requires that the prey handles a crumb, of this number.
func (p *prey) eats(n int) {
	p.v.t.Helper()
	late := time.After(time.Minute)
	select {
	case p.release <- struct{}{}:
	case <-late:
		require.FailNow(p.v.t, "the prey gets no crumb")
	}
	select {
	case got := <-p.ate:
		require.Equal(p.v.t, n, got)
	case <-late:
		require.FailNow(p.v.t, "the prey has not handled the crumb")
	}
}

// count takes so many things off a channel.
func count[T any](p *prey, what string, from <-chan T, n int) {
	p.v.t.Helper()
	late := time.After(time.Minute)
	for i := range n {
		select {
		case <-from:
		case <-late:
			require.Failf(p.v.t, what, "%d of %d", i, n)
		}
	}
}

// TestAFloodToOneActor has somebody with an open connection send to one actor what it
// can't take: nobody else is affected, and the cluster stays whole.
func TestAFloodToOneActor(t *testing.T) { // F-28
	v := newVictim(t, remote.Config{})
	p := newPrey(v)
	attacks := []struct {
		title string
		run   func(c io.ReadWriter)
	}{
		{"more than it can take", func(c io.ReadWriter) {
			rounds := *hostileConns
			batch := bytes.Repeat(crumbOf(many), 100)
			for range rounds {
				p.throw(c, batch)
			}
			shed := 100*rounds - 2*preyRoom // some are taken out of the mailbox before their turn comes
			count(p, "what finds no room is counted", p.shed, shed)
			v.requireServing()
			late := time.After(time.Minute)
			for left := 2 * preyRoom; left > 0; left-- {
				select {
				case p.release <- struct{}{}:
				case <-p.shed:
				case <-late:
					require.Failf(v.t, "the rest is handled or counted", "%d are left", left)
				}
			}
		}},
		{"poison", func(c io.ReadWriter) {
			for range 10 {
				p.throw(c, bytes.Repeat(stranger.Message("/user/prey", "test.poison", 0x80), preyRoom/10))
				count(p, "each kills it", p.died, preyRoom/10)
			}
		}},
		{"types that nobody knows", func(c io.ReadWriter) {
			p.throw(c, bytes.Repeat(stranger.Message("/user/prey", "no.such.type", 0x80), 1000))
		}},
		{"a frame that is too large", func(c io.ReadWriter) {
			other := v.introduced(1)
			p.throw(c, binary.BigEndian.AppendUint32(nil, 1<<30))
			_, err := io.Copy(io.Discard, c)
			require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the node must close it")
			p.throw(other, crumbOf(3)) // who has done nothing is heard
			p.eats(3)
		}},
	}
	for _, a := range attacks {
		t.Run(a.title, func(t *testing.T) {
			was := v.t
			v.t = t
			defer func() { v.t = was }()
			a.run(v.introduced(1))
			p.throw(v.introduced(1), crumbOf(2)) // another connection, the same actor
			p.eats(2)
			v.requireServing()
			for _, n := range v.nodes {
				require.Empty(t, n.cl.Unreachable())
				require.NoError(t, n.cl.Err())
			}
		})
	}
}
