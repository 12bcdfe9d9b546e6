package httpapi

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// conns are the connections that a request is on, or about to come on: the end of
// a server waits for them. http.Server.Shutdown would close one whose request is
// just being read.
type conns struct {
	mu    sync.Mutex        // guards what follows
	open  map[net.Conn]bool // whether anything has come on it
	none  chan struct{}     // closed when there are none; nil: nobody waits
	grace bool              // over for those on which nothing has come
}

// freshGrace is how long a new connection may take to bring its request when
// the server ends. Clients open some in advance and never use them.
const freshGrace = 3 * time.Second

// follow is told of every change of a connection.
func (c *conns) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = false
		if c.grace {
			_ = conn.Close()
		}
	case http.StateActive:
		c.open[conn] = true
	default:
		delete(c.open, conn)
	}
	c.tell()
}

// tell says that there are none, if that is so and somebody waits for it.
func (c *conns) tell() {
	if c.none != nil && len(c.open) == 0 {
		close(c.none)
		c.none = nil
	}
}

// done returns a channel that is closed when no connection has a request on it
// any more. It is called once, when no new connections come.
func (c *conns) done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	none := make(chan struct{})
	c.none = none
	c.tell()
	return none
}

// closeFresh closes the connections on which nothing has come.
func (c *conns) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grace = true
	for conn, used := range c.open {
		if !used {
			_ = conn.Close()
		}
	}
}
