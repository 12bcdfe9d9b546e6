package remote

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// source hands out numbers, of 8 bytes each, that were put into it.
type source struct {
	mu      sync.Mutex
	next    uint64
	waiting []byte
	inside  atomic.Int32
	overlap atomic.Bool
	closed  chan struct{}
}

func (s *source) put(n int) {
	s.mu.Lock()
	for range n {
		s.waiting = binary.BigEndian.AppendUint64(s.waiting, s.next)
		s.next++
	}
	s.mu.Unlock()
}

func (s *source) Data([]byte) {}

func (s *source) Outgoing() [][]byte {
	if s.inside.Add(1) > 1 {
		s.overlap.Store(true)
	}
	defer s.inside.Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.waiting
	s.waiting = nil
	if len(b) == 0 {
		return nil
	}
	return [][]byte{b[:8], b[8:]}[:min(2, len(b)/8)]
}

func (s *source) Closed(error) { close(s.closed) }

// sink checks that numbers come in order, each once.
type sink struct {
	hold   chan struct{} // reading begins when it is closed
	rest   []byte
	next   uint64
	wrong  bool
	until  uint64
	over   chan struct{}
	closed chan struct{}
}

func (s *sink) Data(b []byte) {
	<-s.hold
	for s.rest = append(s.rest, b...); len(s.rest) >= 8; s.rest = s.rest[8:] {
		s.wrong = s.wrong || binary.BigEndian.Uint64(s.rest) != s.next
		if s.next++; s.next == s.until {
			close(s.over)
		}
	}
}

func (s *sink) Outgoing() [][]byte { return nil }
func (s *sink) Closed(error)       { close(s.closed) }

func TestWritingAtOnceKeepsOrderWithTheGoroutineThatWrites(t *testing.T) {
	for title, transport := range map[string]*TCP{"waiting": {Poll: -1}, "polling where it is worth it": {}, "polling": {Poll: 50 * time.Microsecond}} {
		t.Run(title, func(t *testing.T) {
			in := &sink{hold: make(chan struct{}), until: 2_000_000, over: make(chan struct{}), closed: make(chan struct{})}
			l, err := transport.Listen("127.0.0.1:0", func(c Conn) { c.Start(in) })
			require.NoError(t, err)
			defer l.Close()
			dialed := make(chan Conn, 1)
			transport.Dial(l.Addr(), func(c Conn, err error) {
				require.NoError(t, err)
				dialed <- c
			})
			c := <-dialed
			out := &source{closed: make(chan struct{})}
			c.Start(out)
			var senders sync.WaitGroup
			for k := range 4 { // some say so to the goroutine, some write; more than the socket takes, too
				senders.Go(func() {
					for n := range 500 {
						out.put(1000)
						if (n+k)%3 == 0 {
							c.Flush()
						} else {
							c.(PromptConn).FlushNow()
						}
					}
				})
			}
			senders.Wait() // none of them waits for the other end
			close(in.hold)
			<-in.over
			require.False(t, in.wrong)
			require.False(t, out.overlap.Load())
			c.Close()
			<-out.closed
			<-in.closed
			c.(PromptConn).FlushNow() // after the end, without harm
		})
	}
}

// promptConn counts how it was told that there is something to write.
type promptConn struct {
	Conn
	flushed, atOnce int
}

func (c *promptConn) Flush()    { c.flushed++ }
func (c *promptConn) FlushNow() { c.atOnce++ }

func TestTheAnswerToALoneMessageIsWrittenAtOnce(t *testing.T) {
	conn := &promptConn{}
	l := newLane(laneOrdinary, 1<<20, nil)
	l.lone = &atomic.Bool{}
	l.out = &outbound{conn: conn}
	put := func() PromptConn { return l.put([]byte{0, 0, 0, 1, byte(frameMessage)}, l.form.Load(), false).prompt }
	require.Nil(t, put(), "nothing has come")
	require.Equal(t, 1, conn.flushed)
	l.lone.Store(true)
	require.Nil(t, put(), "there is more, of which the connection knows")
	require.Equal(t, 1, conn.flushed)
	l.take(l.out)
	require.NotNil(t, put())
	require.Equal(t, 1, conn.flushed)
	l.take(l.out)
	require.Nil(t, put(), "only the first")
	require.Equal(t, 2, conn.flushed)
}

func TestWhatIsSentWhileTheOtherNodeIsReadIsWrittenTogether(t *testing.T) {
	conn := &promptConn{}
	var reading atomic.Int32
	l := newLane(laneOrdinary, 1<<20, nil)
	l.reading = &reading
	o := &outbound{conn: conn}
	l.open(o, identity{}, bareForm)
	l.take(o)
	send := func(size int) {
		b := appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/user/a"}, actor.Location{}, 0, "m")
		require.True(t, l.put(endFrame(append(b, make([]byte, size)...), 0), bareForm, false).ok)
	}
	flushes := func(want int, why string) {
		t.Helper()
		require.Equal(t, want, conn.flushed, why)
		conn.flushed = 0
	}
	writes := func(want int, why string) {
		t.Helper()
		require.Equal(t, want, conn.atOnce, why)
		conn.atOnce = 0
		flushes(0, why)
	}
	flushes(1, "of the opening")
	send(1)
	flushes(1, "nobody reads")
	l.take(o)

	reading.Add(1)
	send(1)
	send(1)
	flushes(0, "more may come")
	l.uncork()
	writes(1, "it has")
	l.uncork()
	writes(0, "nothing waits")
	send(1)
	flushes(0, "it is known already that there is something")
	require.Len(t, l.take(o), 1)

	send(1)
	send(corkMax)
	flushes(1, "that is enough")
	send(1)
	flushes(0, "and known")
	l.take(o)
	require.True(t, l.write(appendBare(nil, frameGoodbye)))
	flushes(1, "what the protocol itself has to say doesn't wait")
	l.take(o)

	send(1)
	l.close()
	l.uncork()
	writes(0, "there is no stream")
	l.open(o, identity{}, bareForm)
	flushes(1, "it goes out on the next one")
}

func TestNothingIsForgottenWhenReadingEndsMeanwhile(t *testing.T) {
	var reading atomic.Int32
	l := newLane(laneOrdinary, 1<<20, nil)
	l.reading = &reading
	wake := make(chan struct{}, 1)
	o := &outbound{conn: wakingConn{wake: wake}}
	l.open(o, identity{}, bareForm)
	l.take(o)
	const n = 20_000
	var both sync.WaitGroup
	both.Go(func() {
		for range n {
			reading.Add(1)
			if reading.Add(-1) == 0 {
				l.uncork()
			}
		}
	})
	both.Go(func() {
		b := endFrame(appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/user/a"}, actor.Location{}, 0, "m"), 0)
		for range n {
			l.put(b, bareForm, false)
			<-wake // or this lasts for ever
			for len(l.take(o)) > 0 {
			}
		}
	})
	both.Wait()
}

// wakingConn says on a channel that there is something to write.
type wakingConn struct {
	Conn
	wake chan struct{}
}

func (c wakingConn) Flush() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
