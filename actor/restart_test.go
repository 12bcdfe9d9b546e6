package actor_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// familyTree is an actor with children that have children; each notes its start.
type familyTree struct {
	r        *recorder
	name     string
	children []string
	group    *actor.Supervise // nil: each on its own
	opts     []actor.SpawnOption
	below    func(name string) *familyTree // what the children are; nil: leaves
}

func (f *familyTree) PreStart(ctx *actor.Context) error {
	f.r.add("start " + f.name)
	var spawner actor.Spawner = ctx
	if f.group != nil {
		spawner = ctx.Group(*f.group)
	}
	for _, name := range f.children {
		_, err := spawner.Spawn(name, func() actor.Actor {
			if f.below != nil {
				return f.below(name)
			}
			return &familyTree{r: f.r, name: name}
		}, f.opts...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *familyTree) Receive(ctx *actor.Context) {
	act(ctx, func(m string) { ctx.Reply(f.name + " " + m) })
}

// ping asks the actor at the path, once it is there again, whether it lives.
func ping(t *testing.T, sys *actor.System, path string) {
	t.Helper()
	got, err := actor.AskAs[string](t.Context(), sys.RefAt("", path), any("pong"))
	require.NoError(t, err, path)
	require.Contains(t, got, "pong")
}

// The order in which those of a group restart isn't said.
func TestWhoSharesAFate(t *testing.T) {
	all := &actor.Supervise{Scope: actor.AllForOne}
	for _, c := range []struct {
		title  string
		tree   func(r *recorder) *familyTree
		starts int
		kill   string
		again  []any
	}{
		{"A053: one for one", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"a", "b", "c"}}
		}, 4, "/user/top/b", []any{"start b"}},
		{"A054, A063: all for one", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"a", "b", "c"}, group: all}
		}, 4, "/user/top/b", []any{"start a", "start b", "start c"}},
		{"A055: all for one below, and only there", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"x", "y"}, below: func(name string) *familyTree {
				return &familyTree{r: r, name: name, children: []string{name + "1", name + "2"}, group: all}
			}}
		}, 7, "/user/top/x/x1", []any{"start x1", "start x2"}},
		{"A072, A344: the middle restarts, with what is below it", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"middle"}, below: func(name string) *familyTree {
				return &familyTree{r: r, name: name, children: []string{"leaf"}}
			}}
		}, 3, "/user/top/middle", []any{"start middle", "start leaf"}},
		{"A063: escalated, the boss restarts with all of its workers", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"a", "b", "c"},
				opts: []actor.SpawnOption{actor.Supervise{Decide: func(error) actor.Directive { return actor.Escalate }}}}
		}, 4, "/user/top/a", []any{"start top", "start a", "start b", "start c"}},
		{"A065: resumed, it keeps its children", func(r *recorder) *familyTree {
			return &familyTree{r: r, name: "top", children: []string{"middle"}, below: func(name string) *familyTree {
				return &familyTree{r: r, name: name, children: []string{"leaf"}}
			}, opts: []actor.SpawnOption{actor.Supervise{Decide: func(error) actor.Directive { return actor.Resume }}}}
		}, 3, "/user/top/middle", nil},
	} {
		t.Run(c.title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r := newRecorder()
				_, err := sys.Spawn("top", func() actor.Actor { return c.tree(r) })
				require.NoError(t, err)
				synctest.Wait()
				paths := []string{}
				for info := range sys.Tree() {
					if info.Depth > 0 && info.Path != "/system" {
						paths = append(paths, info.Path)
					}
				}
				require.Len(t, paths, c.starts)
				for _, p := range paths {
					ping(t, sys, p)
				}
				sys.RefAt("", c.kill).Tell(errBoom)
				synctest.Wait()
				require.ElementsMatch(t, c.again, r.next(t, 0)[c.starts:])
				for _, p := range paths {
					ping(t, sys, p)
				}
			})
		})
	}
}

