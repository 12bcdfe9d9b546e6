package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	tcpReadBuffer    = 1 << 10   // at first, enough for a stranger; every read that fills it makes it twice as large
	tcpReadBufferMax = 256 << 10 // at most
	tcpWriteMost     = 256 << 10 // in one write, for which there is a deadline
)

// TCP is the transport over TCP. The zero value is ready. It is a door: its
// goroutines (two for each connection, one for each listener and attempt) are
// the only ones of remoting, and its deadlines the only use of the real clock.
type TCP struct {
	// DialTimeout bounds one attempt to connect. Default 5 s.
	DialTimeout time.Duration
	// WriteTimeout is how long the other end may take none of what is written
	// before the connection is given up. Default 10 s.
	WriteTimeout time.Duration
	// Poll is how long after something has arrived a connection looks for more without
	// letting its thread sleep: messages that follow one another that closely get
	// through sooner, because nothing has to be woken up. Default 0: up to 50 µs, as long
	// as there mostly is more, and nothing comes on other connections. A time that is
	// given counts always: each connection that carries such messages takes a processor
	// for itself meanwhile, so it slows everything down where processors are few.
	// Negative: not at all. It counts on Linux, and without TLS.
	Poll time.Duration
	// TLS encrypts all connections and makes both ends prove who they are.
	// Default nil: neither.
	TLS *TLS

	polling polling
}

// validate says what is wrong with the settings, apart from TLS.
func (t *TCP) validate() error {
	if t.DialTimeout < 0 || t.WriteTimeout < 0 {
		return fmt.Errorf("TCP: DialTimeout %v, WriteTimeout %v: must not be negative; 0 is the default", t.DialTimeout, t.WriteTimeout)
	}
	return nil
}

// Secure reports whether TLS is set.
func (t *TCP) Secure() bool { return t.TLS != nil }

func (t *TCP) dialTimeout() time.Duration  { return positive(t.DialTimeout, 5*time.Second) }
func (t *TCP) writeTimeout() time.Duration { return positive(t.WriteTimeout, 10*time.Second) }

// keepAlive finds peers that vanished without a word while nothing is sent.
func (t *TCP) keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}
}

// Listen binds addr.
func (t *TCP) Listen(addr string, accept func(Conn)) (Listener, error) {
	if t.TLS != nil {
		if err := t.TLS.check(); err != nil {
			return nil, err
		}
	}
	lc := net.ListenConfig{KeepAliveConfig: t.keepAlive()}
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	tl := &tcpListener{l: l, done: make(chan struct{})}
	go tl.run(t, accept)
	return tl, nil
}

type tcpListener struct {
	l    net.Listener
	once sync.Once
	done chan struct{}
}

// run accepts until Close. When the process is out of descriptors it waits
// rather than spins or ends.
func (l *tcpListener) run(t *TCP, accept func(Conn)) {
	wait := 5 * time.Millisecond
	for {
		c, err := l.l.Accept()
		if err == nil {
			wait = 5 * time.Millisecond
			accept(t.taken(c))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, time.Second)
		case <-l.done:
			return
		}
	}
}

func (l *tcpListener) Addr() string { return l.l.Addr().String() }

func (l *tcpListener) Close() {
	l.once.Do(func() {
		close(l.done)
		_ = l.l.Close() // nothing to do about it
	})
}

// Dial connects.
func (t *TCP) Dial(addr string, done func(Conn, error)) (cancel func()) {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		d := net.Dialer{Timeout: t.dialTimeout(), KeepAliveConfig: t.keepAlive()}
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			done(nil, err)
			return
		}
		conn, err := t.dialed(ctx, c, addr)
		if err != nil {
			_ = c.Close() // err says what is wrong
			done(nil, err)
			return
		}
		done(conn, nil)
	}()
	return stop
}

// dialed shakes hands over TLS, if there is to be any.
func (t *TCP) dialed(ctx context.Context, c net.Conn, addr string) (Conn, error) {
	plain := t.newConn(c)
	if t.TLS == nil {
		return plain, nil
	}
	cfg, err := t.TLS.client(addr)
	if err != nil {
		return nil, fmt.Errorf("%w with %s: %w", errTLS, addr, err)
	}
	s := &tlsConn{tcpConn: plain, tls: tls.Client(c, cfg), policy: t.TLS, use: x509.ExtKeyUsageServerAuth}
	plain.c, plain.now = s.tls, nil
	if err := c.SetDeadline(time.Now().Add(t.dialTimeout())); err != nil {
		return nil, err
	}
	if err := s.tls.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w with %s: %w", errTLS, addr, err)
	}
	return s, c.SetDeadline(time.Time{})
}

