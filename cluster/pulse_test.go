package cluster

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

func nodeNamed(name string) membership.Node {
	return membership.Node{Addr: name + ":1", UID: uint64(name[0])}
}

// viewOf is what the first of the named members sees; records are pairs of
// observer and subject.
func viewOf(names string, records ...string) membership.View {
	var members []membership.Member
	for i, r := range names {
		members = append(members, membership.Member{Node: nodeNamed(string(r)), Status: membership.Up, UpNumber: uint64(i + 1)})
	}
	var pairs [][2]membership.Node
	for _, r := range records {
		pairs = append(pairs, [2]membership.Node{nodeNamed(r[:1]), nodeNamed(r[1:])})
	}
	return membership.ViewOf(membership.Assemble(1, members, pairs...), nodeNamed(names[:1]))
}

func names(nodes []membership.Node) string {
	out := ""
	for _, n := range nodes {
		out += n.Addr[:1]
	}
	b := []byte(out)
	slices.Sort(b)
	return string(b)
}

// simulation runs a pulse against nodes of which some answer.
type simulation struct {
	p       *pulse
	now     time.Time
	answers string // who answers
	word    membership.Observed
}

func newSimulation(cfg Heartbeat, v membership.View) *simulation {
	s := &simulation{p: newPulse(cfg.withDefaults(), v.Self), now: time.Unix(1000, 0)}
	s.p.setView(s.now, v)
	return s
}

// run lets time pass and returns what was said about others.
func (s *simulation) run(d time.Duration) (unreachable, reachable string) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(250 * time.Millisecond) {
		if s.now.Sub(time.Unix(1000, 0))%(500*time.Millisecond) == 0 {
			for _, n := range s.p.beat(s.now) {
				if slices.Contains([]byte(s.answers), n.Addr[0]) {
					s.p.heard(s.now, n, uint64(s.now.UnixNano()))
				}
			}
		}
		o := s.p.reap(s.now)
		s.word.Unreachable = append(s.word.Unreachable, o.Unreachable...)
		s.word.Reachable = append(s.word.Reachable, o.Reachable...)
	}
	word := s.word
	s.word = membership.Observed{}
	slices.SortFunc(word.Unreachable, membership.Node.Compare)
	return names(slices.Compact(word.Unreachable)), names(slices.Compact(word.Reachable))
}

