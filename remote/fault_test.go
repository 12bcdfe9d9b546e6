package remote_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/netfault"
)

// behind starts a node that can be reached through a fault proxy only.
func behind(t *testing.T, cfg remote.Config) (*node, *netfault.Proxy) {
	t.Helper()
	p, err := netfault.Start("127.0.0.1:0", "")
	require.NoError(t, err)
	t.Cleanup(p.Close)
	cfg.Advertise = p.Addr()
	if cfg.StreamTimeout == 0 {
		cfg.StreamTimeout = 2 * time.Second
	}
	cfg.IgnoreFailures = true // the faults are to be lived through, not to be judged
	n := start(t, cfg)
	p.SetTarget(n.rem.Bound())
	t.Cleanup(n.stop) // before the proxy's end
	return n, p
}

// faultsOfTheWire are what happens to both directions between two nodes. Those that
// damage bytes can be told from honest ones only when the traffic is encrypted.
var faultsOfTheWire = map[string]func(p *netfault.Proxy){
	"latency":        func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Latency: 20 * time.Millisecond})) },
	"jitter":         func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Jitter: 20 * time.Millisecond})) },
	"slices":         func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Slice: 1})) },
	"a thin line":    func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Rate: 50_000})) },
	"reset":          (*netfault.Proxy).Reset,
	"refusal":        func(p *netfault.Proxy) { p.Set(netfault.Faults{Refuse: true}); p.Reset() },
	"partition":      func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Hold: true})) },
	"one-way out":    func(p *netfault.Proxy) { p.Set(netfault.Faults{Out: netfault.Direction{Hold: true}}) },
	"one-way back":   func(p *netfault.Proxy) { p.Set(netfault.Faults{Back: netfault.Direction{Hold: true}}) },
	"silent drop":    func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Drop: true})) },
	"drop and reset": func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Drop: true})); p.Reset() },
	"flipped bits":   func(p *netfault.Proxy) { p.Set(netfault.Both(netfault.Direction{Flip: 2000})) },
	"half open":      (*netfault.Proxy).HalfOpen,
}

// TestFaultsOfTheWire: two nodes live through each fault of real connections: what
// arrives is in order and once (RM-1), what doesn't was declared, a watcher is told
// exactly once (RM-3), and soon after the fault everything flows again (RM-4).
func TestFaultsOfTheWire(t *testing.T) {
	ca := newAuthority()
	for title, fault := range faultsOfTheWire {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			cfg := func() remote.Config { return remote.Config{Transport: &remote.TCP{TLS: ca.node()}} }
			a, pa := behind(t, cfg())
			b, pb := behind(t, cfg())
			w := acquaint(t, a, b)
			fault(pa)
			fault(pb)
			w.sendSome(300)
			pa.Heal()
			pb.Heal()
			w.flows()
			w.requireHonest()
		})
	}
}

// acquainted are two nodes, one of which sends numbered messages to the other and
// is watched by it.
type acquainted struct {
	t        *testing.T
	a, b     *node
	there    *inbox
	watching *inbox
	watched  actor.PID
	n        int
	losses   atomic.Int64
	last     int
	missing  int
}

func acquaint(t *testing.T, a, b *node) *acquainted {
	t.Helper()
	w := &acquainted{t: t, a: a, b: b, there: b.inbox("there"), watching: b.inbox("watching"), watched: a.inbox("watched").pid}
	losses, err := a.sys.Spawn("losses", func() actor.Actor { return actor.Func(func(*actor.Context) { w.losses.Add(1) }) })
	require.NoError(t, err)
	actor.Subscribe[actor.DeadLetter](a.sys, losses)
	actor.Subscribe[remote.ConnectionLost](a.sys, losses)
	w.watching.pid.Tell(watchIt{b.sys.RefAt(a.rem.Addr(), "/user/watched")})
	w.send()
	w.there.expect(ping{1})
	w.last = 1
	return w
}

func (w *acquainted) send() {
	w.n++
	w.a.sys.RefAt(w.b.rem.Addr(), "/user/there").Tell(ping{w.n})
}

// sendSome sends messages while a fault is on, and ends the watched actor amid them.
func (w *acquainted) sendSome(n int) {
	tick := time.NewTicker(time.Millisecond) // the fault has to meet traffic; nothing depends on how much
	defer tick.Stop()
	for i := range n {
		if i == n/2 {
			w.watched.Tell(actor.PoisonPill{})
		}
		w.send()
		<-tick.C
	}
}

// flows sends until something arrives that was sent after the fault.
func (w *acquainted) flows() {
	w.t.Helper()
	from, tick := w.n, time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	end := time.After(2 * wait)
	for w.last <= from {
		select {
		case m := <-w.there.ch:
			w.take(m.(ping).N)
		case <-tick.C:
			w.send()
		case <-end:
			require.FailNow(w.t, "nothing flows after the fault")
		}
	}
}

func (w *acquainted) take(n int) {
	w.t.Helper()
	require.Greater(w.t, n, w.last, "in order, once")
	w.missing += n - w.last - 1
	w.last = n
}

func (w *acquainted) requireHonest() {
	w.t.Helper()
	require.IsType(w.t, actor.Terminated{}, w.watching.next())
	w.watching.none()
	if w.missing > 0 {
		require.NotZero(w.t, w.losses.Load(), "%d messages are missing, and the sender was told nothing", w.missing)
	}
}

// TestThinLine: over a line of ten thousand bits a second everything arrives, in order
// and no sooner than it can; when the line is wide again there is no trace (R101).
func TestThinLine(t *testing.T) {
	patient := remote.Config{StreamTimeout: time.Minute} // a sign of life waits behind what is on the line
	a, _ := behind(t, patient)
	b, line := behind(t, patient)
	w := acquaint(t, a, b)
	line.Set(netfault.Both(netfault.Direction{Rate: 1250}))
	began := time.Now()
	text := string(make([]byte, 100))
	for range 10 {
		a.sys.RefAt(b.rem.Addr(), "/user/there").Tell(carry{Text: text})
		w.send()
	}
	for w.last < 11 {
		switch m := w.there.next().(type) {
		case ping:
			w.take(m.N)
		case carry:
			require.Equal(t, text, m.Text)
		}
	}
	require.Greater(t, time.Since(began), 800*time.Millisecond)
	require.Zero(t, w.losses.Load())
	line.Heal()
	w.flows()
}
