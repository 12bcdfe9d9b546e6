package simtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/testkit/simtest"
)

// failoverMax is the bound of F-01 to F-03 for a default configuration: the
// failure detector, the stable time, the removal margin, and two seconds.
const failoverMax = 16200 * time.Millisecond

// calmService is a service on five nodes that is up and busy.
func calmService(w *simtest.World) *service {
	s := newService(w, 5)
	s.calm()
	return s
}

func (s *service) calm() {
	s.w.Until("all up", 10*time.Second, s.w.AllUp(s.nodes...))
	s.all(20*time.Second, idCount)
	s.run(4, idCount)
	s.w.Run(5 * time.Second)
}

func (s *service) oldest() *simtest.Node {
	m, ok := s.client0().Cluster().State().Oldest("")
	require.True(s.w.T(), ok)
	for _, n := range s.nodes {
		if n.Addr() == m.Addr {
			return n
		}
	}
	s.w.Failf("nobody has the address %s", m.Addr)
	return nil
}

// client0 is some node that lives.
func (s *service) client0() *simtest.Node {
	for _, n := range s.nodes {
		if n.Alive() && n.Cluster() != nil && n.Cluster().Up().IsOpen() {
			return n
		}
	}
	s.w.Failf("nobody lives")
	return nil
}

func (s *service) end() {
	s.stopped = true
	s.w.Run(20 * time.Second)
	s.w.Until("nothing lives twice", time.Second, s.entities.Single())
	s.w.Until("there is one clerk", time.Second, s.clerks.Single())
	s.audit()
}

// F-01, F-02: whoever dies, even the oldest, which has the clerk and the
// coordinator, everything takes commands again within the bound.
func TestEverythingIsBackSoonAfterACrash(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		s := calmService(w)
		s.entities.Strict, s.clerks.Strict = true, true
		victim := s.oldest()
		if w.Rand("victim").IntN(3) == 0 {
			victim = s.nodes[w.Rand("which").IntN(5)]
		}
		if w.Rand("how").IntN(2) == 0 {
			w.Crash(victim)
		} else {
			w.PowerOff(victim)
		}
		s.all(failoverMax, idCount)
		w.Restart(victim)
		w.Until("all up again", time.Minute, w.AllUp(s.nodes...))
		s.all(failoverMax, idCount)
		s.end()
	})
}

// F-12: a paused process is declared dead. When it wakes it does nothing that
// counts, ends, and comes back as another incarnation.
func TestAPausedOwnerWakesUpWithoutEffect(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		s := calmService(w)
		victim := s.oldest()
		w.Pause(victim, 40*time.Second)
		// A client that tries the paused node learns nothing until its time is up.
		s.all(failoverMax+4*tryFor, idCount)
		w.Until("it woke, ended and came back", 90*time.Second, simtest.That(func() bool {
			return victim.Process() == 2 && victim.Alive()
		}))
		w.Until("all up again", time.Minute, w.AllUp(s.nodes...))
		s.all(failoverMax, idCount)
		s.end()
	})
}

// F-09: one after the other leaves in order and comes back; whoever asks is
// answered all the time, and never are there two of anything.
func TestARollingRestartUnderLoad(t *testing.T) {
	simtest.Run(t, 15, func(w *simtest.World) {
		s := calmService(w)
		s.entities.Strict, s.clerks.Strict = true, true
		for _, k := range w.Rand("order").Perm(5) {
			n := s.nodes[k]
			n.Go(func() { n.System().BeginStop("rolling restart") })
			before := n.Process()
			w.Until("it is back", time.Minute, simtest.That(func() bool { return n.Process() > before }))
			w.Until("all up again", time.Minute, w.AllUp(s.nodes...))
			s.all(5*time.Second, idCount)
		}
		s.end()
	})
}