func TestPulse(t *testing.T) {
	t.Run("who answers isn't accused", func(t *testing.T) {
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		bad, good := s.run(time.Minute)
		require.Empty(t, bad+good)
	})
	t.Run("silence is found after about four seconds", func(t *testing.T) { // FD-1
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		s.run(20 * time.Second)
		s.answers = "b"
		bad, _ := s.run(3500 * time.Millisecond)
		require.Empty(t, bad)
		bad, _ = s.run(time.Second)
		require.Equal(t, "c", bad)
	})
	t.Run("who never answers is found too", func(t *testing.T) { // C13
		s := newSimulation(Heartbeat{}, viewOf("ab"))
		bad, _ := s.run(10 * time.Second)
		require.Equal(t, "b", bad)
	})
	t.Run("who comes back is found again, by a fresh answer", func(t *testing.T) { // FD-4
		s := newSimulation(Heartbeat{}, viewOf("ab"))
		s.run(10 * time.Second)
		s.p.setView(s.now, viewOf("ab", "ab"))
		_, good := s.run(10 * time.Second)
		require.Empty(t, good)
		s.answers = "b"
		_, good = s.run(time.Second)
		require.Equal(t, "b", good[:1])
	})
	t.Run("a node that was asleep accuses nobody at first", func(t *testing.T) { // FD-3, F-12
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		s.run(20 * time.Second)
		s.now = s.now.Add(40 * time.Second)
		require.Empty(t, s.p.reap(s.now).Unreachable)
		bad, _ := s.run(10 * time.Second)
		require.Empty(t, bad, "they answered when asked")
		s.now = s.now.Add(40 * time.Second)
		s.answers = "b"
		require.Empty(t, s.p.reap(s.now).Unreachable)
		bad, _ = s.run(10 * time.Second)
		require.Equal(t, "c", bad, "c is really gone")
	})
	t.Run("who leaves the ring while silent is asked on", func(t *testing.T) {
		s := newSimulation(Heartbeat{MonitoredBy: 1}, viewOf("abc"))
		require.Equal(t, "b", names(s.p.active()))
		s.run(10 * time.Second)
		s.p.setView(s.now, viewOf("abc", "ab", "cb")) // b is unreachable: c takes its place
		require.Equal(t, "bc", names(s.p.active()))
		s.answers = "bc"
		_, good := s.run(time.Second)
		require.Equal(t, "b", good[:1])
		s.p.setView(s.now, viewOf("abc"))
		require.Equal(t, "b", names(s.p.active()))
	})
	limp := func() *simulation {
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		s.run(10 * time.Second)
		for range 10 { // it stands still for a second every two seconds
			s.now = s.now.Add(time.Second)
			s.run(time.Second)
		}
		return s
	}
	t.Run("a node that runs late again and again grants the others more", func(t *testing.T) { // FD-2, FD-3
		s := limp()
		require.Greater(t, s.p.grace, 2*time.Second)
		require.LessOrEqual(t, s.p.grace, 9*time.Second, "a silence of four acceptable pauses is never excused")
		s.answers = "b"
		bad, _ := s.run(5 * time.Second)
		require.Empty(t, bad, "another would have been sure after four seconds")
		bad, _ = s.run(8 * time.Second)
		require.Equal(t, "c", bad)
		s = limp()
		s.run(time.Minute)
		require.Less(t, s.p.grace, 50*time.Millisecond, "it is well again")
	})
	t.Run("grace brings nobody back", func(t *testing.T) { // FD-4
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		s.run(10 * time.Second)
		s.answers = "b"
		bad, _ := s.run(6 * time.Second)
		require.Equal(t, "c", bad)
		s.p.setView(s.now, viewOf("abc", "ac"))
		s.p.grace = 8 * time.Second // as if it had run late for a while
		_, good := s.run(time.Second)
		require.Empty(t, good, "c has not answered")
		s.answers = "bc"
		_, good = s.run(time.Second)
		require.Equal(t, "c", good)
	})
	t.Run("in a round that comes late nobody is accused", func(t *testing.T) { // FD-3
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.answers = "bc"
		s.run(10 * time.Second)
		s.answers = "b"
		for range 8 {
			s.now = s.now.Add(400 * time.Millisecond)
			require.Empty(t, s.p.reap(s.now).Unreachable)
		}
	})
	t.Run("who is removed is forgotten", func(t *testing.T) {
		s := newSimulation(Heartbeat{}, viewOf("abc"))
		s.run(time.Second)
		s.p.setView(s.now, viewOf("ab"))
		require.Equal(t, "b", names(s.p.active()))
		require.Len(t, s.p.expected, 1)
		s.p.heard(s.now, nodeNamed("c"), uint64(s.now.UnixNano()))
		require.False(t, s.p.fd.Monitoring(nodeNamed("c")))
	})
	t.Run("the dead get no sign of life", func(t *testing.T) {
		p := newPulse(Heartbeat{}.withDefaults(), nodeNamed("a"))
		require.True(t, p.answers(nodeNamed("b")), "before joining everybody does")
		v := viewOf("abc")
		members := slices.Clone(v.Members())
		members[1].Status = membership.Down
		p.setView(time.Unix(1000, 0), membership.ViewOf(membership.Assemble(1, members), nodeNamed("a")))
		require.False(t, p.answers(nodeNamed("b")))
		require.True(t, p.answers(nodeNamed("c")))
		require.True(t, p.answers(nodeNamed("x")), "who may be joining")
	})
}

// Whatever comes, heartbeats go to those of the ring and to those who were
// silent when they left it; the detector knows nobody else.
func TestWhoGetsHeartbeats(t *testing.T) { // section 8.5
	r := rand.New(rand.NewPCG(8, 5))
	s := newSimulation(Heartbeat{MonitoredBy: 2}, viewOf("abcdefg"))
	lingered := 0
	for range 20_000 {
		switch r.IntN(4) {
		case 0: // members come and go, some are accused by the one or the other
			members := "a"
			var records []string
			for _, m := range "bcdefg" {
				if r.IntN(4) > 0 {
					members += string(m)
				}
			}
			for range r.IntN(4) {
				records = append(records, members[:1]+string(members[r.IntN(len(members))]))
			}
			before, was := s.p.active(), map[membership.Node]bool{}
			v := viewOf(members, records...)
			for _, n := range before {
				was[n] = !s.p.fd.Available(n, s.now) || v.Reachability().Status(s.p.self, n) != membership.Reachable
			}
			s.p.setView(s.now, v)
			want := membership.HeartbeatTargets(v, 2)
			for _, n := range before {
				if _, member := v.Member(n); member && was[n] && !slices.Contains(want, n) {
					want = append(want, n)
					lingered++
				}
			}
			require.Equal(t, names(want), names(s.p.active()))
		case 1:
			s.p.beat(s.now)
		case 2:
			s.p.heard(s.now, nodeNamed(string(rune('a'+r.IntN(8)))), uint64(s.now.UnixNano()))
		default:
			s.now = s.now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
			s.p.reap(s.now)
		}
		active := s.p.active()
		for _, n := range "abcdefgh" {
			if one := nodeNamed(string(n)); !slices.Contains(active, one) {
				require.False(t, s.p.fd.Monitoring(one), "%v", one)
				require.NotContains(t, s.p.expected, one)
			}
		}
	}
	require.Greater(t, lingered, 100)
}

