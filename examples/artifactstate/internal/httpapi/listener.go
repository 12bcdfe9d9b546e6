package httpapi

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// listener is a listener that ends without losing anybody. Closing one resets the
// connections that were made and not accepted yet, with the requests on them; so
// this one lets no new ones come about first.
type listener struct {
	*net.TCPListener
	ending atomic.Bool
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

// end accepts what is coming, and no more.
func (l *listener) end() {
	l.ending.Store(true)
	if refuseConnections(l.TCPListener) {
		time.AfterFunc(settling, func() { _ = l.Close() })
		return
	}
	_ = l.Close()
}
