package httpapi

import (
	"context"
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

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

// stops is how many servers are stopped under load.
var stops = flag.Int("stops", 2, "how many servers are stopped under load")

// prompt is an Entities that answers at once.
type prompt struct{}

func (prompt) Ask(context.Context, artifact.Pair, artifact.Command) (Answer, error) {
	return Answer{}, nil
}

// customer makes one request after the other on connections that it keeps, until
// it is refused a connection; then it would go elsewhere. It counts what was
// answered and returns the first error of another kind: a request was lost.
func customer(url string, pause time.Duration, answered *atomic.Int64) error {
	client := http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		resp, err := client.Post(url, "application/json", strings.NewReader(`{"artifactId":1,"userId":"M"}`))
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return nil
		case err != nil:
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		answered.Add(1)
		time.Sleep(pause) // a customer's, not the test's
	}
}

func TestAServerThatStopsUnderLoadLosesNoRequest(t *testing.T) {
	var answered atomic.Int64
	for range *stops {
		s, err := Listen("127.0.0.1:0", New(Config{Entities: prompt{}, Drain: 200 * time.Millisecond, Log: zerolog.Nop()}))
		require.NoError(t, err)
		s.Start()
		before := answered.Load()
		lost := make([]error, 20)
		var customers sync.WaitGroup
		for i := range lost {
			customers.Go(func() {
				lost[i] = customer("http://"+s.Addr()+root+"setArtifactReadByUser", time.Duration(i%4)*5*time.Millisecond, &answered)
			})
		}
		for answered.Load() < before+1000 {
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, s.Shutdown(context.Background()))
		customers.Wait()
		require.NoError(t, errors.Join(lost...))
	}
	t.Logf("%d stops, %d requests answered, none lost", *stops, answered.Load())
}

func TestAServerThatDrainsSaysSoAndGoesOn(t *testing.T) {
	api := New(Config{Entities: prompt{}, Log: zerolog.Nop()})
	s, err := Listen("127.0.0.1:0", api)
	require.NoError(t, err)
	s.Start()
	for _, draining := range []bool{false, true} {
		for path, want := range map[string]int{"/ready": http.StatusOK, "/alive": http.StatusOK, root + "getAllStates?artifactId=1&userId=M": http.StatusOK} {
			if draining && path == "/ready" {
				want = http.StatusServiceUnavailable
			}
			resp, err := http.Get("http://" + s.Addr() + path)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, want, resp.StatusCode, path)
			require.Equal(t, draining, resp.Close, fmt.Sprint(path, draining))
		}
		api.Drain()
	}
	require.NoError(t, s.Shutdown(context.Background()))
}
