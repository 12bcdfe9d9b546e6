package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// service is the entities in one map, with a place to misbehave.
type service struct {
	mu     sync.Mutex // guards states
	states map[artifact.Pair]artifact.State
	calls  atomic.Int64
	// before may refuse the call; after may change its answer.
	before func(call int64, c artifact.Command) error
	after  func(call int64, c artifact.Command, s artifact.State) (artifact.State, error)
}

func (s *service) Ask(_ context.Context, p artifact.Pair, c artifact.Command) (httpapi.Answer, error) {
	call := s.calls.Add(1)
	if s.before != nil {
		if err := s.before(call, c); err != nil {
			return httpapi.Answer{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.states == nil {
		s.states = map[artifact.Pair]artifact.State{}
	}
	state := s.states[p]
	events, err := artifact.Decide(time.Now(), state, c)
	if err != nil {
		return httpapi.Answer{}, err
	}
	for _, e := range events {
		state = state.Evolve(e)
	}
	s.states[p] = state
	if s.after != nil {
		state, err = s.after(call, c, state)
	}
	return httpapi.Answer{State: state, Host: "somewhere"}, err
}

// endpoints serves s at two addresses.
func endpoints(t *testing.T, s *service) []*httptest.Server {
	t.Helper()
	var out []*httptest.Server
	for range 2 {
		server := httptest.NewServer(httpapi.New(httpapi.Config{Entities: s, Log: zerolog.Nop()}))
		t.Cleanup(server.Close)
		out = append(out, server)
	}
	return out
}

// short load: about 400 requests.
func config(servers []*httptest.Server) Config {
	c := Config{Users: 20, Duration: 400 * time.Millisecond, Rate: 1200, Seed: 1}
	for _, s := range servers {
		c.Targets = append(c.Targets, s.URL)
	}
	return c
}

func run(t *testing.T, c Config) (*Generator, *Result) {
	t.Helper()
	g, err := New(c)
	require.NoError(t, err)
	t.Cleanup(g.Close)
	return g, g.Run(context.Background())
}

func TestRightServiceHasNoWrongAnswers(t *testing.T) {
	var s service
	var observed atomic.Int64
	c := config(endpoints(t, &s))
	c.Observe = func(o Outcome) {
		observed.Add(1)
		require.Equal(t, "somewhere", o.Host)
		require.False(t, o.Sent.Before(o.Intended) || o.Done.Before(o.Sent))
	}
	g, r := run(t, c)
	require.Zero(t, r.WrongTotal, r.Wrong)
	require.Empty(t, r.Errors)
	require.Greater(t, r.Latency.Count, int64(150))
	require.Equal(t, r.Latency.Count, observed.Load())
	require.Len(t, r.Routes, len(operations), "every route is used")
	require.True(t, r.Latency.P50 > 0 && r.Latency.P50 <= r.Latency.P95 && r.Latency.P95 <= r.Latency.P99 && r.Latency.P99 <= r.Latency.Max)

	v, err := g.Verify(context.Background())
	require.NoError(t, err)
	require.Empty(t, v.Wrong)
	require.Zero(t, v.Unsure)
	require.Greater(t, v.Pairs, 50)
}

func TestLiesAreFound(t *testing.T) {
	for title, after := range map[string]func(int64, artifact.Command, artifact.State) (artifact.State, error){
		"an answer with the facts turned round": func(call int64, c artifact.Command, s artifact.State) (artifact.State, error) {
			if _, asks := c.(artifact.GetState); asks && call%10 == 0 {
				s.Read, s.InFeed = !s.Read, !s.InFeed
			}
			return s, nil
		},
		"answers from an empty state": func(int64, artifact.Command, artifact.State) (artifact.State, error) {
			return artifact.State{}, nil
		},
	} {
		t.Run(title, func(t *testing.T) {
			s := service{after: after}
			_, r := run(t, config(endpoints(t, &s)))
			require.NotZero(t, r.WrongTotal)
			require.NotEmpty(t, r.Wrong)
		})
	}
}

func TestLostWritesAreFoundByReadingBack(t *testing.T) {
	var s service
	g, r := run(t, config(endpoints(t, &s)))
	require.Zero(t, r.WrongTotal)
	s.mu.Lock()
	lost := 0
	for p, state := range s.states {
		if state.Read && lost < 3 {
			s.states[p] = artifact.State{InFeed: state.InFeed}
			lost++
		}
	}
	s.mu.Unlock()
	v, err := g.Verify(context.Background())
	require.NoError(t, err)
	require.Len(t, v.Wrong, lost)
	r.Verified = &v
	require.Equal(t, int64(lost), r.WrongAnswers())
}

func TestFailedSetsLeaveBothValuesPossible(t *testing.T) {
	for title, s := range map[string]*service{
		"the set is not made": {before: func(call int64, _ artifact.Command) error {
			if call%3 == 0 {
				return fmt.Errorf("lost: %w", httpapi.ErrNoAnswer)
			}
			return nil
		}},
		"the set is made and its answer is lost": {after: func(call int64, _ artifact.Command, s artifact.State) (artifact.State, error) {
			if call%3 == 0 {
				return s, fmt.Errorf("lost: %w", httpapi.ErrNoAnswer)
			}
			return s, nil
		}},
		"some break": {after: func(call int64, _ artifact.Command, s artifact.State) (artifact.State, error) {
			if call%5 == 0 {
				return s, errors.New("on fire")
			}
			return s, nil
		}},
	} {
		t.Run(title, func(t *testing.T) {
			_, r := run(t, config(endpoints(t, s)))
			require.Zero(t, r.WrongTotal, r.Wrong)
			require.Greater(t, r.Failed(), int64(20))
			require.Equal(t, r.Failed(), r.Failures.Count)
			require.Len(t, r.Errors, 1)
			require.Contains(t, []string{"status 503", "status 500"}, r.Errors[0].Kind)
		})
	}
}

func TestAnEndpointThatDiesIsAvoided(t *testing.T) {
	var s service
	servers := endpoints(t, &s)
	servers[1].Close()
	c := config(servers)
	var set, other atomic.Int64
	c.Observe = func(o Outcome) {
		if o.Target != servers[0].URL {
			other.Add(1)
		} else if o.Set {
			set.Add(1)
		}
	}
	_, r := run(t, c)
	require.Zero(t, r.WrongTotal, r.Wrong)
	require.Zero(t, r.Failed(), "what was refused is repeated on the other endpoint")
	require.NotZero(t, r.Retries)
	require.Equal(t, "connection refused, retried", r.Errors[0].Kind, "and counted all the same")
	require.Less(t, r.Retries, r.Latency.Count/4, "an endpoint that refuses is left in peace for a while")
	require.Zero(t, other.Load())
	require.NotZero(t, set.Load())
}

func TestRequestsOfAPairDontOverlap(t *testing.T) {
	var mu sync.Mutex
	busy := map[artifact.Pair]bool{}
	overlaps := 0
	s := &service{}
	api := httpapi.New(httpapi.Config{Entities: entitiesFunc(func(ctx context.Context, p artifact.Pair, c artifact.Command) (httpapi.Answer, error) {
		mu.Lock()
		if busy[p] {
			overlaps++
		}
		busy[p] = true
		mu.Unlock()
		a, err := s.Ask(ctx, p, c)
		mu.Lock()
		busy[p] = false
		mu.Unlock()
		return a, err
	}), Log: zerolog.Nop()})
	server := httptest.NewServer(api)
	defer server.Close()
	c := config([]*httptest.Server{server})
	c.Users, c.PairsPerUser = 1, 2
	_, r := run(t, c)
	require.Zero(t, overlaps)
	require.Zero(t, r.WrongTotal, r.Wrong)
	require.Greater(t, r.Latency.Count, int64(100))
}

type entitiesFunc func(context.Context, artifact.Pair, artifact.Command) (httpapi.Answer, error)

func (f entitiesFunc) Ask(ctx context.Context, p artifact.Pair, c artifact.Command) (httpapi.Answer, error) {
	return f(ctx, p, c)
}

func TestArrivalsDontWait(t *testing.T) {
	// Nothing is answered until all have arrived: only an open loop gets there.
	open := make(chan struct{})
	var asked atomic.Int64
	s := &service{before: func(int64, artifact.Command) error { asked.Add(1); <-open; return nil }}
	c := config(endpoints(t, s))
	c.OutstandingMax = 150
	g, err := New(c)
	require.NoError(t, err)
	defer g.Close()
	done := make(chan *Result)
	go func() { done <- g.Run(context.Background()) }()
	for g.outstanding.Load() < 150 {
		select {
		case <-done:
			t.Fatal("the run ended before its requests were answered")
		default:
		}
	}
	close(open)
	r := <-done
	require.Zero(t, r.WrongTotal)
	require.GreaterOrEqual(t, r.Latency.Count, int64(150))
	require.Greater(t, r.Latency.Max, 20*time.Millisecond, "latency counts from the intended arrival")
}

func TestTheSameSeedMakesTheSameArrivals(t *testing.T) {
	count := func() int64 {
		var s service
		_, r := run(t, config(endpoints(t, &s)))
		return r.Latency.Count + r.Failed()
	}
	require.Equal(t, count(), count())
}

func TestArrivalsFollowTheRamp(t *testing.T) {
	var mu sync.Mutex
	var first, second int
	s := &service{}
	c := config(endpoints(t, s))
	c.Users, c.Duration, c.Ramp, c.Rate = 100, time.Second, time.Second, 2000
	start := time.Now()
	c.Observe = func(o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		if o.Intended.Sub(start) < 500*time.Millisecond {
			first++
		} else {
			second++
		}
	}
	_, r := run(t, c)
	require.Zero(t, r.WrongTotal)
	// A rate that grows from 0 to 2000 over a second: 250 and 750 arrivals.
	require.InDelta(t, 250, first, 80)
	require.InDelta(t, 750, second, 140)
}

func TestRampingUsers(t *testing.T) {
	g, err := New(Config{Targets: []string{"http://127.0.0.1:1"}, Users: 100, Duration: 40 * time.Second})
	require.NoError(t, err)
	require.Equal(t, 1, g.usersAt(0))
	require.Equal(t, 50, g.usersAt(5*time.Second))
	require.Equal(t, 100, g.usersAt(10*time.Second))
	require.Equal(t, 100, g.usersAt(39*time.Second))
	g, err = New(Config{Targets: []string{"http://127.0.0.1:1"}, Users: 100, Ramp: -1})
	require.NoError(t, err)
	require.Equal(t, 100, g.usersAt(0))
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for want, c := range map[string]Config{
		"no targets":               {},
		"is no base URL":           {Targets: []string{"127.0.0.1:8082"}},
		"is no base URL like":      {Targets: []string{"http://127.0.0.1:8082/artifactState"}},
		"-1 users":                 {Targets: []string{"http://x"}, Users: -1},
		"5000 pairs":               {Targets: []string{"http://x"}, PairsPerUser: 5000},
		"can't be negative":        {Targets: []string{"http://x"}, Duration: -1},
		"give requests per second": {Targets: []string{"http://x"}, Rate: -3},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, want)
	}
}

func TestProgressLines(t *testing.T) {
	g, err := New(Config{Targets: []string{"http://127.0.0.1:1"}, Duration: 40 * time.Second})
	require.NoError(t, err)
	require.False(t, isTerminal(&bytes.Buffer{}))
	line := g.progressLine(10*time.Second, false)
	require.True(t, strings.HasSuffix(line, "wrong 0\n") && strings.HasPrefix(line, " 10s of 40s"), line)
	bar := g.progressLine(20*time.Second, true)
	require.Contains(t, bar, strings.Repeat("█", 12)+strings.Repeat("░", 12)+" ")
	require.NotContains(t, bar, "\n")
}

func TestAnswersAreReadStrictly(t *testing.T) {
	p := &pair{user: "u", artifact: 7}
	set, is, all := &operations[0], &operations[3], &operations[opVerify]
	for title, c := range map[string]struct {
		op    *operation
		body  string
		wrong bool
	}{
		"a set":                    {set, `{"success":true}`, false},
		"a set that did not":       {set, `{"success":false}`, true},
		"a set that says nothing":  {set, `{}`, true},
		"is":                       {is, `{"artifactId":7,"userId":"u","answer":false}`, false},
		"is, wrongly":              {is, `{"artifactId":7,"userId":"u","answer":true}`, true},
		"is, of another user":      {is, `{"artifactId":7,"userId":"v","answer":false}`, true},
		"is, of another artifact":  {is, `{"artifactId":8,"userId":"u","answer":false}`, true},
		"is, without an answer":    {is, `{"artifactId":7,"userId":"u"}`, true},
		"all":                      {all, `{"artifactId":7,"userId":"u","artifactRead":false,"artifactInUserFeed":false}`, false},
		"all, one of them wrongly": {all, `{"artifactId":7,"userId":"u","artifactRead":false,"artifactInUserFeed":true}`, true},
		"all, one left out":        {all, `{"artifactId":7,"userId":"u","artifactRead":false}`, true},
		"a field too many":         {all, `{"artifactId":7,"userId":"u","artifactRead":false,"artifactInUserFeed":false,"x":1}`, true},
		"no JSON":                  {all, `<html>`, true},
	} {
		t.Run(title, func(t *testing.T) {
			require.Equal(t, c.wrong, c.op.check(p, []byte(c.body)) != "")
		})
	}
}

func TestWeightsAddUp(t *testing.T) {
	sum := 0
	for _, o := range operations {
		sum += o.weight
	}
	require.Equal(t, 100, sum)
	require.Equal(t, http.MethodGet, operations[opVerify].method)
	require.Len(t, operations[opVerify].reads, factCount)
}
