package sharding

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// hopsMax is how often a message is sent on by regions that don't host its
// shard. More than two means that regions are wrong about each other.
const hopsMax = 8

// held is a message that waits.
type held struct {
	id   string
	msg  any
	from actor.PID
	hops uint8
}

// table leads from entities to where they are. Senders use it on their own
// goroutines: one look into a slot, then straight on.
type table struct {
	sys   *actor.System
	name  string
	slots []slot
	// waiting counts what is held in all slots and entities, against max.
	waiting atomic.Int64
	max     int64
	// want tells the region that messages for a shard wait.
	want func(shard uint32)
	self func() actor.PID
}

// slot is a shard as its senders see it. The lock guards the slot and the
// entities of the hosted shard; what is told under it goes into mailboxes and
// outbound buffers only, so that messages can't overtake each other between
// the look at the slot and the send.
type slot struct {
	mu     sync.Mutex
	open   bool // messages of this node go on, to the target or the hosted shard
	closed bool // messages are dropped
	target actor.PID
	local  *shard // hosted here, if not nil
	held   []held
}

func newTable(sys *actor.System, name string, shards int, bufferMax int) *table {
	return &table{sys: sys, name: name, slots: make([]slot, shards), max: int64(bufferMax)}
}

// shardOf returns the shard of an entity. It never changes for a given number
// of shards.
func (t *table) shardOf(id string) uint32 {
	return uint32(xxhash.Sum64String(id) % uint64(len(t.slots)))
}

// deliver takes a message on its way: hops is how many regions it came through,
// 0 for one of this node. It is safe for concurrent use and never blocks.
func (t *table) deliver(h held) error {
	shard := t.shardOf(h.id)
	s := &t.slots[shard]
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return t.drop(h, actor.DropStopped)
	case s.local != nil && !s.local.stopping && (s.open || h.hops > 0 && s.local.admitted):
		// During a hand-off the messages of this node wait already, while
		// those that other nodes sent before still belong to this owner.
		err := s.local.deliver(h)
		s.mu.Unlock()
		return err
	case s.open && s.local == nil:
		err := t.forward(s.target, h)
		s.mu.Unlock()
		return err
	}
	if !t.reserve() {
		s.mu.Unlock()
		return t.drop(h, actor.DropBufferFull)
	}
	s.held = append(s.held, h)
	first := len(s.held) == 1
	s.mu.Unlock()
	if first {
		t.want(shard)
	}
	return nil
}

// reserve takes room for one message that waits.
func (t *table) reserve() bool {
	if t.waiting.Add(1) > t.max {
		t.waiting.Add(-1)
		return false
	}
	return true
}

func (t *table) drop(h held, reason actor.DropReason) error {
	t.sys.Drop(t.self(), h.msg, h.from, reason)
	if reason == actor.DropBufferFull {
		return fmt.Errorf("entity %s/%s: %w: %d messages wait for shards or entities", t.name, h.id, actor.ErrMailboxFull, t.max)
	}
	return fmt.Errorf("entity %s/%s: %w", t.name, h.id, actor.ErrStopped)
}

// refuse answers an ask for an entity that can't start now with the cause, since it may
// not wait for as long as the entity rests.
func (t *table) refuse(h held, cause error) error {
	err := fmt.Errorf("entity %s/%s: %w", t.name, h.id, cause)
	h.from.Tell(actor.Failure{Err: err})
	t.sys.Drop(t.self(), h.msg, actor.PID{}, actor.DropStopped) // the asker knows already
	return err
}

// forward sends a message to the region that hosts its shard.
func (t *table) forward(target actor.PID, h held) error {
	if h.hops >= hopsMax {
		return t.drop(h, actor.DropUnreachable)
	}
	msg, trace := actor.TraceOf(h.msg)
	return target.TellFrom(actor.WithTrace(envelope{ID: h.id, Hops: h.hops + 1, Msg: msg}, trace), h.from)
}

// hold keeps messages of this node back from now on.
func (t *table) hold(shard uint32) {
	s := &t.slots[shard]
	s.mu.Lock()
	s.open, s.target = false, actor.PID{}
	s.mu.Unlock()
}

