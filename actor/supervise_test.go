package actor

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDecide(t *testing.T) {
	boom := errors.New("boom")
	start := &StartError{Err: boom}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	ago := func(ds ...time.Duration) (h history) {
		for _, d := range ds {
			h.restarts = append(h.restarts, now.Add(-d))
		}
		return h
	}
	backoff := Backoff{Min: 100 * time.Millisecond, Max: time.Second}
	for _, c := range []struct {
		title string
		s     Supervise
		h     history
		err   error
		want  Directive
		delay time.Duration // at least; at most a fifth more
	}{
		{"zero value restarts at once", Supervise{}, history{}, boom, Restart, 0},
		{"zero value stops after a failed start", Supervise{}, history{}, start, Stop, 0},
		{"backoff retries a failed start", Supervise{Backoff: backoff}, history{}, start, Restart, 100 * time.Millisecond},
		{"decider has the word", Supervise{Decide: func(error) Directive { return Escalate }}, history{}, boom, Escalate, 0},
		{"negative budget: never", Supervise{MaxRestarts: -1}, history{}, boom, Stop, 0},
		{"budget left in the window", Supervise{MaxRestarts: 2, Within: time.Minute}, ago(time.Second), boom, Restart, 0},
		{"budget used up in the window", Supervise{MaxRestarts: 2, Within: time.Minute}, ago(time.Second, 59*time.Second), boom, Stop, 0},
		{"old restarts don't count", Supervise{MaxRestarts: 2, Within: time.Minute}, ago(time.Second, 60*time.Second), boom, Restart, 0},
		{"without a window all restarts count", Supervise{MaxRestarts: 2}, ago(time.Hour, 2*time.Hour), boom, Stop, 0},
		{"third restart in a row", Supervise{Backoff: backoff}, history{attempt: 2, last: now}, boom, Restart, 400 * time.Millisecond},
		{"delay has an upper bound", Supervise{Backoff: backoff}, history{attempt: 60, last: now}, boom, Restart, time.Second},
		{"starts over after a long run", Supervise{Backoff: backoff}, history{attempt: 5, last: now.Add(-2 * time.Second)}, boom, Restart, 100 * time.Millisecond},
	} {
		t.Run(c.title, func(t *testing.T) {
			d, delay, _ := decide(c.s, c.h, now, c.err, rand.New(rand.NewPCG(1, 2)))
			require.Equal(t, c.want, d)
			require.GreaterOrEqual(t, delay, c.delay)
			require.LessOrEqual(t, delay, c.delay+c.delay/5)
		})
	}
}

func TestDecideDoesNotChangeItsInput(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	h := history{restarts: []time.Time{now.Add(-time.Hour), now}}
	_, _, after := decide(Supervise{MaxRestarts: 5, Within: time.Minute}, h, now, errors.New("x"), rand.New(rand.NewPCG(1, 2)))
	require.Equal(t, now.Add(-time.Hour), h.restarts[0])
	require.Equal(t, []time.Time{now, now}, after.restarts)
}
