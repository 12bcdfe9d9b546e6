package actor

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
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
		{"A061: without a limit, the window says nothing", Supervise{Within: time.Second}, ago(0, 0, 0, 0, 0), boom, Restart, 0},
		{"A061: a limit for ever", Supervise{MaxRestarts: 1, Within: 1 << 62}, ago(1000 * time.Hour), boom, Stop, 0},
		{"A061: never, whatever the window", Supervise{MaxRestarts: -1, Within: time.Second}, history{}, boom, Stop, 0},
		{"A349: a death pact that may be recovered from", Supervise{Decide: func(error) Directive { return Restart }}, history{}, &DeathPactError{}, Restart, 0},
		{"A123: a death pact", Supervise{}, history{}, &DeathPactError{}, Stop, 0},
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

// A062, A087, A343: a script of failures, each so long after the last one.
func TestBudgets(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		title string
		s     Supervise
		after []time.Duration
		want  string // r: restart, s: stop
	}{
		{"two in a second, the third is one too many", Supervise{MaxRestarts: 2, Within: second}, []time.Duration{0, 300e6, 300e6}, "rrs"},
		{"two crashes, a wait, two more", Supervise{MaxRestarts: 2, Within: second / 2}, []time.Duration{0, 1e6, second, 1e6}, "rrrr"},
		{"the window slides", Supervise{MaxRestarts: 2, Within: second}, []time.Duration{0, 600e6, 600e6, 600e6, 100e6}, "rrrrs"},
		{"no window", Supervise{MaxRestarts: 2}, []time.Duration{0, 24 * time.Hour, 24 * time.Hour}, "rrs"},
		{"no restarts", Supervise{MaxRestarts: -1, Within: second}, []time.Duration{0}, "s"},
		{"with a backoff, too", Supervise{MaxRestarts: 2, Within: 10 * second, Backoff: Backoff{Min: second, Max: second}}, []time.Duration{0, 2 * second, 2 * second}, "rrs"},
		{"unlimited", Supervise{}, make([]time.Duration, 100), strings.Repeat("r", 100)},
	} {
		t.Run(c.title, func(t *testing.T) {
			now, h, got := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), history{}, ""
			for _, d := range c.after {
				now = now.Add(d)
				var did Directive
				did, _, h = decide(c.s, h, now, errors.New("boom"), rand.New(rand.NewPCG(1, 2)))
				got += did.String()[:1]
			}
			require.Equal(t, c.want, got)
		})
	}
}

// A081, A086, A345: delays double from the least to the most, with up to a fifth
// added, and start over after a quiet time.
func TestDelays(t *testing.T) {
	for _, c := range []struct {
		title   string
		b       Backoff
		attempt int
		want    time.Duration
	}{
		{"none", Backoff{}, 5, 0},
		{"the first", Backoff{Min: 200e6, Max: 10e9}, 0, 200e6},
		{"the second", Backoff{Min: 200e6, Max: 10e9}, 1, 400e6},
		{"the third", Backoff{Min: 200e6, Max: 10e9}, 2, 800e6},
		{"the most", Backoff{Min: 200e6, Max: 10e9}, 6, 10e9},
		{"a huge number", Backoff{Min: 200e6, Max: 10e9}, math.MaxInt32, 10e9},
		{"no overflow", Backoff{Min: 1, Max: math.MaxInt64 / 2}, 1000, math.MaxInt64 / 2},
		{"least and most the same", Backoff{Min: 3e9, Max: 3e9}, 9, 3e9},
		{"a most below the least counts for nothing", Backoff{Min: 3e9, Max: 1}, 9, 3e9},
	} {
		t.Run(c.title, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 100 {
				d := c.b.delay(c.attempt, random)
				require.GreaterOrEqual(t, d, c.want)
				require.LessOrEqual(t, d, c.want+c.want/5)
			}
		})
	}
	s, now := Supervise{Backoff: Backoff{Min: time.Second, Max: 4 * time.Second}}, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	var h history
	for _, least := range []time.Duration{1, 2, 4, 4} {
		var delay time.Duration
		_, delay, h = decide(s, h, now, errors.New("boom"), rand.New(rand.NewPCG(1, 2)))
		require.GreaterOrEqual(t, delay, least*time.Second)
		now = now.Add(delay)
	}
	now = now.Add(5 * time.Second)
	_, delay, _ := decide(s, h, now, errors.New("boom"), rand.New(rand.NewPCG(1, 2)))
	require.Less(t, delay, 2*time.Second, "after a quiet time it starts over")
}

// A073: what is said of an earlier child of the name doesn't concern the present one.
func TestFailureOfAnEarlierIncarnation(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(t.Context())) }()
	nop := func() Actor { return Func(func(ctx *Context) { ctx.Reply(true) }) }
	first, err := sys.Spawn("x", nop)
	require.NoError(t, err)
	require.NoError(t, GracefulStop(t.Context(), first))
	_, err = Inspect(t.Context(), sys.RefAt("", "/user")) // the name is free
	require.NoError(t, err)
	second, err := sys.Spawn("x", nop)
	require.NoError(t, err)
	require.NotEqual(t, first, second) // A146
	require.Equal(t, first.Path(), second.Path())
	sys.user.signal(signal{kind: signalFailed, from: first.p, err: ErrKilled})
	sys.user.signal(signal{kind: signalChildGone, from: first.p})
	_, err = Inspect(t.Context(), sys.RefAt("", "/user"))
	require.NoError(t, err)
	_, err = AskAs[bool](t.Context(), sys.RefAt("", "/user/x"), any("alive?"))
	require.NoError(t, err)
}

// torn is an error after which an actor is not resumed.
type torn struct{}

func (torn) Error() string    { return "torn" }
func (torn) EndsIncarnation() {}

func TestWhatEndsAnIncarnationIsNotResumed(t *testing.T) {
	resume := Supervise{Decide: func(error) Directive { return Resume }}
	patient := Supervise{Decide: resume.Decide, Backoff: Backoff{Min: time.Second}}
	wrapped := fmt.Errorf("write: %w", torn{})
	require.Equal(t, Resume, resume.directive(errors.New("other")))
	require.Equal(t, Restart, resume.directive(wrapped))
	require.Equal(t, Stop, resume.directive(&StartError{Err: wrapped}), "it would only fail again")
	require.Equal(t, Restart, patient.directive(&StartError{Err: wrapped}))
	require.Equal(t, Escalate, Supervise{Decide: func(error) Directive { return Escalate }}.directive(wrapped))
}
