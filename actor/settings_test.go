package actor_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func TestAConfigThatMakesNoSenseIsRefused(t *testing.T) {
	for want, cfg := range map[string]actor.Config{
		"Config.AskTimeout must not be negative":                    {AskTimeout: -1},
		"Config.StopTimeout must not be negative":                   {StopTimeout: -1},
		"Config.TurnMax must not be negative":                       {TurnMax: -1},
		"Config.Clock is a nil *testkit.Clock":                      {Clock: (*testkit.Clock)(nil)},
		"Config.Logger is a string":                                 {Logger: "stderr"},
		"Config.Logger is a nil *slog.Logger":                       {Logger: (*slog.Logger)(nil)},
		"Config.Logger is a nil *zerolog.Logger":                    {Logger: (*zerolog.Logger)(nil)},
		`the Timeout of phase "cluster-leave" must not be negative`: {Shutdown: map[actor.Phase]actor.PhaseConfig{actor.PhaseClusterLeave: {Timeout: -1}}},
	} {
		_, err := actor.NewSystem("shop", cfg)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "system shop")
	}
}

func TestSpawnsThatMakeNoSenseAreRefused(t *testing.T) {
	sys := newSystem(t)
	for want, opts := range map[string][]actor.SpawnOption{
		"Dedicated and Pinned contradict each other":              {actor.Dedicated{}, actor.Pinned{}},
		"Bounded and Mailbox contradict each other":               {actor.Mailbox{}, actor.Bounded(5)},
		"Bounded must not be negative":                            {actor.Bounded(-1)},
		"StashMax must not be negative":                           {actor.StashMax(-1)},
		"Lifetime must not be negative":                           {actor.Lifetime(-1)},
		"Mailbox.Max must not be negative":                        {actor.Mailbox{Max: -1}},
		"Mailbox.Wait must not be negative":                       {actor.Mailbox{Max: 1, Overflow: actor.BlockSender, Wait: -1}},
		"Mailbox.Overflow is 9, which is unknown":                 {actor.Mailbox{Max: 1, Overflow: 9}},
		"Mailbox.Overflow says what happens beyond Mailbox.Max":   {actor.Mailbox{Overflow: actor.DropOldest}},
		"Dedicated.Goroutines must not be negative":               {actor.Dedicated{Goroutines: -1}},
		"Supervise.Within must not be negative":                   {actor.Supervise{Within: -1}},
		"Supervise.Scope is 7, which is unknown":                  {actor.Supervise{Scope: 7}},
		"which needs a Context.Group":                             {actor.Supervise{Scope: actor.AllForOne}},
		"Supervise.Backoff.Min must not be negative":              {actor.Supervise{Backoff: actor.Backoff{Min: -1}}},
		"Supervise.Backoff.Max is 1s, less than Min, which is 2s": {actor.Supervise{Backoff: actor.Backoff{Min: 2 * time.Second, Max: time.Second}}},
		"Supervise.Backoff.Max is 1s, and there is no Min":        {actor.Supervise{Backoff: actor.Backoff{Max: time.Second}}},
		"option 2 is nil":                                         {actor.Bounded(1), nil},
		"option 1 is nil":                                         {actor.Intercept(nil)},
	} {
		_, err := sys.Spawn("x", actor.Of[idle], opts...)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `spawn "x" below /user`)
	}
	_, err := sys.Spawn("x", actor.Of[idle], actor.Dedicated{Class: "c"}, actor.Bounded(5), actor.Supervise{Within: time.Second})
	require.NoError(t, err)
}

// idle is an actor that has no use for anything.
type idle struct{}

func (*idle) Receive(*actor.Context) {}

// idleFor is a receiver that has no use for anything.
type idleFor struct{}

func (*idleFor) Receive(*actor.Context, string) {}

func TestFactoriesThatMakeNothingAreErrors(t *testing.T) {
	sys := testkit.New(t)
	_, err := sys.Spawn("none", nil)
	require.ErrorContains(t, err, `spawn "none" below /user: the factory is nil`)
	_, err = actor.SpawnTyped[string](sys, "none", nil)
	require.ErrorContains(t, err, "the factory is nil")
	_, err = actor.SpawnTyped[string](nil, "none", func() actor.Receiver[string] { return &idleFor{} })
	require.ErrorContains(t, err, "no parent")

	for want, factory := range map[string]func() actor.Actor{
		"the factory returned nil":                    func() actor.Actor { return nil },
		"the factory returned a nil *actor_test.idle": func() actor.Actor { return (*idle)(nil) },
		"the factory returned a nil actor.Func":       func() actor.Actor { return actor.Func(nil) },
	} {
		ref, err := sys.Spawn("", factory)
		require.NoError(t, err)
		_, err = actor.AskAs[int](t.Context(), ref, any("?"))
		var start *actor.StartError
		require.ErrorAs(t, err, &start)
		require.Equal(t, ref.Path(), start.Path)
		require.ErrorContains(t, err, want)
	}
	for want, factory := range map[string]func() actor.Receiver[string]{
		"the factory returned nil":                       func() actor.Receiver[string] { return nil },
		"the factory returned a nil *actor_test.idleFor": func() actor.Receiver[string] { return (*idleFor)(nil) },
	} {
		ref := testkit.Must(actor.SpawnTyped(sys, "", factory))
		_, err = actor.AskAs[int](t.Context(), ref, "?")
		require.ErrorContains(t, err, want)
	}
}

func TestWhatIsNoDirectiveStopsTheActor(t *testing.T) {
	sys := testkit.New(t)
	ref := testkit.Must(sys.Spawn("x", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Fail(errors.New("boom")) })
	}, actor.Supervise{Decide: func(error) actor.Directive { return 99 }}))
	ref.Tell(1)
	require.NoError(t, actor.AwaitEnd(t.Context(), ref))
}

