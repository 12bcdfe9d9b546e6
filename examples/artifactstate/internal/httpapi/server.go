package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Server is an API that listens.
type Server struct {
	api      *API
	listener *listener
	http     *http.Server
	started  atomic.Bool
	ended    chan error    // what Start returns
	accepted chan struct{} // closed: there are no new connections any more
	conns    conns
}

// Listen binds addr (host:port; port 0 picks a free one) and returns a server
// that does not accept yet, or an error that names the address.
func Listen(addr string, api *API) (*Server, error) {
	l, err := listen(addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %s: %w", addr, err)
	}
	s := &Server{
		api:      api,
		listener: l,
		ended:    make(chan error, 1),
		accepted: make(chan struct{}),
		conns:    conns{open: map[net.Conn]bool{}},
		http: &http.Server{
			Handler:           api,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      api.config.askTimeout() + 10*time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          log.New(api.noisy, "", 0),
		},
	}
	s.http.ConnState = s.conns.follow
	return s, nil
}

// Addr returns the address that is bound, as host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Start begins to accept and returns at once. The channel gets the error that
// made it end, if it ends before Shutdown, and is closed at the end.
func (s *Server) Start() <-chan error {
	s.started.Store(true)
	go func() {
		defer close(s.accepted)
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) && !s.listener.ending.Load() {
			s.ended <- fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
		}
		close(s.ended)
	}()
	return s.ended
}

// Shutdown ends the server without losing a request: it makes /ready say no and
// every answer close its connection, goes on for Config.Drain, so that load
// balancers and clients turn to others, takes the connections that are made
// already and no more, waits until the requests in progress are answered or ctx is
// done, and cuts off what is left then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.Drain()
	pause := time.NewTimer(s.api.config.Drain)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
	s.listener.end()
	if s.started.Load() {
		<-s.accepted
	}
	fresh := time.AfterFunc(freshGrace, s.conns.closeFresh)
	defer fresh.Stop()
	select {
	case <-s.conns.done():
	case <-ctx.Done():
	}
	err := s.http.Shutdown(ctx)
	_ = s.listener.Close() // for a server that never started; else it is closed already
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("shut down HTTP on %s: %w", s.Addr(), err), s.http.Close())
}
