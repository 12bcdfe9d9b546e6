package netfault

import (
	"errors"
	"io"
	"net"
	"time"
)

// waiting is how many pieces are under way in one direction before the sender is
// no longer read.
const waiting = 64

// link is one connection that is carried.
type link struct {
	p              *Proxy
	dialer, target net.Conn
	half           bool // the target's end is gone and the dialer must not know
}

// piece is bytes that are due at a time. No bytes: the end of the stream.
type piece struct {
	b   []byte
	due time.Time
}

// pipe carries one direction until it ends.
func (l *link) pipe(from, to net.Conn, way func(*Faults) *Direction) {
	pieces := make(chan piece, waiting)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.write(from, to, pieces, way)
	}()
	l.read(from, pieces, way)
	close(pieces)
	<-done
}

// read takes what arrives, and decides when it is due.
func (l *link) read(from net.Conn, pieces chan<- piece, way func(*Faults) *Direction) {
	var due time.Time
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			wait, kept := l.judge(b[:n], way)
			if at := time.Now().Add(wait); at.After(due) {
				due = at
			}
			if kept {
				pieces <- piece{append([]byte(nil), b[:n]...), due}
			}
		}
		if errors.Is(err, io.EOF) {
			pieces <- piece{nil, due}
		}
		if err != nil {
			return
		}
	}
}

// judge damages and delays bytes, and says whether they are carried on.
func (l *link) judge(b []byte, way func(*Faults) *Direction) (wait time.Duration, kept bool) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	d := way(&l.p.faults)
	wait = d.Latency
	if d.Jitter > 0 {
		wait += time.Duration(l.p.rng.Int64N(int64(d.Jitter)))
	}
	if d.Flip > 0 {
		for at := l.p.rng.IntN(2 * d.Flip); at < len(b); at += 1 + l.p.rng.IntN(2*d.Flip) {
			b[at] ^= 1 << l.p.rng.IntN(8)
		}
	}
	return wait, !d.Drop && !l.half
}

// write passes pieces on when they are due. It takes all of them, even when
// nobody is left to have them, so that read ends.
func (l *link) write(from, to net.Conn, pieces <-chan piece, way func(*Faults) *Direction) {
	over := false
	for p := range pieces {
		if over {
			continue
		}
		time.Sleep(time.Until(p.due))
		if p.b == nil {
			over = true
			finish(to)
			continue
		}
		if !l.pass(to, p.b, way) {
			over = true
			if !l.isHalf() {
				reset(from)
			}
		}
	}
	if !over && !l.isHalf() {
		reset(to) // the other end broke
	}
}

// finish closes a connection for writing, after everything that was written.
func finish(to net.Conn) {
	if t, ok := to.(*net.TCPConn); ok {
		_ = t.CloseWrite() // an error: it is over anyway
	}
}

func (l *link) isHalf() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.half
}

// pass writes one piece, sliced, held and throttled as the faults say now.
func (l *link) pass(to net.Conn, b []byte, way func(*Faults) *Direction) bool {
	for len(b) > 0 {
		d := l.open(way)
		n := len(b)
		if d.Slice > 0 {
			n = min(n, d.Slice)
		}
		if d.Rate > 0 {
			n = min(n, max(1, d.Rate/100))
			time.Sleep(time.Duration(n) * time.Second / time.Duration(d.Rate))
		}
		if _, err := to.Write(b[:n]); err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}

// open waits until nothing is held, and returns the faults there are then.
func (l *link) open(way func(*Faults) *Direction) Direction {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	for way(&l.p.faults).Hold && !l.p.closed {
		l.p.changed.Wait()
	}
	return *way(&l.p.faults)
}
