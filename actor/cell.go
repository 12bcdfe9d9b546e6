package actor

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strconv"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// phase is where a cell is in its life. The transitions:
//
//	starting   → running              PreStart succeeded
//	starting   → failed               PreStart failed
//	running    → failed               a handler failed; the parent decides
//	failed     → running              resume
//	failed     → restarting           restart
//	running    → restarting           restart, because a sibling failed
//	restarting → running | failed     children gone, fresh actor started or not
//	any        → stopping             stop
//	stopping   → stopped              children gone
type phase uint8

const (
	starting phase = iota
	running
	failed
	restarting
	stopping
	stopped
)

// errEnded is the failure of an actor that stopped itself and is to be revived.
var errEnded = fmt.Errorf("%w itself", ErrStopped)

// errGoexit is the failure of a handler that called runtime.Goexit.
var errGoexit = errors.New("handler called runtime.Goexit")

// cell is the life of one actor: its mailbox, its state, its place in the
// tree. Everything below the line belongs to the cell's turn.
type cell struct {
	process
	parent *cell
	name   string
	id     uint64
	spec   spec

	mailbox mailbox
	signals signals
	family  atomic.Pointer[family] // nil as long as there were no children
	asking  atomic.Pointer[cell]   // whose answer the turn waits for

	// ---- owned by the turn ----
	worker      *worker // that runs the turn; nil under other executors
	phase       phase
	detached    bool   // the asker's deadline doesn't count for the message being handled
	suspends    int32  // failed ancestors about which nobody has decided yet
	awaiting    int32  // results of Await that must come before the next message
	handled     uint32 // messages of the present turn
	incarnation uint32
	restarts    atomic.Uint32
	halted      atomic.Bool // since a failure, until it runs again
	actor       Actor
	ctx         Context
	x           *extras
	become      func(*Context) // takes the place of actor.Receive
	history     *history       // what the parent remembers; owned by the parent's turn
	prev, next  *cell          // siblings in order of birth; guarded by the parent's family
}

// extras are the parts that most actors never need.
type extras struct {
	receive   []func(*Context) // behaviours; the last one is become
	log       *zerolog.Logger
	done      *ending
	watching  map[*process]*watching
	watchers  []watcher
	stash     []envelope
	timers    timers
	ticking   bool // the message being handled came from a timer
	aside     bool // the message being handled is in the stash
	idle      idle
	work      workContext
	postponed []*continuation
	adapters  map[reflect.Type]*adapter
	unhandled *waitingSignal // that a hook has kept from being handled
	failure   error          // of the handler that is running
	cause     error          // of the present suspension, or of the end
	life      Timer          // that ends a limited life
	lane      *lane          // set at birth
	trace     Trace          // of the message being handled
}

func (c *cell) extras() *extras {
	if c.x == nil {
		c.x = &extras{}
	}
	return c.x
}

func newCell(sys *System, parent *cell, name string, s spec) *cell {
	c := &cell{parent: parent, name: name, id: sys.nextID.Add(1), spec: s}
	c.process = process{sys: sys, t: c}
	c.ctx.cell = c
	c.mailbox.state.Store(due) // its start is
	sys.mailboxOf(c)
	if s.apart() {
		c.extras().lane = sys.lane(s.options)
	}
	if sys.observer != nil {
		c.extras() // what it handles takes the way on which it is observed
	}
	return c
}

// label returns the name, which for a child without one is made of its id.
func (c *cell) label() string {
	if c.name == "" {
		return "$" + strconv.FormatUint(c.id, 36)
	}
	return c.name
}

// children returns the family, which is nil as long as there were no children.
func (c *cell) children() *family { return c.family.Load() }

// ownFamily returns the family, made if need be.
func (c *cell) ownFamily() *family {
	if f := c.family.Load(); f != nil {
		return f
	}
	c.family.CompareAndSwap(nil, &family{})
	return c.family.Load()
}

// past returns what the parent remembers.
func (c *cell) past() history {
	if c.history == nil {
		return history{}
	}
	return *c.history
}

// behaviours sets the stack of behaviours.
func (c *cell) behaviours(stack []func(*Context)) {
	c.x.receive, c.become = stack, nil
	if n := len(stack); n > 0 {
		c.become = c.around(stack[n-1])
	}
}

