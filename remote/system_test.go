package remote_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wait is how long a test waits for what must happen; only failures take it.
const wait = 45 * time.Second

var errTest = errors.New("of this test")

type ping struct{ N int }
type pong struct{ N int }
type urgent struct{ N int }
type askMe struct {
	actor.Returns[pong]
	N int
}
type carry struct {
	To   actor.PID `msgpack:"to"`
	Text string    `msgpack:"text"`
}
type blob struct{ B []byte }
type secret struct{ N int }

func registry(t testing.TB) *codec.Registry {
	reg := codec.NewRegistry()
	require.NoError(t, codec.Register[ping](reg, "ping"))
	require.NoError(t, codec.Register[pong](reg, "pong"))
	require.NoError(t, codec.Register[urgent](reg, "urgent", codec.Control))
	require.NoError(t, codec.Register[askMe](reg, "ask"))
	require.NoError(t, codec.Register[carry](reg, "carry"))
	require.NoError(t, codec.Register[blob](reg, "blob", codec.MaxSize(80<<20)))
	return reg
}

// node is a system with remoting, for tests.
type node struct {
	t    testing.TB
	sys  *actor.System
	rem  *remote.Remote
	stop func()
}

func start(t testing.TB, cfg remote.Config) *node { return startOn(t, actor.Config{}, cfg) }

func startOn(t testing.TB, on actor.Config, cfg remote.Config) *node {
	t.Helper()
	quiet := zerolog.Nop()
	if on.Logger == nil {
		on.Logger = &quiet
	}
	if on.Registry == nil {
		on.Registry = registry(t)
	}
	sys, err := actor.NewSystem("test", on)
	require.NoError(t, err)
	rem, err := remote.Start(sys, cfg)
	require.NoError(t, err)
	n := &node{t: t, sys: sys, rem: rem}
	n.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := sys.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

// crash ends the node as a killed process would: no goodbye, connections just end.
func (n *node) crash(net *remote.MemNet, others ...*node) {
	for _, o := range others {
		net.Cut(n.rem.Addr(), o.rem.Addr())
	}
	n.stop()
	for _, o := range others {
		net.Heal(n.rem.Addr(), o.rem.Addr())
	}
}

// inbox is an actor that hands everything to the test.
type inbox struct {
	t    testing.TB
	ch   chan any
	pid  actor.PID
	from chan actor.PID
}

func (n *node) inbox(name string) *inbox {
	n.t.Helper()
	in := &inbox{t: n.t, ch: make(chan any, 200_000), from: make(chan actor.PID, 200_000)}
	pid, err := n.sys.Spawn(name, func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case watchIt:
				ctx.Watch(m.who)
			case unwatchIt:
				ctx.Unwatch(m.who)
			case tellIt:
				ctx.Tell(m.who, m.msg)
			case stopIt:
				ctx.Tell(m.who, m.last)
				ctx.Stop(ctx.Self())
			case failIt:
				panic("test")
			default:
				in.from <- ctx.Sender()
				in.ch <- m
			}
		})
	})
	require.NoError(n.t, err)
	in.pid = pid
	return in
}

type watchIt struct{ who actor.PID }
type unwatchIt struct{ who actor.PID }
type failIt struct{}
type tellIt struct {
	who actor.PID
	msg any
}
type stopIt struct {
	who  actor.PID
	last any
}

func (i *inbox) next() any {
	i.t.Helper()
	select {
	case m := <-i.ch:
		return m
	case <-time.After(wait):
		require.FailNow(i.t, "nothing arrived")
		return nil
	}
}

func (i *inbox) expect(want any) {
	i.t.Helper()
	require.Equal(i.t, want, i.next())
}

func (i *inbox) none() {
	i.t.Helper()
	select {
	case m := <-i.ch:
		require.FailNow(i.t, "unexpected message", "%T %v", m, m)
	default:
	}
}

// subscribe returns the events of type E.
func subscribe[E any](n *node, name string) *inbox {
	in := n.inbox(name)
	actor.Subscribe[E](n.sys, in.pid)
	return in
}

// pair runs a test over all transports. The net is nil over TCP.
func pair(t *testing.T, test func(t *testing.T, net *remote.MemNet, a, b *node)) {
	pairOf(t, remote.Config{}, test)
}

// pairOf is pair with what else both nodes are configured with.
func pairOf(t *testing.T, base remote.Config, test func(t *testing.T, net *remote.MemNet, a, b *node)) {
	t.Run("over memory", func(t *testing.T) {
		net := remote.NewMemNet()
		cfg := func(addr string) remote.Config {
			c := base
			c.Listen, c.Transport = addr, net.Node(addr)
			return c
		}
		test(t, net, start(t, cfg("a:1")), start(t, cfg("b:1")))
	})
	t.Run("over TCP", func(t *testing.T) {
		test(t, nil, start(t, base), start(t, base))
	})
	t.Run("over TLS with a secret", func(t *testing.T) {
		ca := newAuthority()
		cfg := func() remote.Config {
			c := base
			c.Transport, c.Secrets = &remote.TCP{TLS: ca.node()}, []remote.Secret{sharedSecret(t, "a")}
			return c
		}
		test(t, nil, start(t, cfg()), start(t, cfg()))
	})
}

func TestTellAndReply(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there, here := b.inbox("there"), a.inbox("here")
		ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
		require.False(t, ref.IsLocal())
		require.NoError(t, ref.TellFrom(ping{1}, here.pid))
		there.expect(ping{1})
		back := <-there.from
		require.Equal(t, here.pid.String(), back.String())
		back.Tell(pong{2})
		here.expect(pong{2})
		back.Tell(urgent{3})
		here.expect(urgent{3})
	})
}

