package simtest

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Downed watches over those whom others declare dead:
//
//	SB-5  a process that others have declared dead knows that it is out before
//	      the margin is over after which they start anew what ran on it
//
// A process that doesn't know yet that it is Up runs nothing. One that was paused
// meanwhile is excused. So is everybody while chaos cuts single links, or one way,
// or lets them hang: those faults hide from a node what the others decide upon, and
// the margin is derived for cuts that split the nodes in groups. The process that
// declared it dead must live and be in the cluster still when the margin is over:
// one that goes down itself starts nothing.
//
// Every world with a node that is [Clustered] is watched, see [World.Members].
type Downed struct {
	w        *World
	known    map[condemnation]bool
	due      []sentence // in the order of time
	declared int
	err      error
}

// condemnation is that a process holds an incarnation for dead.
type condemnation struct {
	by   *process
	dead membership.Node
}

// sentence is a condemnation and when it must have come true.
type sentence struct {
	condemnation
	from, until time.Duration
}

func newDowned(w *World) *Downed { return &Downed{w: w, known: map[condemnation]bool{}} }

// Name implements Checker.
func (d *Downed) Name() string { return "SB" }

// Declared returns how many verdicts about processes that lived there were.
func (d *Downed) Declared() int { return d.declared }

// saw takes the view of a process; before is what it held of members until then.
func (d *Downed) saw(p *process, before map[membership.Node]membership.Status, v membership.View) {
	for _, m := range v.Members() {
		if m.Status == membership.Down {
			d.declare(p, m.Node)
		}
	}
	for n, s := range before { //det:ok verdicts of one instant are judged at one instant
		if _, member := v.Member(n); !member && s != membership.Exiting && s != membership.Down {
			d.declare(p, n)
		}
	}
}

func (d *Downed) declare(p *process, n membership.Node) {
	v := condemnation{p, n}
	victim := d.w.processOf(n)
	if d.known[v] || victim == p || !d.w.Members().wasUp(victim) {
		return
	}
	d.known[v] = true
	d.declared++
	margin := marginDefault
	if p.cluster != nil {
		margin, d.err = p.cluster.RemovalMargin(0)
	}
	d.due = append(d.due, sentence{v, d.w.Elapsed(), d.w.Elapsed() + margin})
}

// processOf returns the process that is this incarnation, if it lives.
func (w *World) processOf(n membership.Node) *process {
	for _, o := range w.nodes {
		if o.proc != nil && o.addr == n.Addr && o.proc.uid == n.UID {
			return o.proc
		}
	}
	return nil
}

// Check implements Checker.
func (d *Downed) Check(w *World) error {
	for len(d.due) > 0 && d.due[0].until < w.Elapsed() && d.err == nil {
		s := d.due[0]
		d.due = d.due[1:]
		victim := w.processOf(s.dead)
		if w.unevenUntil > 0 && w.unevenUntil+hiddenFor > s.from {
			continue
		}
		if victim == nil || w.Members().out(victim) || s.by.dead || w.Members().out(s.by) || w.hidden(victim, s.from) || w.hidden(s.by, s.from) {
			continue
		}
		d.err = fmt.Errorf("SB-5: %s declared %v dead at %v, which doesn't know so %v later, when what ran on it is started elsewhere",
			s.by.node.name, s.dead, s.from, s.until-s.from)
	}
	return d.err
}

// marginDefault is that of a process without a cluster of its own, as in tests of
// the oracle.
const marginDefault = 3 * time.Second

// hidden reports whether a pause kept the process from what went on around.
func (w *World) hidden(p *process, from time.Duration) bool {
	return p.paused || p.woke > 0 && p.woke+hiddenFor > from
}

// hiddenFor is how long a process that wakes may take to be in step again:
// until it has found out, as one that is cut off at that moment, who is there.
const hiddenFor = 15 * time.Second