// path returns the absolute path.
func (c *cell) path() string {
	if c.parent == nil {
		return ""
	}
	return c.parent.path() + "/" + c.label()
}

// String names the actor in the traces of executors.
func (c *cell) String() string { return c.path() }

func (c *cell) location() Location {
	return Location{System: c.sys.name, Addr: c.sys.Addr(), UID: c.sys.uid, Path: c.path(), ID: c.id}
}

// recovered makes an error of the value of a recover that was not expected to
// be nil: then the handler ended its goroutine.
func recovered(v any) error {
	if v == nil {
		return errGoexit
	}
	if f, ok := v.(failWith); ok {
		return f.err
	}
	return &PanicError{Value: v, Stack: debug.Stack(), pc: panickedAt()}
}

// protect runs f and then, with the failure of f: also when f panics, or ends its
// goroutine, which then still has that to do.
func (c *cell) protect(f func() error, then func(error)) {
	var err error
	done := false
	defer func() {
		if !done {
			err = recovered(recover())
		}
		if said := c.takeFailure(); err == nil {
			err = said
		}
		then(err)
	}()
	err = f()
	done = true
}

func (c *cell) handle(s signal) {
	switch s.kind {
	case signalStop:
		c.stopAsked(s.from)
	case signalWatch:
		c.addWatcher(watcher{who: s.from, as: s.as})
	case signalUnwatch:
		c.removeWatcher(watcher{who: s.from, as: s.as})
	case signalTerminated:
		c.watchedGone(s.from)
	case signalFailed:
		c.childFailed(s.from, s.err)
	case signalChildGone:
		c.childGone(s.from)
	case signalRestart:
		c.beginRestart(s.err)
	case signalResume:
		c.resume()
	case signalInspect:
		s.then.msg.(*inspection).run(c)
	case signalContinue:
		c.runContinuation(s.then)
	case signalSuspend:
		c.suspends++
		c.tellChildren(s)
	case signalRelease:
		c.suspends--
		c.tellChildren(s)
		c.flushPostponed()
	}
}

// start creates the actor and runs its PreStart.
func (c *cell) start() {
	if c.phase != starting && c.phase != restarting {
		return
	}
	c.limitLife()
	c.protect(func() error {
		a := c.spec.factory()
		if err := checkActor(a); err != nil {
			return err
		}
		c.actor = c.intercept(a)
		if c.sys.labels {
			c.mark()
		}
		if h, ok := hooks(a).(PreStarter); ok {
			return h.PreStart(&c.ctx)
		}
		return nil
	}, c.begun)
}

// checkActor says what is wrong with what a factory has made.
func checkActor(a Actor) error {
	switch inside := innermost(a); {
	case inside == nil:
		return errors.New("the factory returned nil")
	case isNil(inside):
		return fmt.Errorf("the factory returned a nil %T", inside)
	}
	return nil
}

// begun ends a start that has failed with err, or worked.
func (c *cell) begun(err error) {
	if err != nil {
		c.actor = nil // it never started, so it has nothing to stop
		c.failed(&StartError{Path: c.path(), Err: err})
		return
	}
	c.goesOn()
}

// goesOn notes that the actor runs, after its start or a failure.
func (c *cell) goesOn() {
	c.phase = running
	c.halted.Store(false)
	if c.x != nil {
		c.x.cause = nil
	}
}

// failed suspends the cell and leaves the decision to the parent.
func (c *cell) failed(err error) {
	c.takeFailure()
	if c.phase == stopping || c.phase == stopped || c.phase == failed {
		return
	}
	c.phase = failed
	c.extras().cause = err
	c.halted.Store(true)
	c.sys.logFailure(c, err)
	c.sys.act(Act{Kind: ActFailed, Actor: PID{p: &c.process}, Own: c.actor == nil, Err: err})
	c.tellChildren(signal{kind: signalSuspend})
	c.parent.signal(signal{kind: signalFailed, from: &c.process, err: err})
}

func (c *cell) resume() {
	if c.phase != failed {
		return
	}
	if c.actor == nil { // the start failed: there is nothing to resume
		c.phase = starting
		c.start()
		return
	}
	c.goesOn()
	c.tellChildren(signal{kind: signalRelease})
	c.flushPostponed()
}