// A064: a child that may restart once is stopped by its second failure, and the
// parent that watches it learns that, and why.
func TestParentSeesTheBudgetEnd(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	spawn(t, sys, "boss", func(ctx *actor.Context) {
		if m, ended := ctx.Message().(actor.Terminated); ended {
			r.add(m.Cause)
			return
		}
		child, err := ctx.Spawn("worker", newLives(r), actor.Supervise{MaxRestarts: 1, Within: 5 * time.Second})
		require.NoError(t, err)
		ctx.Watch(child)
		child.Tell(errBoom)
		child.Tell(errBoom)
	}).Tell("")
	require.Equal(t, []any{"PreStart 0", "PreRestart 0", "PreStart 1", "PostStop 1", errBoom}, r.next(t, 5))
}

// A057, A067, A346: a start that fails is tried again as the supervision says.
func TestStartsAreTriedAgain(t *testing.T) {
	always := func(error) actor.Directive { return actor.Restart }
	n := 0
	for _, c := range []struct {
		title    string
		s        func() actor.Supervise
		failures int // of the factory, after the first life
		lives    bool
	}{
		{"A057: until it works", func() actor.Supervise { return actor.Supervise{Decide: always, MaxRestarts: 10} }, 2, true},
		{"A346: up to the limit", func() actor.Supervise { return actor.Supervise{Decide: always, MaxRestarts: 3} }, 3, false},
		{"A346: a plain restart gives up", func() actor.Supervise { return actor.Supervise{} }, 1, false},
		{"A346, A087: with a backoff", func() actor.Supervise {
			return actor.Supervise{Backoff: actor.Backoff{Min: time.Second, Max: 3 * time.Second}}
		}, 5, true},
		{"A067: resumed and restarted in turns", func() actor.Supervise {
			return actor.Supervise{Decide: func(error) actor.Directive {
				if n++; n%2 == 0 {
					return actor.Resume
				}
				return actor.Restart
			}}
		}, 5, true},
	} {
		t.Run(c.title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				n = 0
				r, made := newRecorder(), 0
				fresh := newLives(r)
				pid, err := sys.Spawn("x", func() actor.Actor {
					if made++; made > 1 && made <= 1+c.failures {
						panic("not yet")
					}
					return fresh()
				}, c.s())
				require.NoError(t, err)
				pid.Tell(errBoom)
				pid.Tell("alive")
				if c.lives {
					require.Equal(t, []any{"PreStart 0", "PreRestart 0", "PreStart 1", "alive 1"}, r.next(t, 4))
					require.Equal(t, c.failures+2, made)
					return
				}
				require.NoError(t, actor.AwaitEnd(t.Context(), pid))
				require.Equal(t, []any{"PreStart 0", "PreRestart 0"}, r.next(t, 0))
			})
		})
	}
}

// A006: what a PreStart sends to its own actor, and what comes of it, is under
// supervision like all else.
func TestFailureOfWhatPreStartSends(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	pid, err := sys.Spawn("x", func() actor.Actor { return &selfTeller{r} }, actor.Supervise{MaxRestarts: 2})
	require.NoError(t, err)
	require.NoError(t, actor.AwaitEnd(t.Context(), pid))
	require.Equal(t, []any{"start", "start", "start"}, r.next(t, 0))
}

type selfTeller struct{ r *recorder }

func (s *selfTeller) PreStart(ctx *actor.Context) error {
	s.r.add("start")
	ctx.Tell(ctx.Self(), "unhandled")
	return nil
}

func (s *selfTeller) Receive(ctx *actor.Context) { panic(fmt.Sprint("no use for ", ctx.Message())) }

// lingerer stops slowly: when it may.
type lingerer struct{ may <-chan struct{} }

func (l lingerer) Receive(*actor.Context)  {}
func (l lingerer) PostStop(*actor.Context) { <-l.may }

