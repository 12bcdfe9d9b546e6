package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

// Server is an API that listens.
type Server struct {
	api      *API
	listener net.Listener
	http     *http.Server
	ended    chan error
}

// Listen binds addr (host:port; port 0 picks a free one) and returns a server
// that does not accept yet, or an error that names the address.
func Listen(addr string, api *API) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP on %s: %w", addr, err)
	}
	return &Server{
		api:      api,
		listener: l,
		ended:    make(chan error, 1),
		http: &http.Server{
			Handler:           api,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      api.config.askTimeout() + 10*time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          log.New(api.noisy, "", 0),
		},
	}, nil
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