func TestRefInsideMessageWorksWhereItArrives(t *testing.T) { // R047, R050
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there, here := b.inbox("there"), a.inbox("here")
		a.sys.RefAt(b.rem.Addr(), "/user/there").Tell(carry{To: here.pid, Text: "x"})
		got := there.next().(carry)
		require.Equal(t, "x", got.Text)
		got.To.Tell(pong{7})
		here.expect(pong{7})
		got.To.Tell(carry{To: here.pid})
		require.Equal(t, here.pid, here.next().(carry).To, "home again it is the same ref")
		got.To.Tell(carry{To: there.pid})
		require.Equal(t, a.sys.RefOf(there.pid.Location()), here.next().(carry).To)
	})
}

func TestAskAcrossNodes(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		_, err := b.sys.Spawn("echo", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				switch m := ctx.Message().(type) {
				case askMe:
					actor.Reply(ctx, m, pong{m.N})
				case ping:
					ctx.Reply(actor.Failure{Err: fmt.Errorf("ping %d: %w", m.N, errTest)})
				}
			})
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		ref := a.sys.RefAt(b.rem.Addr(), "/user/echo")
		for n := range 50 {
			got, err := actor.Ask(ctx, ref, askMe{N: n})
			require.NoError(t, err)
			require.Equal(t, pong{n}, got)
		}
		_, err = actor.Ask(ctx, a.sys.RefAt(b.rem.Addr(), "/user/nobody"), askMe{N: 1})
		require.ErrorIs(t, err, actor.ErrDeadLetter, "nobody is there, and that is said at once")
		letter, ok := errors.AsType[*actor.DeadLetterError](err)
		require.True(t, ok)
		require.Equal(t, actor.DropStopped, letter.Reason)
		for _, n := range []*node{a, b} {
			require.NoError(t, codec.RegisterError(n.sys.Registry(), "test", errTest))
		}
		_, err = actor.AskAs[pong](ctx, ref, any(ping{3}))
		require.ErrorIs(t, err, errTest)
		require.ErrorContains(t, err, "ping 3: ")
	})
}

func TestOrderPerPair(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) { // R041
		const senders, count = 4, 3000
		there := b.inbox("there")
		ref := a.sys.RefAt(b.rem.Addr(), "/user/there")
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for n := range count {
					ref.Tell(ping{s*count + n})
				}
			})
		}
		wg.Wait()
		next := make([]int, senders)
		for range senders * count {
			n := there.next().(ping).N
			require.Equal(t, next[n/count], n%count)
			next[n/count]++
		}
	})
}

func TestWatchStopAndCrash(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) { // R065
		watcher, first, second := a.inbox("watcher"), b.inbox("first"), b.inbox("second")
		for _, who := range []*inbox{first, second} {
			ref := a.sys.RefOf(who.pid.Location())
			watcher.pid.Tell(watchIt{ref})
			ref.Tell(carry{To: watcher.pid, Text: "here"})
			who.next()
		}
		// R062, and what it said before comes first.
		first.pid.Tell(stopIt{who: b.sys.RefOf(watcher.pid.Location()), last: ping{9}})
		watcher.expect(ping{9})
		watcher.expect(actor.Terminated{Ref: a.sys.RefOf(first.pid.Location())})
		second.pid.Tell(failIt{})
		second.pid.Tell(ping{1})
		second.expect(ping{1}) // restarted: the watched incarnation lives
		watcher.none()
		b.sys.StopActor(second.pid)
		watcher.expect(actor.Terminated{Ref: a.sys.RefOf(second.pid.Location())})
		nobody := a.sys.RefAt(b.rem.Addr(), "/user/nobody")
		watcher.pid.Tell(watchIt{nobody})
		watcher.expect(actor.Terminated{Ref: nobody})
		watcher.none()
	})
}

func TestUnwatchEndsIt(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		watcher, there := a.inbox("watcher"), b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		watcher.pid.Tell(watchIt{ref})
		watcher.pid.Tell(unwatchIt{ref})
		other := a.sys.RefAt(b.rem.Addr(), "/user/nobody")
		watcher.pid.Tell(watchIt{other})
		watcher.expect(actor.Terminated{Ref: other}) // in order, so the unwatch is through
		b.sys.StopActor(there.pid)
		watcher.pid.Tell(watchIt{b.sys.RefAt(b.rem.Addr(), "/user/there")})
		last := a.sys.RefAt(b.rem.Addr(), "/user/there2")
		watcher.pid.Tell(watchIt{last})
		for {
			m := watcher.next().(actor.Terminated)
			require.NotEqual(t, ref, m.Ref)
			if m.Ref == last {
				break
			}
		}
	})
}

func TestGracefulStopOfPeer(t *testing.T) {
	pair(t, func(t *testing.T, _ *remote.MemNet, a, b *node) { // R032, R062
		watcher, there := a.inbox("watcher"), b.inbox("there")
		gone := subscribe[remote.Gone](a, "gone")
		ref := a.sys.RefOf(there.pid.Location())
		watcher.pid.Tell(watchIt{ref})
		ref.Tell(ping{1})
		there.expect(ping{1})
		home := b.sys.RefOf(watcher.pid.Location())
		for n := range 3 {
			home.Tell(ping{n})
		}
		uid := b.sys.UID()
		b.stop()
		for n := range 3 {
			watcher.expect(ping{n})
		}
		watcher.expect(actor.Terminated{Ref: ref})
		ev := gone.next().(remote.Gone)
		require.Equal(t, uid, ev.UID)
		require.Equal(t, b.rem.Addr(), ev.Addr)
		watcher.pid.Tell(watchIt{a.sys.RefOf(there.pid.Location())})
		watcher.expect(actor.Terminated{Ref: ref}) // R067: an incarnation known to be gone
		watcher.none()
	})
}
