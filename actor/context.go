package actor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// Context is an actor's view of itself and its surroundings. There is one per
// actor, and it is valid on the actor's own turn only: don't keep it, don't
// hand it to another goroutine ([Go] gives one that can be handed over).
//
// A Context is a context.Context that is done when the actor stops.
type Context struct {
	cell *cell
	msg  any
	from *process
}

// Message returns the message being handled.
func (c *Context) Message() any { return c.msg }

// Sender returns who sent the message: the actor that used [Context.Tell], the
// asker, or nobody.
func (c *Context) Sender() PID { return PID{p: c.from} }

// Self returns the actor's own ref.
func (c *Context) Self() PID { return PID{p: &c.cell.process} }

// Parent returns the ref of the parent.
func (c *Context) Parent() PID { return PID{p: &c.cell.parent.process} }

// Name returns the actor's name, the last element of its path.
func (c *Context) Name() string { return c.cell.label() }

// System returns the actor's system.
func (c *Context) System() *System { return c.cell.sys }

// Now returns the present instant of the system's clock.
func (c *Context) Now() time.Time { return c.cell.sys.clock.Now() }

// Log returns the actor's logger, which adds the actor's path.
func (c *Context) Log() *zerolog.Logger {
	x := c.cell.extras()
	if x.log == nil {
		l := c.cell.sys.log.With().Str("actor", c.cell.path()).Logger()
		x.log = &l
	}
	return x.log
}

// Tell sends msg with the actor as its sender. See [Ref.Tell].
func (c *Context) Tell(to Addressable, msg any) {
	c.send(to, msg, &c.cell.process)
}

// Reply sends msg to the sender of the message being handled.
func (c *Context) Reply(msg any) { c.send(c.Sender(), msg, &c.cell.process) }

// Forward sends the message being handled on, with its sender.
func (c *Context) Forward(to Addressable) { c.send(to, c.msg, c.from) }

func (c *Context) send(to Addressable, msg any, from *process) {
	pid := to.PID()
	if pid.p == nil {
		c.cell.sys.drop(pid, msg, PID{p: from}, DropNobody)
		return
	}
	if to, ok := pid.p.t.(*cell); ok {
		to.deliverFrom(envelope{msg: c.carry(msg), from: from}, c.cell.worker)
		return
	}
	if v, ok := pid.p.t.(*virtualTarget); ok && v.picking != nil {
		bare, own := TraceOf(msg)
		if to, what, ok := v.picking.Pick(bare); ok {
			c.send(to, WithTrace(what, own), from)
			return
		}
	}
	if to, ok := pid.p.t.(*remoteTarget); ok {
		_ = to.tell(envelope{msg: c.carry(msg), from: from}, c.cell.worker) // a drop has been counted
		return
	}
	_ = pid.p.t.deliver(envelope{msg: c.carry(msg), from: from}) // the same
}

// Reply answers a request that says what it is answered with. The compiler
// checks the type.
func Reply[R any](ctx *Context, _ Request[R], r R) { ctx.Reply(r) }

// Unhandled says that the actor has no use for the message being handled; it
// is published as an [Unhandled] event. A [Terminated] that is not handled is
// a failure, a [DeathPactError].
func (c *Context) Unhandled() {
	if t, ok := c.msg.(Terminated); ok {
		c.Fail(&DeathPactError{Ref: t.Ref})
		return
	}
	c.cell.sys.unhandled(c)
}

// DeathPactError is the failure of an actor that watched another, did not
// handle its end, and so ends with it.
type DeathPactError struct{ Ref PID }

// Error names the actor that had stopped.
func (e *DeathPactError) Error() string { return "unhandled end of watched " + e.Ref.String() }

// Fail makes the actor fail with err when the handler returns; the supervisor
// decides what happens. A nil err does nothing.
func (c *Context) Fail(err error) {
	if x := c.cell.extras(); x.failure == nil {
		x.failure = err
	}
}

// failWith is what Abort panics with.
type failWith struct{ err error }

// Abort ends the handler at once and makes the actor fail with err.
func (c *Context) Abort(err error) { panic(failWith{err}) }

// Spawn starts a child. An empty name means one that is given out.
func (c *Context) Spawn(name string, factory func() Actor, opts ...SpawnOption) (PID, error) {
	return c.cell.spawnChild(name, factory, opts)
}

// Group is children that are supervised together; see [Context.Group].
type Group struct {
	cell      *cell
	supervise Supervise
}

