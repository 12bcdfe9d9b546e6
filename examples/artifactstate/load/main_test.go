package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// service keeps states in a map, or nothing at all.
type service struct {
	forgetful bool

	mu     sync.Mutex // guards states
	states map[artifact.Pair]artifact.State
}

func (s *service) Ask(_ context.Context, p artifact.Pair, c artifact.Command) (httpapi.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.states[p]
	events, err := artifact.Decide(time.Now(), state, c)
	for _, e := range events {
		state = state.Evolve(e)
	}
	if !s.forgetful {
		s.states[p] = state
	}
	return httpapi.Answer{State: s.states[p]}, err
}

func TestExitCodes(t *testing.T) {
	serve := func(forgetful bool) string {
		s := &service{forgetful: forgetful, states: map[artifact.Pair]artifact.State{}}
		server := httptest.NewServer(httpapi.New(httpapi.Config{Entities: s, Log: zerolog.Nop()}))
		t.Cleanup(server.Close)
		return server.URL
	}
	page := filepath.Join(t.TempDir(), "load.html")
	short := []string{"-users", "10", "-duration", "300ms", "-rate", "1000"}
	for title, c := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"a right service":                {append(short, "-targets", serve(false), "-report", page), 0, "wrong answers 0\n", ""},
		"a forgetful service":            {append(short, "-targets", serve(true)), 1, "wrong answers ", "there were wrong answers"},
		"no service":                     {append(short, "-targets", "http://127.0.0.1:1"), 1, "connection refused", "is the service running at http://127.0.0.1:1?"},
		"help":                           {[]string{"-help"}, 0, "", "-duration"},
		"an unknown flag":                {[]string{"-frobnicate"}, 2, "", "-frobnicate"},
		"a word":                         {[]string{"now"}, 2, "", `what is "now"?`},
		"a target that is no URL":        {[]string{"-targets", "localhost"}, 1, "", "is no base URL"},
		"a report that can't be written": {append(short, "-report", filepath.Join(page, "x")), 1, "", "create the report"},
	} {
		t.Run(title, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, c.code, run(c.args, &stdout, &stderr), "%s%s", &stdout, &stderr)
			require.Contains(t, stdout.String(), c.stdout)
			require.Contains(t, stderr.String(), c.stderr)
		})
	}
	written, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(written), "artifactstate under load")
}
