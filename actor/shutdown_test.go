package actor

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestPhaseOrder(t *testing.T) {
	const mine, other = Phase("mine"), Phase("other")
	for title, c := range map[string]struct {
		cfg    map[Phase]PhaseConfig
		behind map[Phase]Phase // phase → the one directly before it
		err    string
	}{
		"nothing changed":            {nil, map[Phase]Phase{PhaseServiceUnbind: PhaseBeforeServiceUnbind}, ""},
		"own phase after a standard": {map[Phase]PhaseConfig{mine: {After: []Phase{PhaseServiceStop}}}, map[Phase]Phase{mine: PhaseServiceStop, PhaseBeforeClusterShutdown: mine}, ""},
		"own phases after each other": {
			map[Phase]PhaseConfig{other: {After: []Phase{mine}}, mine: {After: []Phase{PhaseClusterLeave}}},
			map[Phase]Phase{mine: PhaseClusterLeave, other: mine, PhaseClusterExiting: other}, "",
		},
		"own phase before all":              {map[Phase]PhaseConfig{mine: {}}, map[Phase]Phase{PhaseBeforeServiceUnbind: mine}, ""},
		"a standard phase waits for an own": {map[Phase]PhaseConfig{PhaseServiceStop: {After: []Phase{mine}}, mine: {After: []Phase{PhaseServiceUnbind}}}, map[Phase]Phase{mine: PhaseServiceUnbind}, ""},
		"unknown":                           {map[Phase]PhaseConfig{mine: {After: []Phase{"lunch"}}}, nil, "not a phase"},
		"a circle":                          {map[Phase]PhaseConfig{mine: {After: []Phase{other}}, other: {After: []Phase{mine}}}, nil, "circle"},
		"against the standard":              {map[Phase]PhaseConfig{PhaseServiceUnbind: {After: []Phase{PhaseClusterLeave}}}, nil, "circle"},
		"without a name":                    {map[Phase]PhaseConfig{"": {}}, nil, "name"},
	} {
		t.Run(title, func(t *testing.T) {
			order, err := phaseOrder(c.cfg)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				_, err = NewSystem("x", Config{Shutdown: c.cfg})
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			at := map[Phase]int{}
			for i, p := range order {
				at[p] = i
			}
			for i := range phases[1:] {
				require.Less(t, at[phases[i]], at[phases[i+1]])
			}
			for p, before := range c.behind {
				require.Equal(t, at[before]+1, at[p], "%v in %v", p, order)
			}
		})
	}
}

// playStop stops a system in a bubble and returns what its tasks noted.
func playStop(t *testing.T, cfg Config, play func(s *System, note func(string) func(context.Context) error)) ([]string, error) {
	t.Helper()
	var notes []string
	var err error
	synctest.Test(t, func(t *testing.T) {
		quiet := zerolog.Nop()
		cfg.Logger = &quiet
		s, e := NewSystem("test", cfg)
		require.NoError(t, e)
		seen := make(chan string, 100)
		play(s, func(what string) func(context.Context) error {
			return func(context.Context) error { seen <- what; return nil }
		})
		err = s.Stop(context.Background())
		close(seen)
		for n := range seen {
			notes = append(notes, n)
		}
	})
	return notes, err
}

func TestShutdownRunsTasksByPhase(t *testing.T) { // A301, A302
	notes, err := playStop(t, Config{}, func(s *System, note func(string) func(context.Context) error) {
		require.NoError(t, s.OnStop(PhaseClusterLeave, "b", note("leave")))
		require.NoError(t, s.OnStop(PhaseClusterLeave, "b", note("leave"))) // the same name twice is two tasks
		cancelled, err := s.AddStopTask(PhaseServiceStop, "c", note("cancelled"))
		require.NoError(t, err)
		require.True(t, cancelled.Cancel())
		require.False(t, cancelled.Cancel())
		require.NoError(t, s.OnStop(PhaseServiceStop, "c", note("stop")))
		require.NoError(t, s.OnStop(PhaseServiceUnbind, "a", func(ctx context.Context) error {
			_ = note("unbind")(ctx)
			require.NoError(t, s.OnStop(PhaseClusterShutdown, "late", note("late")))
			require.ErrorIs(t, s.OnStop(PhaseBeforeServiceUnbind, "too late", note("never")), ErrStopped)
			require.ErrorIs(t, s.OnStop(PhaseServiceUnbind, "too late", note("never")), ErrStopped)
			return nil
		}))
		require.Error(t, s.OnStop("lunch", "x", note("never")))
		require.Error(t, s.OnStop(PhaseServiceStop, "", note("never")))
	})
	require.NoError(t, err)
	require.Equal(t, []string{"unbind", "stop", "leave", "leave", "late"}, notes)
}

