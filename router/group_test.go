package router

import (
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

func echoes(sys *actor.System, names ...string) []actor.PID {
	refs := make([]actor.PID, len(names))
	for i, name := range names {
		refs[i] = testkit.Must(sys.Spawn(name, newEcho))
	}
	return refs
}

// A285: a group routes to what others have spawned, by ref or by path.
func TestGroupsRoute(t *testing.T) {
	sys := testkit.New(t)
	refs := echoes(sys, "a", "b", "c")
	for title, source := range map[string]Source{
		"refs":  Refs(refs),
		"paths": Paths(sys, "/user/c", "/user/b", "/user/a"),
		"typed": RefsOf(actor.Narrow[who](refs[0]), actor.Narrow[who](refs[1]), actor.Narrow[who](refs[2])),
	} {
		t.Run(title, func(t *testing.T) {
			group := testkit.Must(Group(sys, "", source, RoundRobin{}))
			require.Equal(t, []string{"a", "b", "c", "a", "b", "c"}, names(t, group, 6), "in the order of their paths")
		})
	}
	typed := testkit.Must(GroupTyped[who](sys, "typed", Refs(refs), RoundRobin{}))
	require.Equal(t, "a", testkit.Must(actor.Ask(t.Context(), typed, who{})))
}

// A296: the set changes; what is sent while there is nobody is a dead letter.
func TestAGroupFollowsItsSource(t *testing.T) {
	sys := testkit.New(t)
	refs := echoes(sys, "a", "b", "c")
	source := &byHand{}
	group := testkit.Must(Group(sys, "group", source, RoundRobin{}))
	source.publish(refs[1], refs[0], refs[1], actor.PID{})
	require.Equal(t, refs[:2], routees(t, group), "nobody is no routee, and each counts once")
	require.Equal(t, []string{"a", "b", "a"}, names(t, group, 3))
	source.publish(refs[2], refs[1])
	require.Equal(t, refs[1:], routees(t, group))
	require.Equal(t, []string{"b", "c", "b"}, names(t, group, 3))
	source.publish()
	require.Empty(t, routees(t, group))
	require.ErrorIs(t, group.TryTell("m"), ErrNoRoutee)
	_, err := actor.Ask(t.Context(), group, who{})
	require.ErrorIs(t, err, actor.ErrDeadLetter)
	require.Equal(t, uint64(2), sys.Dropped(actor.DropNoRoutee))
	source.publish(refs...)
	require.Len(t, routees(t, group), 3, "it went on")
}

// 13.14: messages wait for the first word of the source, and no further than a bound.
func TestAGroupWaitsForItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		source := &byHand{}
		group := testkit.Must(Group(sys, "group", source, RoundRobin{}, HeadOptions{actor.StashMax(3)}))
		p := testkit.NewProbe(t, sys)
		for i := range 5 {
			p.Tell(group, i)
		}
		synctest.Wait()
		require.Equal(t, uint64(2), sys.Dropped(actor.DropStashFull))
		source.publish(echoes(sys, "a")...)
		for i := range 3 {
			p.Expect(i)
		}
		p.Tell(group, "next")
		p.Expect("next")
	})
}

func TestRouteesOfAGroupThatStopAreTakenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		refs := echoes(sys, "a", "b", "c")
		byPath := testkit.Must(Group(sys, "paths", Paths(sys, "/user/a", "/user/b"), RoundRobin{}))
		source := &byHand{}
		source.publish(refs...)
		group := testkit.Must(Group(sys, "refs", source, RoundRobin{}))
		require.Len(t, routees(t, group), 3)
		stopped(sys, refs[0], refs[2])
		synctest.Wait()
		require.Equal(t, refs[1:2], routees(t, group))
		source.publish(refs...)
		synctest.Wait()
		require.Equal(t, refs[1:2], routees(t, group), "the source is behind")
		require.Len(t, routees(t, byPath), 2, "whoever has a path may come again")
		echoes(sys, "a")
		require.Equal(t, []string{"a", "b"}, names(t, byPath, 2))
	})
}

func TestManagementOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		refs := echoes(sys, "a", "b", "c")
		source := &byHand{}
		source.publish(refs[:2]...)
		group := testkit.Must(Group(sys, "group", source, RoundRobin{}))
		group.Tell(AddRoutee{refs[2]})
		require.Len(t, routees(t, group), 3)
		group.Tell(RemoveRoutee{refs[0]})
		require.Equal(t, refs[1:], routees(t, group))
		time.Sleep(grace)
		require.Equal(t, []string{"a"}, names(t, refs[0], 1), "it lives on")
		source.publish(refs[:2]...)
		require.Equal(t, []actor.PID{refs[1], refs[2], refs[0]}, unsorted(routees(t, group), refs[1], refs[2], refs[0]),
			"what was added stays, what the source names comes back")
		p := testkit.NewProbe(t, sys)
		actor.Subscribe[actor.Unhandled](sys, p)
		group.Tell(AdjustPoolSize{1})
		require.Equal(t, AdjustPoolSize{1}, testkit.ExpectAs[actor.Unhandled](p).Message)
	})
}

