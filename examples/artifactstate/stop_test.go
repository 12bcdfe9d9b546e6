package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
)

// stops is how often the endpoint is stopped.
var stops = flag.Int("stops", 1, "how often an endpoint is stopped under load")

// customer sets one artifact after the other on connections that it keeps, until
// it is refused a connection; then it would go elsewhere. It returns the first
// error of another kind, or answer that isn't what it wants: a request was lost.
func customer(base string, first int, pause time.Duration, answered *atomic.Int64) error {
	client := http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for artifact := first; ; artifact++ {
		resp, err := client.Post(base+"/artifactState/setArtifactReadByUser", "application/json",
			strings.NewReader(fmt.Sprintf(`{"artifactId":%d,"userId":"M"}`, artifact%50)))
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return nil
		case err != nil:
			return err
		}
		body, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", resp.Status, body)
		}
		answered.Add(1)
		time.Sleep(pause) // a customer's, not the test's
	}
}

func TestAnEndpointThatStopsUnderLoadLosesNoRequest(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	entities := startSolo(t, p, 0, "-http", p.http[1])
	entities.base = "http://" + p.http[1]
	entities.awaitReady(t)
	var answered atomic.Int64
	for range *stops {
		front := &solo{
			process: spawn(t, "endpoint", "-node", roleEndpoint, "-listen", p.listen[3], "-seeds", p.listen[0], "-http", p.http[0], "-ask-timeout", "20s"),
			base:    "http://" + p.http[0],
		}
		front.awaitReady(t)
		before := answered.Load()
		lost := make([]error, 20)
		var customers sync.WaitGroup
		for i := range lost {
			customers.Go(func() { lost[i] = customer(front.base, i*2, time.Duration(i%4)*5*time.Millisecond, &answered) })
		}
		until(t, 30*time.Second, "some are answered", func() error {
			if n := answered.Load() - before; n < 500 {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
		front.signal(syscall.SIGTERM)
		front.unready(t, "leaving")
		customers.Wait()
		front.awaitExit(t, 30*time.Second, launch.ExitLeft)
		require.NoError(t, errors.Join(lost...))
	}
	t.Logf("%d stops, %d requests answered, none lost", *stops, answered.Load())
}
