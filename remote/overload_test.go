package remote_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// room is a memory of 1000 bytes.
type room struct{ needed, collected atomic.Int64 }

func (*room) Limit() int64    { return 1000 }
func (r *room) Needed() int64 { return r.needed.Load() }
func (r *room) Collect()      { r.collected.Add(1) }

// TestANodeThatIsShortOfMemory refuses new work of others and says so, and does the rest.
func TestANodeThatIsShortOfMemory(t *testing.T) { // RM-8: what is of control goes on
	synctest.Test(t, func(t *testing.T) {
		net, memory := remote.NewMemNet(), &room{}
		a := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1"), CompressFrom: -1})
		b := startOn(t, actor.Config{Memory: memory, MailboxBytes: -1}, remote.Config{Listen: "b:1", Transport: net.Node("b:1"), CompressFrom: -1})
		events := subscribe[remote.Overloaded](b, "events")
		letters := subscribe[actor.DeadLetter](b, "letters")
		there, here := b.inbox("there"), a.inbox("here")
		answering := func(n *node) actor.PID {
			pid, err := n.sys.Spawn("answering", func() actor.Actor {
				return actor.Func(func(ctx *actor.Context) {
					if m, ok := ctx.Message().(askMe); ok {
						actor.Reply(ctx, m, pong{m.N})
					}
				})
			})
			require.NoError(t, err)
			return pid
		}
		ref := a.sys.RefOf(there.pid.Location())
		toB, toA := a.sys.RefOf(answering(b).Location()), b.sys.RefOf(answering(a).Location())
		big := blob{B: make([]byte, 3<<20)}
		ref.Tell(big)
		require.Len(t, there.next().(blob).B, 3<<20)
		for n := range 500 { // by name and by index
			ref.Tell(ping{n})
		}
		synctest.Wait()
		for n := range 500 {
			there.expect(ping{n})
		}
		require.Zero(t, b.rem.Stats().Overloads)

		memory.needed.Store(901)
		time.Sleep(time.Second)
		require.Equal(t, remote.Overloaded{Refusing: true, Needed: 901, Max: 1000}, events.next())
		ref.Tell(ping{1}) // a declared drop
		letter := letters.next().(actor.DeadLetter)
		require.Equal(t, actor.DropOverloaded, letter.Reason)
		require.Equal(t, "/user/there", letter.To.Location().Path)
		require.Equal(t, "ping", letter.Message.(remote.Undecodable).Name, "it isn't decoded for that")
		ref.Tell(big)
		letter = letters.next().(actor.DeadLetter)
		require.Equal(t, actor.DropOverloaded, letter.Reason)
		require.LessOrEqual(t, letter.Message.(remote.Undecodable).Size, 64<<10, "its parts are not kept")
		_, err := actor.AskAs[pong](t.Context(), toB, any(askMe{N: 1}))
		require.ErrorIs(t, err, actor.ErrOverloaded)
		require.ErrorIs(t, err, actor.ErrDeadLetter)
		letters.next()
		s := b.rem.Stats()
		require.True(t, s.Overloaded)
		require.EqualValues(t, 1, s.Overloads)
		require.EqualValues(t, 901, s.MemoryNeeded)
		require.EqualValues(t, 1000, s.MemoryMax)
		require.Equal(t, map[actor.DropReason]uint64{actor.DropOverloaded: 3}, only(b).Dropped)

		got, err := actor.AskAs[actor.ActorIdentity](t.Context(), ref, any(actor.Identify{ID: 5}))
		require.NoError(t, err, "who is there may be asked")
		require.EqualValues(t, 5, got.ID)

		// What goes on: control messages, watches, and work of its own with its answers.
		ref.Tell(urgent{7})
		there.expect(urgent{7})
		here.pid.Tell(watchIt{ref})
		answer, err := actor.AskAs[pong](t.Context(), toA, any(askMe{N: 2}))
		require.NoError(t, err)
		require.Equal(t, pong{2}, answer)
		there.pid.Tell(stopIt{who: b.sys.RefOf(here.pid.Location()), last: ping{8}})
		here.expect(ping{8})
		require.Equal(t, ref, here.next().(actor.Terminated).Ref)

		// Garbage is looked for while nothing is taken, and no more often than need be.
		time.Sleep(21 * time.Second)
		require.EqualValues(t, 4, memory.collected.Load())
		require.EqualValues(t, 1, b.rem.Stats().Overloads, "it began once")
		memory.needed.Store(850)
		time.Sleep(time.Second)
		require.Equal(t, remote.Overloaded{Needed: 850, Max: 1000}, events.next())
		again := b.inbox("again")
		a.sys.RefOf(again.pid.Location()).Tell(ping{9})
		again.expect(ping{9})
		answer, err = actor.AskAs[pong](t.Context(), toB, any(askMe{N: 3}))
		require.NoError(t, err)
		require.Equal(t, pong{3}, answer)
		require.False(t, b.rem.Stats().Overloaded)
		events.none()
	})
}

// TestALargeAnswerIsTakenWhileMemoryIsShort: who has asked for it has room for it, or
// would not have asked.
func TestALargeAnswerIsTakenWhileMemoryIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, memory := remote.NewMemNet(), &room{}
		memory.needed.Store(950)
		a := startOn(t, actor.Config{Memory: memory, MailboxBytes: -1}, remote.Config{Listen: "a:1", Transport: net.Node("a:1"), CompressFrom: -1})
		b := start(t, remote.Config{Listen: "b:1", Transport: net.Node("b:1"), CompressFrom: -1})
		big := blob{B: make([]byte, 3<<20)}
		pid, err := b.sys.Spawn("answering", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { ctx.Reply(big) })
		})
		require.NoError(t, err)
		got, err := actor.AskAs[blob](t.Context(), a.sys.RefOf(pid.Location()), any(ping{}))
		require.NoError(t, err)
		require.Len(t, got.B, 3<<20)
		require.True(t, a.rem.Stats().Overloaded)
	})
}

// TestMemoryIsNotLookedAtWithoutALimit, neither that of the process nor one of Config.
func TestMemoryIsNotLookedAtWithoutALimit(t *testing.T) {
	for title, c := range map[string]struct {
		max     int64
		refuses bool
	}{"the limit of the system": {0, true}, "one of Config": {2000, false}, "switched off": {-1, false}} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := &room{}
				memory.needed.Store(999)
				n := startOn(t, actor.Config{Memory: memory}, remote.Config{Listen: "a:1", Transport: remote.NewMemNet().Node("a:1"), MemoryMax: c.max})
				s := n.rem.Stats()
				require.Equal(t, c.refuses, s.Overloaded)
				require.Equal(t, c.max < 0, s.MemoryMax == 0)
				require.Equal(t, c.max < 0, s.MemoryNeeded == 0)
			})
		})
	}
}

// TestTheMemoryOfTheProcess: without a door in Config, what Go's runtime says counts.
func TestTheMemoryOfTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runtime.GC()
		n := start(t, remote.Config{Listen: "a:1", Transport: remote.NewMemNet().Node("a:1"), MemoryMax: 1})
		s := n.rem.Stats()
		require.True(t, s.Overloaded, "there is no process of one byte")
		require.Greater(t, s.MemoryNeeded, int64(100<<10))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		time.Sleep(12 * time.Second)
		synctest.Wait()
		runtime.ReadMemStats(&after)
		require.Greater(t, after.NumGC, before.NumGC, "garbage is looked for")
	})
}