// Group returns a group of children to come. Its supervision counts for all of
// them; with [AllForOne] the failure of one restarts or stops them all.
func (c *Context) Group(s Supervise) *Group { return &Group{cell: c.cell, supervise: s} }

// System returns the system of the group's parent.
func (g *Group) System() *System { return g.cell.sys }

// Spawn starts a child in the group; see [Context.Spawn]. A [Supervise] among the
// options is an error: that of the group counts.
func (g *Group) Spawn(name string, factory func() Actor, opts ...SpawnOption) (PID, error) {
	if slices.ContainsFunc(opts, func(o SpawnOption) bool { _, own := o.(Supervise); return own }) {
		return PID{}, fmt.Errorf("spawn %q below %s: Supervise contradicts the group, whose supervision counts for all its children: give it to Context.Group", name, g.cell.path())
	}
	return g.cell.spawnChild(name, factory, append(slices.Clip(opts), inGroup{g}))
}

// inGroup is the option that makes a child a member of a group.
type inGroup struct{ g *Group }

func (i inGroup) applySpawn(o *options) { o.supervise, o.group = i.g.supervise, i.g }

// Child returns the child with the name, or nobody.
func (c *Context) Child(name string) PID {
	if child := c.cell.children().get(name); child != nil {
		return PID{p: &child.process}
	}
	return PID{}
}

// Children returns the children, oldest first.
func (c *Context) Children() []PID {
	var pids []PID
	for _, child := range c.cell.children().all() {
		pids = append(pids, PID{p: &child.process})
	}
	return pids
}

// Stop stops an actor: the children first, then the actor itself, after the
// message it is handling. What is in its mailbox becomes dead letters.
func (c *Context) Stop(who Addressable) { stop(who, &c.cell.process) }

// Watch asks for one [Terminated] when the actor has stopped or its node is
// gone, at once if that is so already. Watching it again does nothing. A restart
// of the watcher stops its children and ends watching them. Virtual
// refs (an entity, a singleton proxy) have no end that could be watched:
// their Terminated comes at once.
func (c *Context) Watch(who Addressable) { c.cell.watch(who.PID().p, nil) }

// WatchWith is Watch with a message of one's own instead of Terminated.
func (c *Context) WatchWith(who Addressable, msg any) { c.cell.watch(who.PID().p, msg) }

// Unwatch ends a watch: no Terminated comes after it.
func (c *Context) Unwatch(who Addressable) { c.cell.unwatch(who.PID().p) }

// Become makes receive handle the messages from now on, until the next Become,
// [Context.Unbecome] or restart.
func (c *Context) Become(receive func(ctx *Context)) {
	if receive == nil {
		c.Fail(errNoBehaviour)
		return
	}
	c.cell.behaviours(append(c.cell.extras().receive[:0], receive))
}

// errNoBehaviour is the failure of an actor that becomes nothing.
var errNoBehaviour = errors.New("Become was given no function")

// BecomeStacked is Become on top of the present behaviour, to which Unbecome
// returns.
func (c *Context) BecomeStacked(receive func(ctx *Context)) {
	if receive == nil {
		c.Fail(errNoBehaviour)
		return
	}
	c.cell.behaviours(append(c.cell.extras().receive, receive))
}

// Unbecome returns to the behaviour before the last Become.
func (c *Context) Unbecome() {
	if x := c.cell.x; x != nil && len(x.receive) > 0 {
		n := len(x.receive) - 1
		x.receive[n] = nil
		c.cell.behaviours(x.receive[:n])
	}
}

// Stash puts the message being handled aside until [Context.UnstashAll]. It
// fails with [ErrStashFull] when as many as [StashMax] are there; then the
// message is a dead letter. It fails with [ErrStashed], and does nothing, when the
// message has been put aside already.
func (c *Context) Stash() error {
	x := c.cell.extras()
	if x.aside {
		return ErrStashed
	}
	env := envelope{msg: c.carry(c.msg), from: c.from}
	full := len(x.stash) >= c.cell.spec.stashMax
	if c.cell.sys.observer != nil && (full || !x.ticking) {
		c.cell.sys.act(Act{Kind: ActStashed, Actor: c.Self(), Other: PID{p: env.from}, Message: c.msg})
	}
	if full {
		c.cell.drop(env, DropStashFull)
		return ErrStashFull
	}
	if x.ticking {
		env.msg = &stashedTick{incarnation: c.cell.incarnation, msg: c.msg, trace: x.trace}
	}
	x.stash, x.aside = append(x.stash, env), true
	return nil
}

