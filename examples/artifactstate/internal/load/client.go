package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// reply is how one attempt ended.
type reply struct {
	// kind is "" for a 200, otherwise the kind of error.
	kind string
	// unsent says that the request certainly never reached the service.
	unsent bool
	// lost says that the connection failed, so that another endpoint may do better.
	lost bool
	body []byte
	host string
}

// restFor is for how long an endpoint that refuses connections is avoided.
const restFor = 500 * time.Millisecond

// endpoint is one target with connections of its own.
type endpoint struct {
	target string
	client *http.Client
	// restUntil is when the endpoint may be tried again, in Unix nanoseconds.
	restUntil atomic.Int64
}

// client sends requests to whichever endpoint is there.
type client struct {
	endpoints []*endpoint
	timeout   time.Duration
	next      atomic.Uint64
}

func newClient(c Config) *client {
	cl := &client{timeout: c.Timeout}
	for _, target := range c.Targets {
		cl.endpoints = append(cl.endpoints, &endpoint{target: target, client: &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
				MaxIdleConnsPerHost: 4096, // or overload would open and close them all the time
				MaxConnsPerHost:     4096,
				IdleConnTimeout:     30 * time.Second,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	}
	return cl
}

func (c *client) close() {
	for _, e := range c.endpoints {
		e.client.CloseIdleConnections()
	}
}

// pick returns the next endpoint in turn, other than not, that is not resting;
// when there is none, the next in turn.
func (c *client) pick(not *endpoint) *endpoint {
	turn := int(c.next.Add(1) % uint64(len(c.endpoints)))
	now := time.Now().UnixNano()
	for i := range c.endpoints {
		e := c.endpoints[(turn+i)%len(c.endpoints)]
		if e != not && e.restUntil.Load() <= now {
			return e
		}
	}
	return c.endpoints[turn]
}

// attempt makes one request to one endpoint.
func (c *client) attempt(ctx context.Context, e *endpoint, o *operation, p *pair) reply {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := o.request(e.target, p)
	if err != nil {
		return reply{kind: "request can't be made: " + err.Error(), unsent: true}
	}
	resp, err := e.client.Do(r.WithContext(ctx))
	if err != nil {
		return e.failed(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return e.failed(err)
	}
	got := reply{body: body, host: resp.Header.Get(httpapi.HostHeader)}
	if resp.StatusCode != http.StatusOK {
		got.kind = fmt.Sprintf("status %d", resp.StatusCode)
		// The service refuses these before it asks an entity.
		got.unsent = resp.StatusCode >= 400 && resp.StatusCode < 500
	}
	return got
}

// failed sorts an error of the connection by kind.
func (e *endpoint) failed(err error) reply {
	var op *net.OpError
	dial := errors.As(err, &op) && op.Op == "dial"
	if dial {
		e.restUntil.Store(time.Now().Add(restFor).UnixNano())
	}
	got := reply{kind: "connection lost", unsent: dial, lost: true}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		got.kind = "connection refused"
	case dial:
		got.kind = "can't connect"
	case errors.Is(err, context.DeadlineExceeded):
		got.kind, got.lost = "client timeout", false
	case errors.Is(err, context.Canceled):
		got.kind, got.lost = "given up by the generator", false
	}
	return got
}
