package httpapi

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

// gate is an Entities that tells when it was asked and waits to be let go.
type gate struct{ asked, open chan struct{} }

func (g gate) Ask(ctx context.Context, _ artifact.Pair, _ artifact.Command) (Answer, error) {
	g.asked <- struct{}{}
	select {
	case <-g.open:
		return Answer{}, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

func TestShutdownAnswersWhatIsInProgress(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	s, err := Listen("127.0.0.1:0", New(Config{Entities: g, AskTimeout: time.Minute, Log: zerolog.Nop()}))
	require.NoError(t, err)
	ended := s.Start()

	answered := make(chan int, 1)
	go func() {
		resp, err := http.Post("http://"+s.Addr()+root+"setArtifactReadByUser", "application/json", strings.NewReader(`{"artifactId":1,"userId":"M"}`))
		if err != nil {
			answered <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-g.asked
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	_, open := <-ended
	require.False(t, open, "the listener was closed without an error")
	close(g.open)
	require.Equal(t, http.StatusOK, <-answered)
	require.NoError(t, <-down)
	_, err = http.Get("http://" + s.Addr() + "/alive")
	require.Error(t, err)
}

func TestShutdownCutsOffWhatLastsTooLong(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	s, err := Listen("127.0.0.1:0", New(Config{Entities: g, AskTimeout: time.Minute, Log: zerolog.Nop()}))
	require.NoError(t, err)
	s.Start()
	gone := make(chan error, 1)
	go func() {
		_, err := http.Get("http://" + s.Addr() + root + "getAllStates?artifactId=1&userId=M")
		gone <- err
	}()
	<-g.asked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Shutdown(ctx), context.Canceled)
	require.Error(t, <-gone)
}

func TestShutdownDoesNotWaitForConnectionsThatAskedNothing(t *testing.T) {
	s, err := Listen("127.0.0.1:0", New(Config{Entities: gate{}, Log: zerolog.Nop()}))
	require.NoError(t, err)
	s.Start()
	silent, err := net.Dial("tcp", s.Addr())
	require.NoError(t, err)
	defer silent.Close()
	// The answer to this one says that the earlier connection was accepted, too.
	resp, err := http.Get("http://" + s.Addr() + "/alive")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	ctx, cancel := context.WithTimeout(context.Background(), 4900*time.Millisecond)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx), "it would take five seconds")
	_, err = silent.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestListenNamesTheAddress(t *testing.T) {
	api := New(Config{Entities: gate{}, Log: zerolog.Nop()})
	first, err := Listen("127.0.0.1:0", api)
	require.NoError(t, err)
	_, err = Listen(first.Addr(), api)
	require.ErrorContains(t, err, first.Addr())
	require.NoError(t, first.Shutdown(context.Background()))
	again, err := Listen(first.Addr(), api)
	require.NoError(t, err, "the address of a server that never started is free again")
	require.NoError(t, again.Shutdown(context.Background()))
}
