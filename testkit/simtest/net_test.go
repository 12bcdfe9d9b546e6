package simtest_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// source sends the numbers 0, 1, 2, … in one stream of bytes.
type source struct {
	conn   remote.Conn
	next   uint32
	most   uint32
	closed []error
	over   bool
}

func (s *source) Data([]byte) {}

func (s *source) Outgoing() [][]byte {
	if s.next == s.most {
		return nil
	}
	var b []byte
	for len(b) < 256 && s.next < s.most {
		b = binary.BigEndian.AppendUint32(b, s.next)
		s.next++
	}
	return [][]byte{b}
}

func (s *source) Closed(err error) { s.closed = append(s.closed, err); s.over = true }

// sink notes everything that arrives.
type sink struct {
	rest   []byte
	count  int
	closed []error
	w      *simtest.World
}

func (s *sink) Data(b []byte) {
	if len(s.closed) > 0 {
		s.w.Failf("data after the end")
	}
	s.rest = append(s.rest, b...)
	for ; len(s.rest) >= 4; s.rest = s.rest[4:] {
		if n := binary.BigEndian.Uint32(s.rest); int(n) != s.count {
			s.w.Failf("number %d arrived, want %d", n, s.count)
		}
		s.count++
	}
}

func (s *sink) Outgoing() [][]byte { return nil }

func (s *sink) Closed(err error) { s.closed = append(s.closed, err) }

// numbers counts what arrived.
func (s *sink) numbers() int { return s.count }

// connect makes a connection from a to b on which a sends most numbers.
func connect(w *simtest.World, a, b *simtest.Node, most uint32) (*source, *sink) {
	src, dst := &source{most: most}, &sink{w: w}
	_, err := b.Transport().Listen(":2551", func(c remote.Conn) { c.Start(dst) })
	require.NoError(w.T(), err)
	a.Transport().Dial(b.Addr(), func(c remote.Conn, err error) {
		require.NoError(w.T(), err)
		src.conn = c
		c.Start(src)
		c.Flush()
	})
	return src, dst
}

func TestAConnectionKeepsOrderAndLosesNothing(t *testing.T) {
	simtest.Run(t, 50, func(w *simtest.World) {
		s := simtest.DrawSwarm(w.Rand("swarm"))
		s.Split, s.Stall = 0.3, 0.05
		w.SetSwarm(s)
		a, b := w.Node("a"), w.Node("b")
		src, dst := connect(w, a, b, 20_000)
		w.Until("all arrived", 10*time.Minute, simtest.That(func() bool { return dst.numbers() == 20_000 }))
		require.Empty(w.T(), src.closed)
		src.conn.Close()
		w.Run(10 * time.Second)
		require.Equal(w.T(), []error{nil}, src.closed)
		require.Len(w.T(), dst.closed, 1)
	})
}

func TestABrokenConnectionLosesASuffix(t *testing.T) {
	simtest.Run(t, 100, func(w *simtest.World) {
		w.SetSwarm(simtest.DrawSwarm(w.Rand("swarm")))
		a, b := w.Node("a"), w.Node("b")
		src, dst := connect(w, a, b, 1<<30)
		w.Run(time.Duration(1+w.Rand("when").IntN(200)) * time.Millisecond)
		switch w.Rand("what").IntN(4) {
		case 0:
			w.Sever(a, b)
		case 1:
			w.Crash(b)
		case 2:
			w.PowerOff(b)
		default:
			w.Partition(w.Side(a), w.Side(b))
		}
		w.Until("the writer knows", 2*time.Minute, simtest.That(func() bool { return src.over || src.conn == nil }))
		got := dst.numbers()
		w.Run(2 * time.Minute)
		require.GreaterOrEqual(w.T(), dst.numbers(), got)
		require.LessOrEqual(w.T(), len(src.closed), 1)
		require.LessOrEqual(w.T(), len(dst.closed), 1)
		require.LessOrEqual(w.T(), dst.numbers(), int(src.next))
	})
}

func TestACutThatIsMendedSoonOnlyDelays(t *testing.T) {
	cuts := map[string]func(w *simtest.World, a, b *simtest.Node){
		"both ways":         func(w *simtest.World, a, b *simtest.Node) { w.Partition(w.Side(a), w.Side(b)) },
		"data":              func(w *simtest.World, a, b *simtest.Node) { w.OneWay(w.Side(a), w.Side(b)) },
		"acknowledgements":  func(w *simtest.World, a, b *simtest.Node) { w.OneWay(w.Side(b), w.Side(a)) },
		"the receiver naps": func(w *simtest.World, _, b *simtest.Node) { w.Pause(b, 0) },
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			simtest.Run(t, 10, func(w *simtest.World) {
				a, b := w.Node("a"), w.Node("b")
				src, dst := connect(w, a, b, 3_000_000)
				w.Run(10 * time.Millisecond)
				cut(w, a, b)
				w.Run(5 * time.Second)
				stuck := dst.numbers()
				sent := src.next
				w.Run(time.Second)
				require.Equal(w.T(), stuck, dst.numbers(), "nothing flows")
				require.Equal(w.T(), sent, src.next, "the window is full")
				w.Heal()
				w.Until("it flows again", 5*time.Second, simtest.That(func() bool { return dst.numbers() > stuck+1000 }))
				require.Empty(w.T(), src.closed)
			})
		})
	}
}

func TestDialling(t *testing.T) {
	simtest.Run(t, 20, func(w *simtest.World) {
		a, b := w.Node("a"), w.Node("b")
		var errs []error
		dial := func(addr string) {
			a.Transport().Dial(addr, func(c remote.Conn, err error) {
				require.Error(w.T(), err)
				errs = append(errs, err)
			})
		}
		dial("b:2551")
		dial("nowhere:2551")
		dial("nonsense")
		a.Transport().Dial("b:2551", func(c remote.Conn, err error) { errs = append(errs, err) })()
		w.Until("all were told", time.Second, simtest.That(func() bool { return len(errs) == 4 }))
		w.PowerOff(b)
		dial("b:2551")
		w.Until("time is out", 10*time.Second, simtest.That(func() bool { return len(errs) == 5 }))
		w.Run(time.Minute)
		require.Len(w.T(), errs, 5)
	})
}
