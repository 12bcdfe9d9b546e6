package actor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// grove is a small tree below /user, whose actors answer with their path.
func grove(t *testing.T) (*actor.System, actor.PID) {
	t.Helper()
	sys := newSystem(t)
	leaf := func(ctx *actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			ctx.Reply(ctx.Self().Path())
		}
	}
	top := spawn(t, sys, "top", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case string:
			for _, name := range []string{"a1", "a2", "b"} {
				spawn(t, ctx, name, func(ctx *actor.Context) {
					switch m := ctx.Message().(type) {
					case string:
						spawn(t, ctx, "x1", leaf)
						spawn(t, ctx, "x2", leaf)
						ctx.Reply("grown")
					case func(*actor.Context):
						m(ctx)
					default:
						leaf(ctx)
					}
				})
			}
			ctx.Reply("grown")
		case func(*actor.Context):
			m(ctx)
		default:
			leaf(ctx)
		}
	})
	_, err := actor.AskAs[string](t.Context(), top, any("grow"))
	require.NoError(t, err)
	for _, name := range []string{"a1", "a2", "b"} {
		_, err = actor.AskAs[string](t.Context(), sys.RefAt("", "/user/top/"+name), any("grow"))
		require.NoError(t, err)
	}
	return sys, top
}

func paths(pids []actor.PID) (all []string) {
	for _, p := range pids {
		all = append(all, p.Path())
	}
	return all
}

func TestSelectionMatches(t *testing.T) { // A145, A149
	sys, _ := grove(t)
	for pattern, want := range map[string][]string{
		"/user/top":              {"/user/top"},
		"/user/top/":             {"/user/top"},
		"/user/top/./b":          {"/user/top/b"},
		"/user/top/b/../a1":      {"/user/top/a1"},
		"/user/top/a?":           {"/user/top/a1", "/user/top/a2"},
		"/user/top/*":            {"/user/top/a1", "/user/top/a2", "/user/top/b"},
		"/user/top/a*/x1":        {"/user/top/a1/x1", "/user/top/a2/x1"},
		"/user/*/*/?2":           {"/user/top/a1/x2", "/user/top/a2/x2", "/user/top/b/x2"},
		"/system":                {"/system"},
		"/user/top/nobody":       nil,
		"/user/top/*/nobody":     nil,
		"/user/top/a1#17":        {"/user/top/a1"},
		"troupe://test/user/top": {"/user/top"},
	} {
		sel, err := sys.Select(pattern)
		require.NoError(t, err)
		require.Equal(t, want, paths(sel.Matches()), pattern)
	}
}

func TestSelectionRelativeToAnActor(t *testing.T) { // A145
	sys, _ := grove(t)
	for pattern, want := range map[string][]string{
		"x1":         {"/user/top/a1/x1"},
		"x1#17":      {"/user/top/a1/x1"}, // A144
		"./x1":       {"/user/top/a1/x1"},
		"x1/y/..":    {"/user/top/a1/x1"},
		"../b":       {"/user/top/b"},
		"../?2/x*":   {"/user/top/a2/x1", "/user/top/a2/x2"},
		"../../../*": {"/user", "/system"},
		"/user/top":  {"/user/top"},
	} {
		answer := make(chan []string)
		sys.RefAt("", "/user/top/a1").Tell(func(ctx *actor.Context) {
			sel, err := ctx.Select(pattern)
			require.NoError(t, err)
			answer <- paths(sel.Matches())
		})
		require.Equal(t, want, <-answer, pattern)
	}
}

func TestSelectionRefusesBadPatterns(t *testing.T) {
	sys := newSystem(t)
	for _, pattern := range []string{"", "/user/[a]", `/user/a\b`, "troupe://test", "troupe://other/user/x", string(make([]byte, 5000))} {
		_, err := sys.Select(pattern)
		require.ErrorIs(t, err, actor.ErrBadName, "%.20q", pattern)
	}
}

func TestSelectionResolves(t *testing.T) { // A145, A146, A147
	sys, top := grove(t)
	sel, err := sys.Select("/user/top/b")
	require.NoError(t, err)
	first, err := sel.Resolve(t.Context())
	require.NoError(t, err)
	require.Equal(t, sys.RefAt("", "/user/top/b").Path(), first.Path())

	require.NoError(t, actor.GracefulStop(t.Context(), first))
	_, err = sel.Resolve(t.Context())
	require.ErrorIs(t, err, actor.ErrNobody)

	again := make(chan actor.PID)
	top.Tell(func(ctx *actor.Context) { again <- spawn(t, ctx, "b", func(*actor.Context) {}) })
	want := <-again
	second, err := sel.Resolve(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, second)
	require.NotEqual(t, first, second)
	require.Equal(t, first.Path(), second.Path())
	require.ErrorIs(t, first.TryTell("x"), actor.ErrStopped)
}