// unsorted returns refs in the order of want, those that want has.
func unsorted(refs []actor.PID, want ...actor.PID) []actor.PID {
	have := map[actor.PID]bool{}
	for _, r := range refs {
		have[r] = true
	}
	var out []actor.PID
	for _, r := range want {
		if have[r] {
			out = append(out, r)
		}
	}
	return out
}

func TestAGroupLeavesItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t)
		source := &byHand{}
		source.publish(echoes(sys, "a")...)
		group := testkit.Must(Group(sys, "group", source, RoundRobin{}, restarted()))
		require.Equal(t, []string{"a"}, names(t, group, 1))
		group.Tell(actor.Kill{})
		synctest.Wait()
		require.Equal(t, 1, source.cancelled())
		require.Equal(t, []string{"a"}, names(t, group, 1), "the next incarnation follows it again")
		p, head := watching(t, sys, group)
		stopped(sys, head)
		p.ExpectTerminated(head)
		require.Equal(t, 2, source.cancelled())
		source.publish()
		require.Zero(t, sys.Dropped(actor.DropStopped), "it isn't told any more")
	})
}

// closed is a source that can't be followed.
type closed struct{}

func (closed) Follow(func([]actor.PID)) (func(), error) { return nil, errors.New("closed") }

func TestAGroupThatCannotFollowItsSourceEnds(t *testing.T) {
	sys := testkit.New(t)
	group := testkit.Must(Group(sys, "group", closed{}, RoundRobin{}))
	p, head := watching(t, sys, group)
	p.ExpectTerminated(head)
	require.ErrorIs(t, group.TryTell("m"), actor.ErrStopped)
}

// A message without a key leads to nobody; the same key leads to the same routee.
func TestAHashedGroup(t *testing.T) {
	sys := testkit.New(t)
	refs := echoes(sys, "a", "b", "c", "d")
	for title, logic := range map[string]Logic{"ring": ConsistentHash{}, "rendezvous": Rendezvous{}} {
		t.Run(title, func(t *testing.T) {
			group := testkit.Must(Group(sys, "", Refs(refs), logic))
			seen := map[string]bool{}
			for i := range 40 {
				var question any = Keyed{Key: "key-" + strconv.Itoa(i), Message: who{}}
				first := testkit.Must(actor.AskAs[string](t.Context(), group, question))
				require.Equal(t, first, testkit.Must(actor.AskAs[string](t.Context(), group, question)))
				seen[first] = true
			}
			require.Len(t, seen, 4)
			require.ErrorIs(t, group.TryTell(who{}), ErrNoKey)
			_, err := actor.Ask(t.Context(), group, who{})
			require.ErrorIs(t, err, actor.ErrDeadLetter)
		})
	}
}

// A288: everybody gets it, and who asks gets the first answer.
func TestAFanOutGroup(t *testing.T) {
	sys := testkit.New(t)
	group := testkit.Must(Group(sys, "group", Refs(echoes(sys, "a", "b", "c")), FanOut{}))
	require.Contains(t, []string{"a", "b", "c"}, names(t, group, 1)[0])
	p := testkit.NewProbe(t, sys)
	p.Tell(group, Keyed{"k", "m"})
	for range 3 {
		p.Expect("m")
	}
}

// far is the wire to other nodes, where messages are counted.
type far struct{ n atomic.Int64 }

func (f *far) Link(actor.Location) actor.Link  { return f }
func (f *far) Send(any, actor.PID, bool) error { f.n.Add(1); return nil }
func (f *far) SendSystem(actor.SystemMessage)  {}

// 13.14: local routees are preferred, as long as there are any.
func TestLocalRouteesArePreferred(t *testing.T) {
	sys := testkit.New(t)
	wire := &far{}
	testkit.Must(sys.Attach(wire, "10.0.0.1:2551"))
	near := echoes(sys, "near")[0]
	away := sys.RefAt("10.0.0.2:2551", "/user/away")
	source := &byHand{}
	source.publish(away, near)
	group, _ := spawned(t, sys, config{source: source, logic: RoundRobin{}}, PreferLocal{})
	require.Equal(t, []string{"near", "near", "near"}, names(t, group, 3))
	require.Zero(t, wire.n.Load())
	require.Len(t, routees(t, group), 2)
	group.Tell(Broadcast{"all"})
	require.Equal(t, int64(1), wire.n.Load())
	source.publish(away)
	require.Len(t, routees(t, group), 1)
	group.Tell("nobody nearer")
	require.Equal(t, int64(2), wire.n.Load())
	require.Equal(t, []string{"10.0.0.2:2551/user/away"}, namesOf([]actor.PID{away}))
}