// A089, A344: what is sent while the children of a failed actor are still stopping
// waits for its next life, which begins when they have.
func TestMessagesWaitForARestartThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r, may := newRecorder(), make(chan struct{})
		pid, err := sys.Spawn("x", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				if ctx.Message() == "spawn" {
					child, err := ctx.Spawn("child", func() actor.Actor { return lingerer{may} })
					require.NoError(t, err)
					ctx.WatchWith(child, "the child's end")
					return
				}
				r.Receive(ctx)
				act(ctx, func(string) {})
			})
		})
		require.NoError(t, err)
		for _, m := range []any{"spawn", errBoom, "after"} {
			pid.Tell(m)
		}
		synctest.Wait()
		require.Equal(t, []any{errBoom}, r.next(t, 1))
		close(may)
		require.Equal(t, []any{errBoom, "after"}, r.next(t, 1))
		synctest.Wait()
		require.Equal(t, []any{errBoom, "after"}, r.next(t, 0), "the next life isn't told of the children of the last")
	})
}

// A070: the name of a child that lives is taken, also for whoever decides about it.
func TestTheNameOfALivingChildIsTaken(t *testing.T) {
	sys := newSystem(t)
	r := newRecorder()
	nop := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	spawn(t, sys, "parent", func(ctx *actor.Context) {
		child, err := ctx.Spawn("child", newLives(r), actor.Supervise{Decide: func(error) actor.Directive {
			_, err := ctx.Spawn("child", nop) // runs on the parent's turn
			r.add(errors.Is(err, actor.ErrNameTaken))
			return actor.Stop
		}})
		require.NoError(t, err)
		_, err = ctx.Spawn("child", nop)
		require.ErrorIs(t, err, actor.ErrNameTaken)
		child.Tell(errBoom)
	}).Tell("")
	require.Equal(t, []any{"PreStart 0", true, "PostStop 0"}, r.next(t, 3))
}

// A083, A342, A349: what is decided depends on the cause.
func TestEachCauseHasItsDirective(t *testing.T) {
	stop, escalate := errors.New("stop"), errors.New("escalate")
	decide := func(err error) actor.Directive {
		var pact *actor.DeathPactError
		switch {
		case errors.Is(err, stop):
			return actor.Stop
		case errors.Is(err, escalate):
			return actor.Escalate
		case errors.As(err, &pact):
			return actor.Restart
		}
		return actor.Resume
	}
	sys := newSystem(t)
	for _, c := range []struct {
		cause any
		want  []any
	}{
		{errBoom, []any{"top 0", "child 0", "alive 0"}},
		{stop, []any{"top 0", "child 0"}},
		{escalate, []any{"top 0", "child 0", "top 1", "child 1"}},
		{func(ctx *actor.Context) { // A130: it watches, and does not handle the end
			dead := spawn(t, ctx, "", func(*actor.Context) {})
			ctx.Stop(dead)
			ctx.Watch(dead)
		}, []any{"top 0", "child 0", "child 1", "alive 1"}},
	} {
		r := newRecorder()
		tops, children := -1, -1
		top, err := sys.Spawn("", func() actor.Actor {
			tops++
			r.add(fmt.Sprint("top ", tops))
			return &boss{func(ctx *actor.Context) error {
				_, err := ctx.Spawn("child", func() actor.Actor {
					children++
					n := children
					r.add(fmt.Sprint("child ", n))
					return actor.Func(func(ctx *actor.Context) {
						if _, ended := ctx.Message().(actor.Terminated); ended {
							ctx.Unhandled()
							return
						}
						act(ctx, func(s string) { r.add(fmt.Sprint(s, " ", n)) })
					})
				}, actor.Supervise{Decide: decide})
				return err
			}}
		})
		require.NoError(t, err)
		r.next(t, 2)
		child := sys.RefAt("", top.Path()+"/child")
		child.Tell(c.cause)
		if n := len(c.want); n > 2 && c.want[2] == "alive 0" {
			child.Tell("alive")
		} else if n == 4 && c.want[3] == "alive 1" {
			r.next(t, 1)
			child.Tell("alive")
		}
		for len(r.next(t, 0)) < len(c.want) {
			r.next(t, 1)
		}
		require.Equal(t, c.want, r.next(t, 0))
		require.NoError(t, actor.GracefulStop(t.Context(), top))
	}
}

// boss does something when it starts, and nothing else.
type boss struct {
	start func(*actor.Context) error
}

func (b *boss) PreStart(ctx *actor.Context) error { return b.start(ctx) }
func (b *boss) Receive(*actor.Context)            {}
