package testkit_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// K01: the words in which a probe says what it expects.
func TestExpectations(t *testing.T) {
	cases := map[string]struct {
		send []any
		f    func(p *testkit.Probe)
		want string // of the failure; empty: none
	}{
		"any of":           {[]any{2}, func(p *testkit.Probe) { require.Equal(t, 2, p.ExpectAnyOf(1, 2)) }, ""},
		"none of":          {[]any{3}, func(p *testkit.Probe) { p.ExpectAnyOf(1, 2) }, "got int 3, want any of int 1, int 2"},
		"all of":           {[]any{2, 1, 2}, func(p *testkit.Probe) { p.ExpectAllOf(1, 2, 2) }, ""},
		"all of but one":   {[]any{2, 1, 1}, func(p *testkit.Probe) { p.ExpectAllOf(1, 2, 2) }, "got int 1, want any of int 2"},
		"so many":          {[]any{1, "b", 3}, func(p *testkit.Probe) { require.Equal(t, []any{1, "b"}, p.NextN(2)) }, ""},
		"too few":          {[]any{1}, func(p *testkit.Probe) { p.NextN(2) }, "no message came; before: int 1"},
		"as another type":  {[]any{1}, func(p *testkit.Probe) { testkit.ExpectAs[string](p) }, "got int 1, want a string"},
		"nothing":          {nil, func(p *testkit.Probe) { p.ExpectNothing(time.Second) }, ""},
		"not nothing":      {[]any{1}, func(p *testkit.Probe) { p.ExpectNothing(time.Second) }, "got int 1, want nothing"},
		"the end of alien": {[]any{1}, func(p *testkit.Probe) { p.ExpectTerminated(p.PID()) }, "got int 1, want a actor.Terminated"},
		"while": {[]any{1, 2, "x", 3}, func(p *testkit.Probe) {
			require.Equal(t, []int{1, 2}, testkit.NextWhile[int](p, time.Minute, time.Second, nil))
			p.Expect("x") // it was put back
			require.Empty(t, testkit.NextWhile(p, time.Minute, time.Second, func(n int) bool { return n > 5 }))
			require.Equal(t, []int{3}, testkit.NextWhile[int](p, time.Minute, time.Second, nil))
		}, ""},
		"fish": {[]any{1, 2, 3, 4}, func(p *testkit.Probe) {
			got := p.FishFor("a three", func(msg any) testkit.Catch {
				return map[any]testkit.Catch{1: testkit.CatchMore, 2: testkit.CatchNot, 3: testkit.CatchLast}[msg]
			})
			require.Equal(t, []any{1, 3}, got)
		}, ""},
		"fish a boot":   {[]any{1}, func(p *testkit.Probe) { p.FishFor("a two", func(any) testkit.Catch { return testkit.CatchWrong }) }, "got int 1 while fishing for a two"},
		"fish in vain":  {[]any{1}, func(p *testkit.Probe) { p.FishFor("a two", func(any) testkit.Catch { return testkit.CatchNot }) }, "no message ended the fishing for a two"},
		"fish unjudged": {[]any{1}, func(p *testkit.Probe) { p.FishFor("a two", func(any) testkit.Catch { return 0 }) }, "got int 1 while"},
		"within":        {[]any{1, 2}, func(p *testkit.Probe) { p.Within(0, time.Second, func() { p.NextN(2) }) }, ""},
		"too late":      {[]any{1}, func(p *testkit.Probe) { p.Within(0, time.Second, func() { p.NextN(2) }) }, "no message came"},
		"too slow": {nil, func(p *testkit.Probe) {
			p.Within(0, time.Second, func() { time.Sleep(2 * time.Second) })
		}, "it took 2s, not 0s to 1s"},
		"too early": {[]any{1}, func(p *testkit.Probe) { p.Within(time.Second, time.Minute, func() { p.Next() }) }, "it took 0s, not 1s to 1m0s"},
		"within within": {nil, func(p *testkit.Probe) {
			p.Within(0, 3*time.Second, func() {
				p.Within(0, time.Hour, func() { require.Equal(t, 3*time.Second, p.Remaining()) })
				time.Sleep(time.Second)
				p.ExpectNothing(time.Hour) // as long as there is
				require.Zero(t, p.Remaining())
			})
			p.Remaining()
		}, "Remaining is for the inside of Within"},
		"ignored": {[]any{1, "a", 2, "b"}, func(p *testkit.Probe) { p.Expect("a"); p.Expect("b") }, ""},
	}
	for title, c := range cases {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &failing{TB: t}
				p := testkit.NewProbe(w, testkit.New(t))
				if title == "ignored" {
					p.Ignore(func(msg any) bool { _, number := msg.(int); return number })
				}
				for _, m := range c.send {
					p.PID().Tell(m)
				}
				synctest.Wait()
				if c.want == "" {
					c.f(p)
					return
				}
				require.Panics(t, func() { c.f(p) })
				require.Contains(t, w.said, c.want)
			})
		})
	}
}