func (c *cell) tellChildren(s signal) {
	for _, child := range c.children().all() {
		child.signalFrom(s, c.worker)
	}
}

// beginRestart gives the present actor up; the fresh one comes when the
// children have stopped.
func (c *cell) beginRestart(cause error) {
	if c.phase == stopping || c.phase == stopped || c.phase == restarting {
		return
	}
	c.protect(func() error { c.beforeRestart(cause); return nil }, c.givenUp)
}

// givenUp goes on with a restart after the hook of the actor that is given up,
// which failed with err, or worked.
func (c *cell) givenUp(err error) {
	if err != nil {
		c.sys.logHook(c, err, "hook failed before the restart")
	}
	c.giveUp()
	c.forgetChildren()
	if c.x != nil && len(c.x.stash) > 0 {
		c.mailbox.prepend(c.x.stash)
		c.x.stash = nil
	}
	c.phase = restarting
	c.restarts.Add(1)
	if c.stopChildren() == 0 {
		c.start()
	}
}

func (c *cell) beforeRestart(cause error) {
	switch h := hooks(c.actor).(type) {
	case nil:
	case PreRestarter:
		h.PreRestart(&c.ctx, cause)
	case PostStopper:
		h.PostStop(&c.ctx)
	}
}

// giveUp ends everything that belongs to the present incarnation.
func (c *cell) giveUp() {
	c.incarnation++
	c.awaiting = 0
	c.actor, c.become = nil, nil
	if c.x == nil {
		return
	}
	c.x.receive = nil
	c.x.timers.cancelAll()
	c.x.idle.cancel()
	c.x.work.cancel()
	c.x.postponed = nil
}

// stopAsked is the stop that an actor asks for, or nobody: the runtime.
func (c *cell) stopAsked(by *process) {
	switch {
	case by == &c.process && c.spec.supervise.Revive:
		c.failed(errEnded)
	case by != nil && c.guards():
		c.sys.BeginStop("an actor stopped " + PID{p: &c.process}.String())
	default:
		c.beginStop()
	}
}

// heedsStopper reports whether it matters who asks the cell to stop.
func (c *cell) heedsStopper() bool { return c.guards() || c.spec.supervise.Revive }

// guards reports whether the cell is one of those that the system begins with.
func (c *cell) guards() bool { return c.parent == nil || c.parent == c.sys.root }

// beginStop stops the children; the cell itself follows.
func (c *cell) beginStop() {
	if c.phase == stopping || c.phase == stopped {
		return
	}
	c.phase = stopping
	c.children().close()
	if c.stopChildren() == 0 {
		c.finishStop()
	}
}

// finishStop ends the life of the cell: PostStop, then its messages become
// dead letters, then everybody who has to know is told.
func (c *cell) finishStop() {
	if c.actor != nil {
		if h, ok := hooks(c.actor).(PostStopper); ok {
			c.protect(func() error { h.PostStop(&c.ctx); return nil }, c.ended)
			return
		}
	}
	c.ended(nil)
}

// ended ends the life of the cell after PostStop, which failed with err, or worked.
func (c *cell) ended(err error) {
	if err != nil {
		c.sys.logHook(c, err, "PostStop failed")
	}
	c.phase = stopped
	c.giveUp()
	c.spec.factory = nil // what it holds on to is not needed any more
	c.unwatchAll()
	for _, env := range c.leftovers() {
		c.drop(env, DropStopped)
	}
	if c.x != nil {
		c.x.release(c.sys)
	}
	late := c.signals.close()
	c.leaveFamily() // before the parent receives Terminated: then the name is free
	c.tellWatchers()
	if c.parent == nil {
		c.sys.terminated()
	}
	answerAllDead(late)
}

// leftovers closes the mailbox and returns the user messages that nobody has
// seen: the stash and what was still queued.
func (c *cell) leftovers() []envelope {
	var rest []envelope
	if c.x != nil {
		for _, env := range c.x.stash {
			if _, tick := env.msg.(*stashedTick); !tick {
				rest = append(rest, env)
			}
		}
		c.x.stash = nil
	}
	for _, env := range c.mailbox.close() {
		switch untraced(env.msg).(type) {
		case *timer, *terminatedNote, *idleTick, *stashedTick, PoisonPill, Kill:
		default:
			rest = append(rest, env)
		}
	}
	return rest
}