// taken is a connection that was accepted. Its TLS handshake is the first thing
// that its reading goroutine does, so that it keeps no others waiting.
func (t *TCP) taken(c net.Conn) Conn {
	plain := t.newConn(c)
	if t.TLS == nil {
		return plain
	}
	s := &tlsConn{tcpConn: plain, tls: tls.Server(c, t.TLS.server()), policy: t.TLS, use: x509.ExtKeyUsageClientAuth}
	plain.c, plain.now = s.tls, nil
	plain.first = func() error {
		if err := c.SetReadDeadline(time.Now().Add(t.dialTimeout())); err != nil {
			return err
		}
		if err := s.tls.HandshakeContext(context.Background()); err != nil {
			return fmt.Errorf("%w: %w", errTLS, err)
		}
		return c.SetReadDeadline(time.Time{})
	}
	return s
}

// tlsConn is a tcpConn over TLS.
type tlsConn struct {
	*tcpConn
	tls    *tls.Conn
	policy *TLS
	use    x509.ExtKeyUsage // of the other end's certificate
}

// Binding implements SecureConn.
func (c *tlsConn) Binding() []byte {
	s := c.tls.ConnectionState()
	b, err := s.ExportKeyingMaterial(exporterLabel, nil, 32)
	if err != nil {
		return nil // the handshake is not done: then nothing is read either
	}
	return b
}

// Entitled implements SecureConn.
func (c *tlsConn) Entitled(addr string) error {
	certs := c.tls.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return errors.New("no certificate")
	}
	return entitled(certs[0], addr)
}

// Certificate implements CertifiedConn.
func (c *tlsConn) Certificate() *x509.Certificate {
	if certs := c.tls.ConnectionState().PeerCertificates; len(certs) > 0 {
		return certs[0]
	}
	return nil
}

// Recheck implements CertifiedConn.
func (c *tlsConn) Recheck() error { return c.policy.recheck(c.tls.ConnectionState(), c.use) }

// tcpConn is one connection: a goroutine reads, another writes.
type tcpConn struct {
	c            net.Conn     // what is read and written
	raw          net.Conn     // the socket
	first        func() error // before reading, if anything
	writeTimeout time.Duration
	wake         chan struct{}
	done         chan struct{}
	h            Handler
	now          *promptly // reads and writes without waiting; nil: there is no such thing
	poll         poller
	hurry        int // so many yields are left out
	hurries      int // in a row

	writing sync.Mutex  // held by whoever calls Outgoing and writes
	rest    net.Buffers // were asked for and are yet to be written; guarded by writing

	mu     sync.Mutex
	closed bool
	err    error
	ending int // of the two goroutines, how many have ended
}

func (t *TCP) newConn(c net.Conn) *tcpConn {
	return &tcpConn{
		c: c, raw: c, writeTimeout: t.writeTimeout(), wake: make(chan struct{}, 1), done: make(chan struct{}), now: newPromptly(c), poll: t.polling.poller(t.Poll),
	}
}

func (c *tcpConn) Peer() string { return c.c.RemoteAddr().String() }

// Start reads nothing from a connection that was closed before, as most are in a storm.
func (c *tcpConn) Start(h Handler) {
	c.h = h
	c.mu.Lock()
	closed, err := c.closed, c.err
	c.mu.Unlock()
	if closed {
		go h.Closed(err)
		return
	}
	setUserTimeout(c.raw, 2*c.writeTimeout)
	go c.read()
	go c.write()
}

func (c *tcpConn) Flush() {
	select {
	case c.wake <- struct{}{}:
	default: // somebody has said so already
	}
}

const (
	yieldMost  = time.Millisecond // a yield that takes longer is not worth it
	hurryFor   = 100              // yields, and twice as many each time it was in vain
	hurriesMax = 8
)

