package httpapi

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// listener is a listener that ends without losing anybody. Closing one resets the
// connections that were made and not accepted yet, with the requests on them. This
// one lets no new ones come about, accepts those that wait, and then closes.
type listener struct {
	*net.TCPListener
	ending atomic.Bool
	ended  bool       // no more can come; of the goroutine that accepts, as is rest
	rest   []net.Conn // accepted and not handed out yet
}

// settling is how long connections that are being made when the end begins may
// take to get ready.
const settling = 250 * time.Millisecond

func listen(addr string) (*listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // it doesn't know what refuseConnections needs
	l, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &listener{TCPListener: l.(*net.TCPListener)}, nil
}

// Accept returns the next connection, and net.ErrClosed after the last.
func (l *listener) Accept() (net.Conn, error) {
	if !l.ended {
		c, err := l.TCPListener.Accept()
		if err == nil || !l.ending.Load() {
			return c, err
		}
		l.ended, l.rest = true, takeRest(l.TCPListener)
	}
	if len(l.rest) == 0 {
		return nil, net.ErrClosed
	}
	c := l.rest[0]
	l.rest = l.rest[1:]
	return c, nil
}

// end makes Accept return what is coming, and then an error.
func (l *listener) end() {
	l.ending.Store(true)
	until := time.Now()
	if refuseConnections(l.TCPListener) {
		until = until.Add(settling)
	}
	_ = l.SetDeadline(until) // it fails where the listener is closed, which is an end as well
}