// lead sends what is held to the target, or to the hosted shard when there is
// none, and then everything.
func (t *table) lead(shard uint32, target actor.PID) {
	s := &t.slots[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	here := target.IsZero()
	if s.closed || here && s.local == nil {
		return // the shard has ended in the meantime; the region hears of it
	}
	s.open, s.target = true, target
	if here {
		s.local.admitted = true
	}
	waiting := s.held
	s.held = nil
	t.waiting.Add(-int64(len(waiting)))
	for _, h := range waiting {
		if here {
			_ = s.local.deliver(h) // a drop has been counted
		} else {
			_ = t.forward(target, h)
		}
	}
}

// shut drops everything, for good.
func (t *table) shut(shard uint32) {
	s := &t.slots[shard]
	s.mu.Lock()
	s.open, s.closed = false, true
	waiting := s.held
	s.held = nil
	s.mu.Unlock()
	t.release(waiting)
}

// release drops messages that have waited in vain.
func (t *table) release(waiting []held) {
	t.waiting.Add(-int64(len(waiting)))
	for _, h := range waiting {
		_ = t.drop(h, actor.DropStopped)
	}
}

// host puts a shard into its slot. Messages reach it when lead has given it
// those that have waited for it.
func (t *table) host(sh *shard) {
	s := &t.slots[sh.number]
	s.mu.Lock()
	s.local = sh
	s.mu.Unlock()
}

// quiesce makes messages for a hosted shard wait, since it is stopping.
func (t *table) quiesce(shard uint32) *shard {
	s := &t.slots[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.local != nil {
		s.local.stopping = true
	}
	s.open = false
	return s.local
}

// retire takes a shard that has stopped out of its slot. What waited for its
// entities waits for the shard now, before what came later.
func (t *table) retire(sh *shard) {
	s := &t.slots[sh.number]
	s.mu.Lock()
	if s.local != sh {
		s.mu.Unlock()
		return
	}
	s.local = nil
	s.open = s.open && !s.target.IsZero()
	waiting := sh.leftovers()
	closed := s.closed
	if !closed {
		s.held = append(waiting, s.held...)
	}
	s.mu.Unlock()
	if closed {
		t.release(waiting)
	}
}

// wanted reports whether messages wait for the shard.
func (t *table) wanted(shard uint32) bool {
	s := &t.slots[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held) > 0
}

// counts returns the hosted shards and how many entities each has.
func (t *table) counts() (shards []ShardState) {
	for i := range t.slots {
		s := &t.slots[i]
		s.mu.Lock()
		if s.local != nil {
			shards = append(shards, ShardState{Shard: i, Entities: len(s.local.entities), Epoch: s.local.epoch})
		}
		s.mu.Unlock()
	}
	return shards
}

// ids returns the entities of a hosted shard, in order.
func (t *table) ids(shard uint32) []string {
	s := &t.slots[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.local == nil {
		return nil
	}
	ids := make([]string, 0, len(s.local.entities))
	for id := range s.local.entities {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// inbox takes the messages that other nodes' regions send here, on the
// connection's goroutine.
type inbox struct{ t *table }

// Deliver takes an envelope from another region.
func (i inbox) Deliver(msg any, from actor.PID) error { return i.DeliverTraced(msg, from, "") }

// DeliverTraced takes one of a message with a trace.
func (i inbox) DeliverTraced(msg any, from actor.PID, trace actor.Trace) error {
	e, ok := msg.(envelope)
	if !ok {
		i.t.sys.Drop(i.t.self(), msg, from, actor.DropRefused)
		return fmt.Errorf("region %s: %T is no message of a region", i.t.name, msg)
	}
	return i.t.deliver(held{id: e.ID, msg: actor.WithTrace(e.Msg, trace), from: from, hops: e.Hops})
}

// inboxAt returns the inbox of another node's region.
func (t *table) inboxAt(n membership.Node) actor.PID {
	return t.sys.RefOf(actor.Location{System: t.sys.Name(), Addr: n.Addr, UID: n.UID, Path: inboxPath(t.name)})
}

func inboxPath(name string) string { return "/sharding-inbox/" + name }
