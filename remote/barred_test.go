package remote_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// crooked is a ping as a node encodes it whose release has broken it.
type crooked struct{ N string }

// brittle panics when it is decoded.
type brittle struct{ N int }

func (b brittle) AppendWire(_ codec.Scope, to []byte) ([]byte, error) {
	return append(to, byte(b.N)), nil
}

func (b *brittle) DecodeWire(_ codec.Scope, body []byte) error {
	b.N = int(body[0])
	_ = body[b.N] // trusts what comes
	return nil
}

// TestWhoSendsGarbageIsBarred for a while, on that connection: the others stay, nobody
// is held for dead, and what is right is delivered afterwards.
func TestWhoSendsGarbageIsBarred(t *testing.T) {
	for title, garbage := range map[string]any{"an error": crooked{"one"}, "a panic": brittle{9}} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := remote.NewMemNet()
				wrong, right := codec.NewRegistry(), registry(t)
				for _, err := range []error{
					codec.Register[crooked](wrong, "ping"), codec.Register[pong](wrong, "pong"),
					codec.Register[urgent](wrong, "urgent", codec.Control), codec.Register[secret](wrong, "secret"),
					codec.Register[brittle](wrong, "brittle"), codec.Register[brittle](right, "brittle"),
				} {
					require.NoError(t, err)
				}
				cfg := func(addr string) remote.Config {
					return remote.Config{Listen: addr, Transport: net.Node(addr), AcceptablePause: 2 * time.Second}
				}
				a := startOn(t, actor.Config{Registry: wrong}, cfg("a:1"))
				b := startOn(t, actor.Config{Registry: right}, cfg("b:1"))
				events, gone := subscribe[remote.Barred](b, "events"), subscribe[remote.Gone](b, "gone")
				there, here := b.inbox("there"), a.inbox("here")
				ref := a.sys.RefOf(there.pid.Location())
				there.pid.Tell(watchIt{b.sys.RefOf(here.pid.Location())}) // so that heartbeats count
				flood := func(n int, msg any) {
					for range n {
						ref.Tell(msg)
					}
					synctest.Wait()
				}
				flood(5000, secret{1})
				flood(100, garbage)
				ref.Tell(pong{1})
				there.expect(pong{1})
				events.none()
				require.EqualValues(t, 5100, b.rem.Stats().Undecodable)

				time.Sleep(time.Minute)
				wait := time.Second
				for round := range 4 {
					flood(101, garbage)
					require.Equal(t, remote.Barred{Addr: "a:1", UID: a.sys.UID(), For: wait}, events.next())
					s := b.rem.Stats()
					require.EqualValues(t, round+1, s.Barred)
					require.EqualValues(t, round+1, s.BadInput)
					began := time.Now()
					ref.Tell(pong{2})
					ref.Tell(urgent{3})
					there.expect(urgent{3})
					require.Less(t, time.Since(began), 100*time.Millisecond, "control messages pass")
					there.expect(pong{2})
					require.GreaterOrEqual(t, time.Since(began), wait, "it has to stay away")
					require.Less(t, time.Since(began), wait+2*time.Second, "and no longer")
					wait *= 2
				}
				gone.none()
				time.Sleep(90 * time.Second)
				flood(101, garbage)
				require.Equal(t, time.Second, events.next().(remote.Barred).For, "it has behaved for a minute")
			})
		})
	}
}