// K01: an end is expected of who has ended before, and of who will.
func TestExpectTerminated(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	before := testkit.Must(sys.Spawn("", func() actor.Actor { return actor.Func(echo) }))
	require.NoError(t, actor.GracefulStop(t.Context(), before))
	p.ExpectTerminated(before)
	after := testkit.Must(p.Spawn("child", func() actor.Actor { return actor.Func(echo) }))
	require.Equal(t, p.PID().Path()+"/child", after.Path())
	p.Watch(after)
	sys.StopActor(after)
	p.ExpectTerminated(after)
	p.ExpectNothing(0)
	p.Stop()
	require.NoError(t, actor.AwaitEnd(t.Context(), p.PID()))
	_, err := p.Spawn("", func() actor.Actor { return actor.Func(echo) })
	require.ErrorIs(t, err, actor.ErrStopped)
}

func TestAutopilot(t *testing.T) {
	sys := testkit.New(t)
	p, asker := testkit.NewProbe(t, sys), testkit.NewProbe(t, sys)
	var second testkit.Pilot = func(ctx *actor.Context) testkit.Pilot { ctx.Reply("second"); return nil }
	p.Autopilot(func(ctx *actor.Context) testkit.Pilot { ctx.Reply("first"); return second })
	for range 3 {
		asker.Tell(p.PID(), "?")
	}
	require.Equal(t, []any{"first", "second"}, asker.NextN(2))
	require.Equal(t, []any{"?", "?", "?"}, p.NextN(3)) // it sees them all the same
	require.Equal(t, asker.PID(), p.LastSender())
	p.Forward(asker.PID())
	require.Equal(t, testkit.Received{Message: "?", From: asker.PID()}, asker.NextReceived())
	p.Reply("third")
	asker.Expect("third")
}

func TestListen(t *testing.T) {
	sys := testkit.New(t)
	events := testkit.Listen[actor.DeadLetter](t, sys)
	p := testkit.NewProbe(t, sys)
	p.Stop()
	require.NoError(t, actor.AwaitEnd(t.Context(), p.PID()))
	p.PID().Tell("too late")
	got := testkit.Fish(events, func(d actor.DeadLetter) bool { return d.To == p.PID() })
	require.Equal(t, "too late", got.Message)
}

// K02: lines of the log, as many as are expected.
func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &failing{TB: t}
		logs := testkit.NewLogs(w)
		sys := testkit.New(t, actor.Config{Logger: logs.Logger()})
		pid := testkit.Must(sys.Spawn("a", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				ctx.Log().Warn().Err(errors.New("no ink")).Msg("can't print " + ctx.Message().(string))
			})
		}))
		warning := testkit.Line{Level: zerolog.WarnLevel, Message: "print", Fields: map[string]string{"actor": "/user/a", "error": "ink"}}
		logs.Expect(2, warning, func() { pid.Tell("x"); pid.Tell("y") })
		logs.Expect(0, warning, func() {})
		require.Equal(t, 2, logs.Count(warning))
		require.Equal(t, 1, logs.Count(testkit.Line{Level: zerolog.NoLevel, Message: "print y"}))
		for title, l := range map[string]testkit.Line{
			"level": {Level: zerolog.ErrorLevel}, "message": {Level: zerolog.NoLevel, Message: "eat"},
			"field": {Level: zerolog.NoLevel, Fields: map[string]string{"node": ""}},
		} {
			require.Zero(t, logs.Count(l), title)
		}
		require.Panics(t, func() { logs.Expect(3, warning, func() { pid.Tell("z") }) })
		require.Contains(t, w.said, "1 lines are")
		require.Contains(t, w.said, "can't print z")
		require.Panics(t, func() {
			logs.Expect(0, warning, func() { pid.Tell("z"); synctest.Wait() })
		})
	})
}

func TestAwaitAndHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &failing{TB: t}
		began := time.Now()
		ready := func(after time.Duration) func() error {
			return func() error {
				if time.Since(began) < after {
					return errors.New("not ready")
				}
				return nil
			}
		}
		testkit.Await(w, time.Minute, ready(time.Second))
		require.Equal(t, time.Second, time.Since(began))
		require.Panics(t, func() { testkit.Await(w, time.Minute, ready(time.Hour)) })
		require.Equal(t, "not within 1m0s: not ready", w.said)

		testkit.Hold(w, time.Minute, ready(0))
		broken := func() error {
			if time.Since(began) > 3*time.Minute {
				return errors.New("broken")
			}
			return nil
		}
		require.Panics(t, func() { testkit.Hold(w, time.Hour, broken) })
		require.True(t, strings.HasSuffix(w.said, "of 1h0m0s: broken"), w.said)
	})
}

func TestNoLeaks(t *testing.T) {
	w := &witness{TB: t}
	testkit.NoLeaks(w)
	require.Empty(t, w.end())
	if testing.Short() {
		t.Skip("a leak is looked for patiently")
	}
	w = &witness{TB: t}
	testkit.NoLeaks(w)
	end := make(chan struct{})
	go func() { <-end }()
	require.Contains(t, w.end(), "goroutines are left")
	close(end)
}
