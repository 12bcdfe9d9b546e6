package actor

import (
	"context"
	"fmt"
	"iter"
	"runtime/pprof"
	"time"
)

// ActorInfo is what can be seen of an actor from outside, without its help.
// The numbers are those of an instant that is over when they are read.
type ActorInfo struct {
	Ref  PID
	Path string
	// Depth is the number of ancestors below the root.
	Depth int
	// Waiting is how many messages are in the mailbox.
	Waiting int
	// Busy says that the actor is in a turn, or about to be.
	Busy bool
	// Oldest is how long the oldest message has waited; zero without
	// Config.MessageAges.
	Oldest time.Duration
	// Processed is how many messages have been handled, counted at the end of
	// a turn.
	Processed uint64
	// Restarts is how often the actor has been restarted.
	Restarts int
}

// Tree yields the system's actors, parents before their children and those in the
// order of their birth. It takes no lock for longer than it takes to list the
// children of one actor, and disturbs nobody.
func (s *System) Tree() iter.Seq[ActorInfo] {
	return func(yield func(ActorInfo) bool) {
		for _, top := range s.root.children().all() {
			if !top.visit(0, yield) {
				return
			}
		}
	}
}

func (c *cell) visit(depth int, yield func(ActorInfo) bool) bool {
	if !yield(c.info(depth)) {
		return false
	}
	for _, child := range c.children().all() {
		if !child.visit(depth+1, yield) {
			return false
		}
	}
	return true
}

func (c *cell) info(depth int) ActorInfo {
	i := ActorInfo{
		Ref: PID{p: &c.process}, Path: c.path(), Depth: depth,
		Waiting: c.mailbox.length(), Busy: c.mailbox.busy(),
		Processed: c.mailbox.handled(), Restarts: int(c.restarts.Load()),
	}
	if d := c.mailbox.special; d != nil && d.clock != nil {
		if since := d.oldest(); !since.IsZero() {
			i.Oldest = c.sys.clock.Now().Sub(since)
		}
	}
	return i
}

// Inspector is an actor that shows something of its state; see [Inspect].
type Inspector interface {
	// Inspect runs on the actor's turn. What it returns must not be changed
	// afterwards.
	Inspect() any
}

// Inspection is what an actor shows of itself; see [Inspect].
type Inspection struct {
	ActorInfo
	// Type is the Go type of the actor; empty while it is being restarted.
	Type string
	// Stashed, Timers, Watching and Watchers count the messages put aside,
	// the pending timers, the actors it watches and those that watch it.
	Stashed, Timers, Watching, Watchers int
	// Behaviours is the height of the stack of behaviours.
	Behaviours int
	// State is what an [Inspector] shows.
	State any
}

// inspection is the question for an Inspection.
type inspection struct {
	over Gate
	got  *Inspection
	err  error
}

// Inspect asks an actor of this system for a look inside, before its next
// message. It waits like an [Ask]; [ErrStopped] means that the actor has
// stopped. A panic of its Inspect is an error here and nothing to the actor.
func Inspect(ctx context.Context, who Addressable) (Inspection, error) {
	p := who.PID().p
	if p == nil {
		return Inspection{}, fmt.Errorf("inspect: %w", ErrNobody)
	}
	t := p.t
	if byPath, ok := t.(*pathTarget); ok {
		t = byPath.sys.local(byPath.loc.Path, 0).t
	}
	c, ok := t.(*cell)
	switch own, inTurn := ctx.(*Context); {
	case !ok:
		return Inspection{}, fmt.Errorf("inspect %v: %w: it is not an actor of this system", who.PID(), ErrStopped)
	case inTurn && own.cell == c:
		q := &inspection{}
		q.run(c)
		return *q.got, q.err
	}
	wait, err := c.sys.askWait(ctx)
	if err != nil {
		return Inspection{}, fmt.Errorf("inspect %v: %w", who.PID(), err)
	}
	q, over := &inspection{}, &Gate{}
	q.over.Notify(func() { over.Open() })
	c.signal(signal{kind: signalInspect, then: &continuation{msg: q}})
	defer c.sys.clock.AfterFunc(wait, func() { over.Open() }).Stop()
	c.sys.waitIn(ctx, over, func() { over.Open() })
	switch {
	case !q.over.IsOpen() && ctx.Err() != nil:
		return Inspection{}, fmt.Errorf("inspect %v: %w", who.PID(), givenUp(ctx, wait))
	case !q.over.IsOpen():
		return Inspection{}, fmt.Errorf("inspect %v: %w", who.PID(), timedOut(wait))
	case q.got == nil:
		return Inspection{}, fmt.Errorf("inspect %v: %w", who.PID(), ErrStopped)
	}
	return *q.got, q.err
}

// run answers, on the turn of the cell.
func (q *inspection) run(c *cell) {
	got := &Inspection{ActorInfo: c.info(depthOf(c))}
	if c.actor != nil {
		inside := innermost(c.actor)
		got.Type = typeName(inside)
		if i, ok := inside.(Inspector); ok {
			got.State, q.err = contained(func() (any, error) { return i.Inspect(), nil })
		}
	}
	if x := c.x; x != nil {
		got.Stashed, got.Timers = len(x.stash), len(x.timers.live)
		got.Watching, got.Watchers = len(x.watching), len(x.watchers)
		got.Behaviours = len(x.receive)
	}
	q.got = got
	q.over.Open()
}

func depthOf(c *cell) int {
	n := -1
	for p := c.parent; p != nil; p = p.parent {
		n++
	}
	return n
}

// profiled marks the goroutine with the actor's class until the function that
// it returns is called.
func (c *cell) profiled() func() {
	c.mark()
	return func() { pprof.SetGoroutineLabels(context.Background()) }
}

func (c *cell) mark() {
	if c.actor != nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("actor", typeName(innermost(c.actor)))))
	}
}
