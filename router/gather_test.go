package router

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// after answers after a while, never when that is 0.
func after(d time.Duration) func() actor.Actor {
	return func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case due:
				_ = m.to.TellFrom(ctx.Name(), ctx.Self())
			default:
				if d > 0 {
					ctx.After(d, due{ctx.Sender()})
				}
			}
		})
	}
}

// due is when an answer is.
type due struct{ to actor.PID }

const ms = time.Millisecond

// slow spawns a routee for each duration, named a, b, c, …
func slow(sys *actor.System, durations ...time.Duration) []actor.PID {
	var refs []actor.PID
	for i, d := range durations {
		refs = append(refs, testkit.Must(sys.Spawn(string(rune('a'+i)), after(d))))
	}
	return refs
}

// ask returns the answer and when it came.
func ask(sys *actor.System, router actor.PID) (string, time.Duration, error) {
	begun := sys.Clock().Now()
	answer, err := actor.AskAs[string](context.Background(), router, any("m"))
	return answer, sys.Clock().Now().Sub(begun), err
}

// A290: the reply of the fastest; still one if a routee has stopped; at once a
// failure without routees; a failure when none answers.
func TestScatterGather(t *testing.T) {
	for _, test := range []struct {
		title   string
		routees []time.Duration
		stop    int // the routee that has stopped, from 1; 0: none
		path    bool
		answer  string
		after   time.Duration
		err     error
	}{
		{"the fastest", []time.Duration{300 * ms, 100 * ms, 200 * ms}, 0, false, "b", 100 * ms, nil},
		{"one has stopped", []time.Duration{300 * ms, 100 * ms, 200 * ms}, 2, true, "c", 200 * ms, nil},
		{"one never answers", []time.Duration{0, 200 * ms}, 0, false, "b", 200 * ms, nil},
		{"none answers", []time.Duration{0, 0}, 0, false, "", time.Second, actor.ErrTimeout},
		{"all have stopped", []time.Duration{100 * ms}, 1, true, "", 0, ErrNoRoutee},
		{"no routees", nil, 0, false, "", 0, ErrNoRoutee},
	} {
		t.Run(test.title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := testkit.New(t)
				refs := slow(sys, test.routees...)
				source := Refs(refs)
				if test.path { // so that the one that has stopped stays
					source = Paths(sys, "/user/a", "/user/b", "/user/c")[:len(refs)]
				}
				if test.stop > 0 {
					stopped(sys, refs[test.stop-1])
				}
				group := testkit.Must(Group(sys, "group", source, ScatterGather{Within: time.Second}))
				synctest.Wait()
				answer, took, err := ask(sys, group)
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.answer, answer)
				require.Equal(t, test.after, took)
				time.Sleep(time.Second)
				synctest.Wait()
				require.Zero(t, sys.Dropped(actor.DropLateReply), "the others' answers were taken")
			})
		})
	}
}

// A291: the next is asked only after the interval; the reply comes at once.
func TestTailChopping(t *testing.T) {
	for _, test := range []struct {
		title   string
		routees []time.Duration
		after   []time.Duration // any of them
		asked   []int           // how many were, any of them
		err     error
	}{
		{"the first is fast enough", []time.Duration{5 * ms, 5 * ms}, []time.Duration{5 * ms}, []int{1}, nil},
		{"the second helps when the first is slow", []time.Duration{100 * ms, 5 * ms}, []time.Duration{5 * ms, 15 * ms}, []int{1, 2}, nil},
		{"all are asked, one after the other", []time.Duration{100 * ms, 100 * ms, 100 * ms}, []time.Duration{100 * ms}, []int{3}, nil},
		{"none answers", []time.Duration{0, 0}, []time.Duration{time.Second}, []int{2}, actor.ErrTimeout},
		{"no routees", nil, []time.Duration{0}, []int{0}, ErrNoRoutee},
	} {
		t.Run(test.title, func(t *testing.T) {
			for seed := range uint64(4) { // either may come first
				synctest.Test(t, func(t *testing.T) {
					sys := testkit.New(t, actor.Config{Seed: seed + 1})
					refs := slow(sys, test.routees...)
					group, f := spawned(t, sys, config{source: Refs(refs), logic: TailChopping{Within: time.Second}})
					synctest.Wait()
					_, took, err := ask(sys, group)
					require.ErrorIs(t, err, test.err)
					require.Contains(t, test.after, took)
					time.Sleep(2 * time.Second)
					synctest.Wait()
					require.Zero(t, f.sessions.Load())
				})
			}
		})
	}
}

func TestTailChoppingSkipsTheStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		slow(sys, 5*ms)
		group := testkit.Must(Group(sys, "group", Paths(sys, "/user/a", "/user/none", "/user/nobody"), TailChopping{Within: time.Second}))
		synctest.Wait()
		for range 10 {
			_, took, err := ask(sys, group)
			require.NoError(t, err)
			require.Equal(t, 5*ms, took)
		}
	})
}

func TestAFailureIsAnAnswer(t *testing.T) {
	sys := testkit.New(t)
	failing := testkit.Must(sys.Spawn("failing", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(actor.Failure{Err: actor.ErrStashFull}) })
	}))
	group := testkit.Must(Group(sys, "group", Refs{failing}, ScatterGather{}))
	_, _, err := ask(sys, group)
	require.ErrorIs(t, err, actor.ErrStashFull)
}

// Nobody asked: the message goes out, and the answer is a dead letter.
func TestScatterGatherWithoutAnAsker(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[actor.DeadLetter](sys, p)
	group := testkit.Must(Group(sys, "group", Refs(echoes(sys, "a")), ScatterGather{}))
	group.Tell("m")
	letter := testkit.ExpectAs[actor.DeadLetter](p)
	require.Equal(t, "m", letter.Message)
	require.Equal(t, actor.DropNobody, letter.Reason)
	require.Equal(t, "/user/a", letter.From.Path())
}

func TestOpenQuestionsAreBounded(t *testing.T) {
	sys := testkit.New(t)
	group, f := spawned(t, sys, config{source: Refs(echoes(sys, "a")), logic: ScatterGather{}})
	f.sessions.Add(sessionsMax)
	_, _, err := ask(sys, group)
	require.ErrorIs(t, err, ErrBusy)
	f.sessions.Add(-1)
	_, _, err = ask(sys, group)
	require.NoError(t, err)
}

func TestBroadcastGoesPastTheQuestions(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	group := testkit.Must(Group(sys, "group", Refs(echoes(sys, "a", "b")), ScatterGather{}))
	p.Tell(group, Broadcast{"m"})
	p.Expect("m")
	p.Expect("m")
}