func TestHeartbeatsOnTheWire(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, register(reg))
	for name, m := range map[string]any{"troupe.cluster.Heartbeat.v1": heartbeat{nodeNamed("a"), 7}, "troupe.cluster.HeartbeatAck.v1": heartbeatAck{nodeNamed("b"), 8}} {
		typ, err := reg.Of(m)
		require.NoError(t, err)
		require.True(t, typ.Control())
		require.Equal(t, name, typ.Name())
		body, err := typ.Append(codec.Scope{}, nil, m)
		require.NoError(t, err)
		require.Equal(t, []byte{3, m.(interface{ name() byte }).name(), ':', '1', 0, 0, 0, 0, 0, 0, 0, m.(interface{ name() byte }).name(), m.(interface{ seq() byte }).seq()}, body)
		got, err := typ.Decode(codec.Scope{}, body)
		require.NoError(t, err)
		require.Equal(t, m, got)
		for cut := range body {
			_, err := typ.Decode(codec.Scope{}, body[:cut])
			require.Error(t, err)
		}
	}
}

func (m heartbeat) name() byte    { return m.From.Addr[0] }
func (m heartbeat) seq() byte     { return byte(m.Seq) }
func (m heartbeatAck) name() byte { return m.From.Addr[0] }
func (m heartbeatAck) seq() byte  { return byte(m.Seq) }

func FuzzHeartbeat(f *testing.F) {
	body, err := heartbeat{nodeNamed("a"), 7}.AppendWire(codec.Scope{}, nil)
	require.NoError(f, err)
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var m heartbeat
		var err error
		bound.Allocation(t, len(body), func() { err = m.DecodeWire(codec.Scope{}, body) })
		if err != nil {
			return
		}
		again, err := m.AppendWire(codec.Scope{}, nil)
		require.NoError(t, err)
		var other heartbeatAck
		require.NoError(t, other.DecodeWire(codec.Scope{}, again))
		require.Equal(t, heartbeatAck(m), other)
	})
}

func TestReaderThatIsTooSlowGetsAnotherSnapshot(t *testing.T) {
	c := &Cluster{}
	v := viewOf("ab")
	c.publish(v, nil)
	f := &feed{}
	c.follow(f)
	e := membership.MemberUp{Member: v.Members()[0]}
	for range feedMax {
		c.publish(v, []membership.Event{e})
	}
	events, _ := c.take(f)
	require.Equal(t, []membership.Event{membership.Snapshot{View: v}}, events)
	for range feedMax {
		c.publish(v, []membership.Event{e})
	}
	c.publish(v, []membership.Event{e, membership.Ended{Reason: membership.Left}})
	events, _ = c.take(f)
	require.Equal(t, []membership.Event{membership.Snapshot{View: v}, membership.Ended{Reason: membership.Left}}, events)
	_, wake := c.take(f)
	require.False(t, wake.IsOpen())
	c.publish(v, []membership.Event{e})
	require.True(t, wake.IsOpen())
	c.unfollow(f)
	require.Empty(t, c.feeds)
}

func TestFixedDetector(t *testing.T) {
	cfg := Heartbeat{Fixed: true}.withDefaults()
	v := viewOf("ab")
	p := newPulse(cfg, v.Self)
	now := time.Unix(1000, 0)
	p.setView(now, v)
	p.heard(now, nodeNamed("b"), uint64(now.UnixNano()))
	silence := func(d time.Duration) []membership.Node {
		p.lastReap = now.Add(d - cfg.ReapEvery) // as if it had looked all the time
		return p.reap(now.Add(d)).Unreachable
	}
	require.Empty(t, silence(3400*time.Millisecond))
	require.Len(t, silence(3500*time.Millisecond), 1)
}

// FD-4: what n answered long ago, and what comes twice, says nothing about now.
func TestALateAnswerIsNoSignOfLife(t *testing.T) {
	cfg := Heartbeat{}.withDefaults()
	now := time.Unix(1000, 0)
	p := newPulse(cfg, nodeNamed("a"))
	p.setView(now, viewOf("ab"))
	seq := uint64(0)
	for range 20 {
		now, seq = now.Add(cfg.Every), seq+1
		p.heard(now, nodeNamed("b"), seq)
	}
	silent := func() string {
		for end := now.Add(30 * time.Second); now.Before(end); now = now.Add(cfg.ReapEvery) {
			p.heard(now, nodeNamed("b"), seq)   // twice
			p.heard(now, nodeNamed("b"), seq-5) // overtaken
			if o := p.reap(now); len(o.Unreachable) > 0 {
				return names(o.Unreachable)
			}
		}
		return ""
	}
	require.Equal(t, "b", silent())
	p.setView(now, viewOf("ab", "ab"))
	for range 20 {
		now, seq = now.Add(cfg.Every), seq+1
		p.heard(now, nodeNamed("b"), seq)
		p.reap(now)
	}
	require.Equal(t, "b", names(p.reap(now.Add(cfg.ReapEvery)).Reachable))
}