// Yield lets others run. Where they keep the processors busy for long, it is done without
// for a while: what is sent meanwhile waits for the end of it.
func (c *tcpConn) Yield() {
	if c.hurry > 0 {
		c.hurry--
		return
	}
	begun := time.Now()
	runtime.Gosched()
	if time.Since(begun) <= yieldMost {
		c.hurries = 0
		return
	}
	c.hurry = hurryFor << c.hurries
	c.hurries = min(c.hurries+1, hurriesMax)
}

// promptMax is how much may be written on the thread of a sender, in bytes.
const promptMax = 16 << 10

// FlushNow writes what there is, if it isn't much and there is room for it; the rest is
// for the goroutine that writes.
func (c *tcpConn) FlushNow() {
	if c.now == nil || !c.writing.TryLock() {
		c.Flush()
		return
	}
	for len(c.rest) == 0 {
		c.rest = c.h.Outgoing()
		if len(c.rest) == 0 {
			c.writing.Unlock()
			return
		}
		if b := c.rest[0]; len(c.rest) == 1 && len(b) <= promptMax {
			if b = b[c.now.write(b):]; len(b) == 0 {
				c.rest = nil
			} else {
				c.rest[0] = b
			}
		}
	}
	c.writing.Unlock()
	c.Flush()
}

func (c *tcpConn) Close() { c.end(nil) }

// end closes the connection; the first reason counts.
func (c *tcpConn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed, c.err = true, err
	close(c.done)
	_ = c.raw.Close() // it is over either way; TLS would wait for its farewell
}

// ended is called by each of the two goroutines; the last one tells the handler.
func (c *tcpConn) ended() {
	c.mu.Lock()
	c.ending++
	last, err := c.ending == 2, c.err
	c.mu.Unlock()
	if last {
		c.h.Closed(err)
	}
}

func (c *tcpConn) read() {
	defer c.ended()
	if c.first != nil {
		if err := c.first(); err != nil {
			c.end(err)
			return
		}
	}
	buf := make([]byte, tcpReadBuffer)
	for {
		n, err := c.readSome(buf)
		if n > 0 {
			c.h.Data(buf[:n])
		}
		if n == len(buf) && n < tcpReadBufferMax {
			buf = make([]byte, 2*n)
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// readSome reads what there is, or waits for it.
func (c *tcpConn) readSome(buf []byte) (int, error) {
	if c.now != nil {
		if n := c.poll.poll(time.Now, func() int { return c.now.read(buf) }); n > 0 {
			return n, nil
		}
	}
	return c.c.Read(buf)
}

func (c *tcpConn) write() {
	defer c.ended()
	for {
		select {
		case <-c.wake:
		case <-c.done:
			return
		}
		// Whoever is about to send more may do so first: it goes out in one write.
		runtime.Gosched()
		if err := c.writeOut(); err != nil {
			c.end(err)
			return
		}
	}
}

// writeOut writes until there is no more.
func (c *tcpConn) writeOut() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	for {
		if len(c.rest) == 0 {
			c.rest = c.h.Outgoing()
		}
		if len(c.rest) == 0 {
			return nil
		}
		if err := c.writeRest(); err != nil {
			return err
		}
		runtime.Gosched()
	}
}

// writeRest gives every write the same time, so that a lot on a slow line is not taken
// for a dead one.
func (c *tcpConn) writeRest() error {
	for len(c.rest) > 0 {
		if err := c.raw.SetWriteDeadline(time.Now().Add(c.writeTimeout)); err != nil {
			return err
		}
		if err := c.writeSome(); err != nil {
			return err
		}
	}
	return nil
}

// writeSome writes some of the rest at once.
func (c *tcpConn) writeSome() error {
	if b := c.rest[0]; len(b) >= tcpWriteMost || len(c.rest) == 1 {
		n, err := c.c.Write(b[:min(len(b), tcpWriteMost)])
		if c.rest[0] = b[n:]; n == len(b) {
			c.rest = c.rest[1:]
		}
		return err
	}
	n, size := 0, 0
	for n < len(c.rest) && size+len(c.rest[n]) <= tcpWriteMost {
		size += len(c.rest[n])
		n++
	}
	some := c.rest[:n]
	c.rest = c.rest[n:]
	_, err := some.WriteTo(c.c)
	return err
}
