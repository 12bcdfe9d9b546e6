package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an API that listens.
type Server struct {
	api      *API
	listener net.Listener
	http     *http.Server
	ended    chan error
	fresh    fresh
}

// fresh are the connections on which nothing was asked yet. Clients open them in
// advance; the end of a server would wait five seconds for each.
type fresh struct {
	mu      sync.Mutex // guards what follows
	conns   map[net.Conn]struct{}
	closing bool
}

func (f *fresh) follow(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(f.conns, c)
	case f.closing:
		_ = c.Close()
	default:
		f.conns[c] = struct{}{}
	}
}

func (f *fresh) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
	for c := range f.conns {
		_ = c.Close()
	}
}

// Listen binds addr (host:port; port 0 picks a free one) and returns a server
// that does not accept yet, or an error that names the address.
func Listen(addr string, api *API) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %s: %w", addr, err)
	}
	s := &Server{
		api:      api,
		listener: l,
		ended:    make(chan error, 1),
		fresh:    fresh{conns: map[net.Conn]struct{}{}},
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
	s.http.ConnState = s.fresh.follow
	s.http.RegisterOnShutdown(s.fresh.close)
	return s, nil
}

// Addr returns the address that is bound, as host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Start begins to accept and returns at once. The channel gets the error that
// made it end, if it ends before Shutdown, and is closed at the end.
func (s *Server) Start() <-chan error {
	go func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.ended <- fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
		}
		close(s.ended)
	}()
	return s.ended
}

// Shutdown makes /ready say no, stops accepting, waits until the requests in
// progress are answered or ctx is done, and cuts off what is left then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.Drain()
	err := s.http.Shutdown(ctx)
	_ = s.listener.Close() // for a server that never started; else it is closed already
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("shut down HTTP on %s: %w", s.Addr(), err), s.http.Close())
}