func TestShutdownFromAPhase(t *testing.T) { // A303
	notes, err := playStop(t, Config{}, func(s *System, note func(string) func(context.Context) error) {
		require.NoError(t, s.OnStop(PhaseServiceUnbind, "a", note("unbind")))
		require.NoError(t, s.OnStop(PhaseClusterLeave, "b", note("leave")))
		_, err := s.BeginStopAt("lunch", "x")
		require.Error(t, err)
		require.Empty(t, s.StopReason())
		first, err := s.BeginStopAt(PhaseServiceStop, "downed")
		require.NoError(t, err)
		require.True(t, first)
		require.False(t, s.BeginStop("again"))
		require.Equal(t, "downed", s.StopReason(), "the first reason counts")
	})
	require.NoError(t, err)
	require.Equal(t, []string{"leave"}, notes)
}

func TestShutdownWithFailures(t *testing.T) { // A304
	boom := errors.New("boom")
	slow := func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return nil }
	for title, c := range map[string]struct {
		cfg  PhaseConfig
		task func(context.Context) error
		want []string
		err  error
	}{
		"a failure is passed over":                {PhaseConfig{}, func(context.Context) error { return boom }, []string{"stop", "leave"}, nil},
		"a panic is passed over":                  {PhaseConfig{}, func(context.Context) error { panic(boom) }, []string{"stop", "leave"}, nil},
		"slowness is passed over":                 {PhaseConfig{Timeout: 3 * time.Second}, slow, []string{"stop", "leave"}, nil},
		"a failure in a strict phase ends it":     {PhaseConfig{Strict: true}, func(context.Context) error { return boom }, []string{"stop"}, boom},
		"slowness in a strict phase ends it":      {PhaseConfig{Strict: true, Timeout: time.Second}, slow, []string{"stop"}, ErrTimeout},
		"the tasks of a disabled phase don't run": {PhaseConfig{Disabled: true}, func(context.Context) error { return boom }, []string{"leave"}, nil},
	} {
		t.Run(title, func(t *testing.T) {
			notes, err := playStop(t, Config{Shutdown: map[Phase]PhaseConfig{PhaseServiceStop: c.cfg}}, func(s *System, note func(string) func(context.Context) error) {
				require.NoError(t, s.OnStop(PhaseServiceStop, "ok", note("stop")))
				require.NoError(t, s.OnStop(PhaseServiceStop, "bad", c.task))
				require.NoError(t, s.OnStop(PhaseClusterLeave, "leave", note("leave")))
			})
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.want, notes)
		})
	}
}

func TestStopOnSignal(t *testing.T) { // A306
	quiet := zerolog.Nop()
	for title, c := range map[string]struct {
		signals []os.Signal
		send    syscall.Signal
	}{
		"the usual one": {nil, syscall.SIGTERM},
		"one's own":     {[]os.Signal{syscall.SIGUSR1}, syscall.SIGUSR1},
	} {
		t.Run(title, func(t *testing.T) {
			s, err := NewSystem("test", Config{Logger: &quiet})
			require.NoError(t, err)
			cancel := s.StopOnSignal(c.signals...)
			cancelled := s.StopOnSignal(syscall.SIGUSR2)
			cancelled()
			cancelled()
			self, err := os.FindProcess(os.Getpid())
			require.NoError(t, err)
			require.NoError(t, self.Signal(c.send))
			<-s.Stopped().Done()
			require.NoError(t, s.Stop(context.Background()))
			require.Equal(t, "signal: "+c.send.String(), s.StopReason())
			cancel()
		})
	}
}
