package sharding

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// sink takes what is sent to it and keeps it.
type sink struct {
	got chan any
}

func (s sink) Deliver(msg any, _ actor.PID) error {
	s.got <- msg
	return nil
}

func (s sink) take() (all []any) {
	for {
		select {
		case m := <-s.got:
			all = append(all, m)
		default:
			return all
		}
	}
}

// newTestTable makes a table of one shard with room for four messages, and a
// shard of it whose only entity, "e", leads to the sink.
func newTestTable(t *testing.T) (tab *table, sh *shard, entity sink, wanted *int) {
	sys := testkit.New(t)
	tab = newTable(sys, "t", 1, 4)
	wanted = new(int)
	tab.want = func(uint32) { *wanted++ }
	tab.self = func() actor.PID { return actor.PID{} }
	sh = newShard(&engine{table: tab}, 0, actor.Epoch{Count: 1})
	entity = sink{got: make(chan any, 100)}
	sh.entities["e"] = &record{state: active, pid: sys.NewRef("/test/e", entity)}
	return tab, sh, entity, wanted
}

func here(msg any) held  { return held{id: "e", msg: msg} }
func there(msg any) held { return held{id: "e", msg: msg, hops: 1} }

// SH-3: what comes from other nodes between the grant and the moment at which
// the shard has got what waited must not overtake that.
func TestWhatWaitsIsNotOvertaken(t *testing.T) {
	tab, sh, entity, wanted := newTestTable(t)
	require.NoError(t, tab.deliver(there(1)))
	require.NoError(t, tab.deliver(here(2)))
	tab.host(sh)
	require.NoError(t, tab.deliver(there(3)))
	require.Empty(t, entity.take())
	require.Equal(t, 1, *wanted, "the region is told once")
	tab.lead(0, actor.PID{})
	require.Equal(t, []any{1, 2, 3}, entity.take())
	require.NoError(t, tab.deliver(here(4)))
	require.NoError(t, tab.deliver(there(5)))
	require.Equal(t, []any{4, 5}, entity.take())
	require.Zero(t, tab.waiting.Load())
}

// SH-3: the stages of a hand-off, as the old owner sees them.
func TestHandOffAtTheOldOwner(t *testing.T) {
	tab, sh, entity, _ := newTestTable(t)
	tab.host(sh)
	tab.lead(0, actor.PID{})
	tab.hold(0)
	require.NoError(t, tab.deliver(here("mine, behind the marker")))
	require.NoError(t, tab.deliver(there("theirs, before theirs")))
	require.Equal(t, []any{"theirs, before theirs"}, entity.take())
	require.Same(t, sh, tab.quiesce(0))
	require.NoError(t, tab.deliver(there("theirs, too late")))
	require.Empty(t, entity.take())
	sh.entities["e"].held = []held{here("waited for the entity")}
	tab.waiting.Add(1)
	tab.retire(sh)

	next := sink{got: make(chan any, 100)}
	tab.lead(0, tab.sys.NewRef("/test/next", next))
	require.NoError(t, tab.deliver(here("straight on")))
	var ids []any
	for _, m := range next.take() {
		ids = append(ids, m.(envelope).Msg)
	}
	require.Equal(t, []any{"waited for the entity", "mine, behind the marker", "theirs, too late", "straight on"}, ids)
	require.Zero(t, tab.waiting.Load())
	require.False(t, tab.wanted(0))
}

func TestMessagesDoNotGoRoundForEver(t *testing.T) {
	tab, _, _, _ := newTestTable(t)
	next := sink{got: make(chan any, 1)}
	tab.lead(0, tab.sys.NewRef("/test/next", next))
	require.Error(t, tab.deliver(held{id: "e", hops: hopsMax}))
	require.Empty(t, next.take())
	require.EqualValues(t, 1, tab.sys.Dropped(actor.DropUnreachable))
}

func TestAClosedSlotDeclaresWhatItDrops(t *testing.T) {
	tab, sh, _, _ := newTestTable(t)
	require.NoError(t, tab.deliver(here(1)))
	require.NoError(t, tab.deliver(here(2)))
	tab.shut(0)
	require.ErrorIs(t, tab.deliver(here(3)), actor.ErrStopped)
	tab.host(sh)
	sh.entities["e"].held = []held{here(4)}
	tab.waiting.Add(1)
	tab.retire(sh)
	tab.lead(0, actor.PID{})
	require.ErrorIs(t, tab.deliver(here(5)), actor.ErrStopped)
	require.EqualValues(t, 5, tab.sys.Dropped(actor.DropStopped))
	require.Zero(t, tab.waiting.Load())
}

func TestTheInboxTakesEnvelopesOnly(t *testing.T) {
	tab, _, _, _ := newTestTable(t)
	require.NoError(t, inbox{tab}.Deliver(envelope{ID: "e", Hops: 1, Msg: 1}, actor.PID{}))
	require.Error(t, inbox{tab}.Deliver("something else", actor.PID{}))
	require.EqualValues(t, 1, tab.sys.Dropped(actor.DropRefused))
	require.EqualValues(t, 1, tab.waiting.Load())
}

// tracing is a sink that keeps the trace of what it gets.
type tracing struct{ sink }

func (s tracing) DeliverTraced(msg any, _ actor.PID, t actor.Trace) error {
	s.got <- []any{msg, t}
	return nil
}

// A trace goes with its message to the entity, at once, after a wait, and by way of
// another region.
func TestTracesReachEntities(t *testing.T) {
	tab, sh, entity, _ := newTestTable(t)
	sh.entities["e"].pid = tab.sys.NewRef("/test/traced", tracing{entity})
	ref := newRefs(tab).get("e")
	ref.Tell(actor.WithTrace(1, "waits"))
	tab.host(sh)
	tab.lead(0, actor.PID{})
	ref.Tell(actor.WithTrace(2, "at once"))
	require.NoError(t, inbox{tab}.DeliverTraced(envelope{ID: "e", Hops: 1, Msg: 3}, actor.PID{}, "from afar"))
	ref.Tell(4)
	require.Equal(t, []any{[]any{1, actor.Trace("waits")}, []any{2, actor.Trace("at once")}, []any{3, actor.Trace("from afar")}, 4}, entity.take())

	next := sink{got: make(chan any, 1)}
	require.NoError(t, tab.forward(tab.sys.NewRef("/test/region", tracing{next}), held{id: "e", msg: actor.WithTrace(5, "on")}))
	require.Equal(t, []any{[]any{envelope{ID: "e", Hops: 1, Msg: 5}, actor.Trace("on")}}, next.take())
}