func TestNamesThatWouldMeanSomethingElseInAPathAreRefused(t *testing.T) {
	sys := testkit.New(t)
	for _, name := range []string{".", "..", "*", "a*", "%", "a%", "%2", "%zz", "50%off", "?", "a?b", "a#1", "ü"} {
		_, err := sys.Spawn(name, actor.Of[idle])
		require.ErrorIs(t, err, actor.ErrBadName, "%q", name)
	}
	for _, name := range []string{"%2E", "50%25", "%2a", "...", ".a", "a..b"} {
		ref := testkit.Must(sys.Spawn(name, actor.Of[idle]))
		selection := testkit.Must(sys.Select("/user/" + name))
		require.Equal(t, []actor.PID{ref}, selection.Matches(), "%q", name)
	}
}

func TestAddressesThatNoNodeCanHaveAreErrors(t *testing.T) {
	sys := testkit.New(t)
	for _, addr := range []string{"nowhere", "host:", ":2552", "host:0", "host:65536", "host:port", "0.0.0.0:2552", "[::]:2552", "a b:1", "host:1:2"} {
		_, err := sys.Select("troupe://shop@" + addr + "/user/x")
		require.ErrorIs(t, err, actor.ErrBadAddress, addr)
		require.ErrorIs(t, sys.RefAt(addr, "/user/x").TryTell("x"), actor.ErrBadAddress, addr)
		_, err = actor.AskAs[int](t.Context(), sys.RefAt(addr, "/user/x"), any("?"))
		require.ErrorIs(t, err, actor.ErrBadAddress, addr)
	}
	for _, addr := range []string{"host:1", "127.0.0.1:65535", "[::1]:2552", "a.b-c_d:80"} {
		_, err := sys.Select("troupe://shop@" + addr + "/user/x")
		require.NoError(t, err, addr)
		err = sys.RefAt(addr, "/user/x").TryTell("x")
		require.ErrorIs(t, err, actor.ErrNoRemoting, addr)
		require.NotErrorIs(t, err, actor.ErrStopped)
	}
	for _, path := range []string{"", "user/x", "/user/*", "/user/..", "/user//x", "/user/x/"} {
		require.ErrorIs(t, sys.RefAt("", path).TryTell("x"), actor.ErrBadName, path)
	}
	require.Zero(t, sys.Dropped(actor.DropStopped))
}

func TestHelpersAreCheckedWhenTheyAreUsed(t *testing.T) {
	sys := testkit.New(t)
	work := func(context.Context) (int, error) { return 1, nil }
	for want, cfg := range map[string]actor.BreakerConfig{
		"MaxFailures must not be negative":              {MaxFailures: -1},
		"CallTimeout must not be negative":              {CallTimeout: -1},
		"ResetTimeout must not be negative":             {ResetTimeout: -1},
		"Growth is 0.5: must be 1 or more":              {Growth: 0.5},
		"Jitter is -1: must not be negative":            {Jitter: -1},
		"MaxResetTimeout is 1s, less than ResetTimeout": {MaxResetTimeout: time.Second, ResetTimeout: time.Minute},
	} {
		_, err := actor.Guard(t.Context(), actor.NewBreaker(sys, cfg), work)
		require.ErrorContains(t, err, want)
	}
	_, err := actor.Retry(t.Context(), sys, actor.Attempts{Max: -1}, work)
	require.ErrorContains(t, err, "Attempts.Max must not be negative")
	require.Error(t, sys.Resolve("/system/x", nil))
	require.ErrorIs(t, sys.NewRef("/system/x", nil).TryTell("x"), actor.ErrStopped)
}

func TestBecomingNothingIsAFailure(t *testing.T) {
	solo := testkit.NewSolo(t, func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Become(nil) })
	}, actor.Supervise{MaxRestarts: -1})
	solo.Run("x")
	require.False(t, solo.Alive())
}

func TestAGroupSupervisesAllItsChildren(t *testing.T) {
	sys := newSystem(t)
	errs := make(chan error, 2)
	spawn(t, sys, "parent", func(ctx *actor.Context) {
		g := ctx.Group(actor.Supervise{Scope: actor.AllForOne})
		_, err := g.Spawn("own", actor.Of[idle], actor.Supervise{MaxRestarts: 1})
		errs <- err
		_, err = g.Spawn("group", actor.Of[idle])
		errs <- err
	}).Tell("go")
	require.ErrorContains(t, <-errs, "give it to Context.Group")
	require.NoError(t, <-errs)
}

func TestADedicatedClassHasOneSize(t *testing.T) {
	sys, err := actor.NewSystem("sizes", actor.Config{Logger: zerolog.Nop()})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	spawn := func(name string, goroutines int) error {
		_, err := sys.Spawn(name, actor.Of[idle], actor.Dedicated{Class: "db", Goroutines: goroutines})
		return err
	}
	require.NoError(t, spawn("a", 3))
	require.ErrorContains(t, spawn("b", 4), `class "db" has 3 goroutines already`)
	require.NoError(t, spawn("c", 3))
	require.NoError(t, spawn("d", 0))
}

func TestAStateMachineHandlesMessagesInEveryState(t *testing.T) {
	sys := newSystem(t)
	machine := actor.FSM[string, int]{Start: "a", States: map[string]actor.State[string, int]{
		"a": {Handle: func(*actor.Machine[string, int], any) {}}, "c": {}, "b": {},
	}}
	pid, err := sys.Spawn("machine", machine.New, actor.Supervise{Decide: func(error) actor.Directive { return actor.Stop }})
	require.NoError(t, err)
	_, err = actor.AskAs[int](t.Context(), pid, 1)
	require.ErrorContains(t, err, "no Handle in the states [b c]")
}
