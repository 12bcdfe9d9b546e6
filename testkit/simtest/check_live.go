package simtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Live watches over things of which there may be one at a time: the instances
// of entities (SH) or of a singleton (SG). Tell it of each instance's begin and
// end; a crash ends those of the process by itself.
//
//	SH-1, SG-1   while nothing but crashes and lost connections happened, there
//	             is at most one instance; at the end of the healed phase too
//	SG-5, SH-2   no epoch belongs to two processes; while nothing but crashes
//	             happened, an instance never has an older epoch than one before
//	MB-10        no instance begins on a process that has known for longer than
//	             the stop bound that it is out of the cluster
//
// Strict says that it is so. That at most one of two instances is effective is for [Writes] to check.
type Live struct {
	w       *World
	what    string
	members *Membership
	// Strict makes a second instance an error at once, and one with an older
	// epoch. Without it, two may be there while a partition or a pause hides
	// one of them.
	Strict bool
	// About, if not nil, says by which words messages and the paths of actors speak of
	// an id, if not by itself; for the story of a seed that fails.
	About func(id string) []string
	// Most counts the instances of one id that were there at once, at most.
	Most int

	ids map[string][]instance
	new map[string]mark
	err error
}

type instance struct {
	p     *process
	epoch actor.Epoch
	since time.Duration
}

// mark is the newest epoch under which an id has lived, and where.
type mark struct {
	epoch actor.Epoch
	uid   uint64
}

// stopBound is how long a process may go on after it has learnt that it is out.
const stopBound = 3 * time.Second

// NewLive returns the oracle for one kind of thing, already watching the
// world. Members may be nil.
func NewLive(w *World, what string, members *Membership) *Live {
	l := &Live{w: w, what: what, members: members, ids: map[string][]instance{}, new: map[string]mark{}}
	w.Watch(l)
	return l
}

// Name implements Checker.
func (l *Live) Name() string { return "SH/SG " + l.what }

// Check implements Checker.
func (l *Live) Check(*World) error { return l.err }

// Began says that an instance of id has begun to work on n.
func (l *Live) Began(n *Node, id string, epoch actor.Epoch) {
	p := n.running()
	if p.dead {
		return
	}
	here := l.living(id)
	if l.members != nil {
		if since := l.members.EndedFor(n); since > stopBound {
			l.broken(id, "MB-10: %s %s begins on %v, which has known for %v that it is out", l.what, id, n, since)
		}
	}
	last, known := l.new[id]
	if l.Strict && known && epoch.Older(last.epoch) {
		l.broken(id, "SH-2: %s %s begins on %v under epoch %v, it has lived under %v", l.what, id, n, epoch, last.epoch)
	}
	if known && epoch == last.epoch && last.uid != p.uid && !epoch.IsZero() {
		l.broken(id, "SH-2: epoch %v of %s %s was granted to two processes, now %v", epoch, l.what, id, n)
	}
	if !known || last.epoch.Older(epoch) {
		l.new[id] = mark{epoch, p.uid}
	}
	here = append(here, instance{p: p, epoch: epoch, since: l.w.Elapsed()})
	l.ids[id] = here
	l.Most = max(l.Most, len(here))
	if l.Strict && len(here) > 1 {
		l.broken(id, "SH-1: %s", l.several(id, here))
	}
}

// Ended says that the oldest instance of id on n has ended.
func (l *Live) Ended(n *Node, id string) {
	p := n.running()
	if p.dead {
		return
	}
	here := l.living(id)
	for i, x := range here {
		if x.p == p {
			l.ids[id] = slices.Delete(here, i, i+1)
			return
		}
	}
}

// living returns the instances of id on processes that live.
func (l *Live) living(id string) []instance {
	here := slices.DeleteFunc(l.ids[id], func(x instance) bool { return x.p.dead })
	l.ids[id] = here
	return here
}

func (l *Live) broken(id, format string, args ...any) {
	if l.err == nil {
		about := []string{id}
		if l.About != nil {
			about = l.About(id)
		}
		l.err = violation(about, format, args...)
	}
}

func (l *Live) several(id string, here []instance) string {
	s := fmt.Sprintf("%d instances of %s %s:", len(here), l.what, id)
	for _, x := range here {
		s += fmt.Sprintf(" on %v under epoch %v since %v;", x.p.node, x.epoch, x.since)
	}
	return s
}

// Single is the condition that no id has more than one instance.
func (l *Live) Single() Cond {
	return func() string {
		for _, id := range slices.Sorted(maps.Keys(l.ids)) {
			if here := l.living(id); len(here) > 1 {
				return l.several(id, here)
			}
		}
		return ""
	}
}

// Count returns how many instances there are on all nodes.
func (l *Live) Count() (n int) {
	for id := range l.ids {
		n += len(l.living(id))
	}
	return n
}
