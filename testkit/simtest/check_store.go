package simtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// Writes watches over what gets into the database and comes out of it again:
//
//	PS-1  per persistence id: numbers without gap or double, epochs that never
//	      go back, one writer an epoch; no owner that lives finds another's events
//	      where its own are to go: an epoch would have stopped it before
//	PS-2  what was acknowledged is there at every later recovery, in order
//	SH-1, SG-1, SG-5 (the part about effects)  at most one effective writer
//
// It sees the appends by itself. Tell it of acknowledgements with Acked and of
// recoveries with Recovered.
type Writes struct {
	w     *World
	ids   map[string]*written
	err   error
	total int
}

type written struct {
	highest uint64
	epoch   actor.Epoch
	writer  uint64
	acked   uint64            // the highest acknowledged sequence number
	claimed map[uint64]uint64 // by process: what was acknowledged at its last claim
}

// NewWrites returns the oracle, already watching the world.
func NewWrites(w *World) *Writes {
	c := &Writes{w: w, ids: map[string]*written{}}
	w.OnAppend(c.appended)
	w.disk.clashes = append(w.disk.clashes, c.clashed)
	w.Watch(c)
	return c
}

// Name implements Checker.
func (c *Writes) Name() string { return "PS" }

// Check implements Checker.
func (c *Writes) Check(*World) error { return c.err }

// Total returns how many events were stored.
func (c *Writes) Total() int { return c.total }

func (c *Writes) id(id string) *written {
	s := c.ids[id]
	if s == nil {
		s = &written{claimed: map[uint64]uint64{}}
		c.ids[id] = s
	}
	return s
}

func (c *Writes) broken(id, format string, args ...any) {
	if c.err == nil {
		c.err = violation([]string{id, id[strings.LastIndexByte(id, '/')+1:]}, format, args...)
	}
}

func (c *Writes) appended(a Appended) {
	s := c.id(a.ID)
	switch {
	case a.Epoch.Older(s.epoch):
		c.broken(a.ID, "PS-1: %v wrote to %s under epoch %v after %v had been there", a.Node, a.ID, a.Epoch, s.epoch)
	case a.Epoch == s.epoch && s.writer != 0 && s.writer != a.UID && !a.Epoch.IsZero():
		c.broken(a.ID, "PS-1: processes %#x and %#x (%v) both wrote to %s under epoch %v", s.writer, a.UID, a.Node, a.ID, a.Epoch)
	}
	for _, e := range a.Events {
		if e.Seq != s.highest+1 {
			c.broken(a.ID, "PS-1: %v stored event %d of %s after event %d", a.Node, e.Seq, a.ID, s.highest)
		}
		s.highest = e.Seq
		c.total++
	}
	s.epoch, s.writer = a.Epoch, a.UID
	if len(a.Events) == 0 {
		s.claimed[a.UID] = s.acked
	}
}

// clashed takes an append that was refused for its sequence numbers, and not for its
// epoch: there are two owners under one, or an owner who goes on without reading.
func (c *Writes) clashed(a Appended) {
	if !a.Epoch.IsZero() {
		c.broken(a.ID, "PS-1: the append of %v to %s under epoch %v conflicts with what is stored up to event %d", a.Node, a.ID, a.Epoch, c.id(a.ID).highest)
	}
}

// Acked says that somebody was told that the events of id up to seq are stored.
func (c *Writes) Acked(id string, seq uint64) {
	s := c.id(id)
	if seq > s.highest {
		c.broken(id, "PS-2: event %d of %s was acknowledged, stored are %d", seq, id, s.highest)
	}
	s.acked = max(s.acked, seq)
}

// Recovered says that the present process of n rebuilt the state of id from the
// events up to seq, having claimed the id and asked for all. What others wrote
// after that claim it may have missed; its own writes are refused then.
func (c *Writes) Recovered(n *Node, id string, seq uint64) {
	if acked := c.id(id).claimed[n.UID()]; seq < acked {
		c.broken(id, "PS-2: %v recovered %s up to event %d, event %d was acknowledged before", n, id, seq, acked)
	}
}

// CheckEnd implements EndChecker: it reads the whole database.
func (c *Writes) CheckEnd(w *World) error {
	for _, id := range slices.Sorted(maps.Keys(c.ids)) {
		s := c.ids[id]
		var n uint64
		for e, err := range w.Stored().Replay(context.Background(), id, 1, persistence.SeqMax) {
			if err != nil {
				return err
			}
			n = e.Seq
		}
		if n < s.acked {
			return fmt.Errorf("PS-2: %s ends with event %d, event %d was acknowledged", id, n, s.acked)
		}
	}
	return nil
}