func TestSelectionFansOutAndKeepsTheSender(t *testing.T) { // A112, A149, A150
	sys, _ := grove(t)
	sel, err := sys.Select("/user/top/a*/x*")
	require.NoError(t, err)
	same, err := sys.Select("/user/top/./a*/x*")
	require.NoError(t, err)
	require.Equal(t, sel, same)
	require.Equal(t, "troupe://test/user/top/a*/x*", sel.String())

	r := newRecorder()
	spawn(t, sys, "asker", func(ctx *actor.Context) {
		if ctx.Message() == "go" {
			ctx.Tell(sel.PID(), 1)
			return
		}
		r.add(ctx.Message())
	}).Tell("go")
	require.ElementsMatch(t, []any{"/user/top/a1/x1", "/user/top/a1/x2", "/user/top/a2/x1", "/user/top/a2/x2"}, r.next(t, 4))

	path, err := actor.AskAs[string](t.Context(), sel.PID(), any(1))
	require.NoError(t, err)
	require.Contains(t, path, "/user/top/a")
}

func TestSelectionOfNobody(t *testing.T) { // A147, A149
	sys, _ := grove(t)
	r, dead := spawnRecorder(t, sys, "dead")
	actor.Subscribe[actor.DeadLetter](sys, dead)
	sel, err := sys.Select("/user/nobody")
	require.NoError(t, err)
	sel.Tell("hello")
	dl := r.next(t, 1)[0].(actor.DeadLetter)
	require.Equal(t, "hello", dl.Message)
	require.Equal(t, "/user/nobody", dl.To.Path())

	none, err := sys.Select("/user/top/*/nobody*")
	require.NoError(t, err)
	id, err := actor.AskAs[actor.ActorIdentity](t.Context(), none.PID(), any(actor.Identify{ID: 7}))
	require.NoError(t, err)
	require.Equal(t, actor.ActorIdentity{ID: 7}, id)
}

func TestSelectionAcrossNodes(t *testing.T) { // A145, A149
	_, a, b := twoSystems(t)
	for _, name := range []string{"shop-1", "shop-2", "bank"} {
		spawn(t, b, name, func(ctx *actor.Context) { ctx.Reply(ctx.Name()) })
	}
	r := newRecorder()
	shops, err := a.Select("troupe://test@b:1/user/shop-*")
	require.NoError(t, err)
	spawn(t, a, "asker", func(ctx *actor.Context) {
		if ctx.Message() == "go" {
			ctx.Tell(shops.PID(), introduce{})
			return
		}
		r.add(ctx.Message())
	}).Tell("go")
	require.ElementsMatch(t, []any{"shop-1", "shop-2"}, r.next(t, 2))
	require.Empty(t, shops.Matches(), "that is for this system")

	bank, err := a.Select("troupe://test@b:1/user/bank")
	require.NoError(t, err)
	pid, err := bank.Resolve(t.Context())
	require.NoError(t, err)
	require.Equal(t, "troupe://test@b:1/user/bank", pid.String()[:len("troupe://test@b:1/user/bank")])
	require.NotZero(t, pid.Location().ID)
	require.NoError(t, actor.GracefulStop(t.Context(), pid), "the end is awaited across nodes")
	_, err = bank.Resolve(t.Context())
	require.ErrorIs(t, err, actor.ErrNobody)
}

func TestTerminatedOnTheWireKeepsItsCause(t *testing.T) {
	sys := newSystem(t)
	pid := spawn(t, sys, "x", func(*actor.Context) {})
	for title, m := range map[string]actor.Terminated{
		"without a cause": {Ref: pid},
		"with a cause":    {Ref: pid, Cause: actor.ErrKilled},
	} {
		name, body, err := sys.Registry().Encode(sys.Scope(), nil, m)
		require.NoError(t, err, title)
		got, err := sys.Registry().Decode(sys.Scope(), name, body)
		require.NoError(t, err, title)
		require.Equal(t, pid, got.(actor.Terminated).Ref, title)
		require.ErrorIs(t, got.(actor.Terminated).Cause, m.Cause, title)
	}
}