// Unstash puts the n oldest of the stashed messages before all others, in the
// order in which they were stashed.
func (c *Context) Unstash(n int) {
	if x := c.cell.x; x != nil && n > 0 && len(x.stash) > 0 {
		n = min(n, len(x.stash))
		c.cell.mailbox.prepend(slices.Clone(x.stash[:n]))
		x.stash = slices.Delete(x.stash, 0, n)
	}
}

// StashFull reports whether [Context.Stash] would fail now.
func (c *Context) StashFull() bool { return c.Stashed() >= c.cell.spec.stashMax }

// UnstashAll puts the stashed messages before all others, in the order in
// which they were stashed. A restart does the same.
func (c *Context) UnstashAll() {
	if x := c.cell.x; x != nil && len(x.stash) > 0 {
		c.cell.mailbox.prepend(x.stash)
		x.stash = nil
	}
}

// Stashed returns how many messages are stashed.
func (c *Context) Stashed() int {
	if c.cell.x == nil {
		return 0
	}
	return len(c.cell.x.stash)
}

// StashedMessages yields the stashed messages, oldest first. Don't stash or
// unstash any while it does.
func (c *Context) StashedMessages() iter.Seq[any] {
	return func(yield func(any) bool) {
		if c.cell.x == nil {
			return
		}
		for _, env := range c.cell.x.stash {
			if !yield(unstashed(env.msg)) {
				return
			}
		}
	}
}

// DiscardStash gives the stashed messages up: they become dead letters with the
// reason [DropDiscarded], but for ticks of timers, which just end.
func (c *Context) DiscardStash() {
	if c.cell.x == nil {
		return
	}
	given := c.cell.x.stash
	c.cell.x.stash = nil
	for _, env := range given {
		if _, tick := env.msg.(*stashedTick); !tick {
			c.cell.drop(env, DropDiscarded)
		}
	}
}

// Detach goes on without the deadline of the asker: what the actor asks from now on, until
// it has handled the present message, in the functions of [AskThen] and [Go] too, waits as
// long as an ask without a deadline. It is for what has to be done although the asker has
// given up: to undo half of something.
func (c *Context) Detach() { c.cell.detached = true }

// Deadline returns until when the asker of the message being handled waits;
// false when nobody in this system does, and after [Context.Detach].
func (c *Context) Deadline() (time.Time, bool) {
	if c.from != nil && !c.cell.detached {
		if r, ok := c.from.t.(*reply); ok {
			return r.deadline, true
		}
	}
	return time.Time{}, false
}

// Done returns a channel that is closed when the actor has stopped.
func (c *Context) Done() <-chan struct{} {
	x := c.cell.extras()
	if x.done == nil {
		x.done = newEnding()
		if c.cell.phase == stopped {
			x.done.end(context.Canceled)
		}
	}
	return x.done.Done()
}

// Err returns context.Canceled when the actor has stopped.
func (c *Context) Err() error {
	if c.cell.phase == stopped {
		return context.Canceled
	}
	return nil
}

// Value returns nil: an actor's context carries no values.
func (c *Context) Value(any) any { return nil }

// spawnChild is spawn in the cell's own turn.
func (c *cell) spawnChild(name string, factory func() Actor, opts []SpawnOption) (PID, error) {
	if c.phase == stopping || c.phase == stopped {
		return PID{}, ErrStopped
	}
	return c.spawn(name, factory, opts, c.worker)
}

func (c *cell) spawn(name string, factory func() Actor, opts []SpawnOption, w *worker) (PID, error) {
	s, err := newSpec(factory, opts)
	if err == nil {
		err = c.sys.checkClass(s.dedicated)
	}
	if err != nil {
		return PID{}, fmt.Errorf("spawn %q below %s: %w", name, c.path(), err)
	}
	child, err := c.ownFamily().add(name, func() *cell { return newCell(c.sys, c, name, s) })
	if err != nil {
		return PID{}, err
	}
	c.observeBirth(child)
	child.scheduleBy(w)
	w.sent()
	return PID{p: &child.process}, nil
}

func stop(who Addressable, from *process) {
	if p := processOf(who); p != nil {
		p.sys.act(Act{Kind: ActStop, Actor: PID{p: from}, Other: PID{p: p}})
		p.t.signal(signal{kind: signalStop, from: from})
	}
}
