package testkit

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/actor"
)

// LifeCycle checks what the runtime promises of an actor's life: one turn at a
// time; PreStart before the first message; nothing after PostStop, which comes once
// and after the children's; a name that is free only when its bearer has ended; a
// Terminated only for who has, once, and only to who watches.
//
// [New] puts one around every actor of a system. Elsewhere a system is given
// [LifeCycle.Observer], or single actors go through [LifeCycle.Actor], which sees
// less: nothing of watches, and no message that a behaviour of Become handles. The
// zero value is ready. It is safe for concurrent use.
type LifeCycle struct {
	mu      sync.Mutex
	lives   map[actor.PID]*life
	bearers map[string]*life // the latest under each path
	watches map[watchPair]bool
	broken  []string
}

// watchPair is who watches whom.
type watchPair struct{ watcher, watched actor.PID }

// stage is where an actor is in its life.
type stage uint8

const (
	unborn   stage = iota
	starting       // PreStart is under way
	alive
	replaced // given up at a restart; the next one is being made, unless it is stopped first
	failed   // PreStart has failed; another may be made
	ended    // after PostStop
)

var stageNames = [...]string{"unborn", "starting", "alive", "replaced", "failed to start", "ended"}

func (s stage) String() string { return stageNames[s] }

// moment is something that happens to an actor.
type moment uint8

const (
	begins moment = iota
	began
	beginFailed
	handles
	restarts
	ends
)

var momentNames = [...]string{"PreStart", "end of PreStart", "failure of PreStart", "a message", "PreRestart", "PostStop"}

func (m moment) String() string { return momentNames[m] }

// next says where a moment leads; false means that it must not come there.
func (s stage) next(m moment) (stage, bool) {
	switch {
	case m == begins && (s == unborn || s == replaced || s == failed):
		return starting, true
	case m == began && s == starting:
		return alive, true
	case m == beginFailed && s == starting:
		return failed, true
	case m == handles && s == alive:
		return alive, true
	case m == restarts && s == alive:
		return replaced, true
	case m == ends && s == alive:
		return ended, true
	}
	return s, false
}

type life struct {
	pid      actor.PID
	path     string
	stage    stage
	busy     bool
	parent   *life // the nearest ancestor that is checked, too
	children map[*life]struct{}
}

// lives reports whether there is an actor between PreStart and PostStop.
func (v *life) lives() bool { return v.stage == alive || v.stage == starting }

// Actor returns a factory whose actors are checked. Their hooks are called as
// always.
func (l *LifeCycle) Actor(factory func() actor.Actor) func() actor.Actor {
	return func() actor.Actor {
		a := factory()
		if a == nil {
			return nil
		}
		return &checked{checker: l, actor: a}
	}
}

// Check fails the test if a promise was broken, and says which.
func (l *LifeCycle) Check(t testing.TB) {
	t.Helper()
	if broken := l.Broken(); len(broken) > 0 {
		t.Fatalf("the order of life was broken:\n  %s", strings.Join(broken, "\n  "))
	}
}

// Broken returns the promises that were broken, in the order in which they were.
func (l *LifeCycle) Broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.broken)
}

func (l *LifeCycle) breach(format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}

// happens notes a moment at the beginning of a turn, or within one.
func (l *LifeCycle) happens(ctx *actor.Context, m moment) {
	self := ctx.Self()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lives == nil {
		l.lives = map[actor.PID]*life{}
	}
	v := l.lives[self]
	if v == nil {
		v = l.birth(self)
	}
	to, ok := v.stage.next(m)
	if !ok {
		l.breach("%v: %v comes to an actor that is %v", self, m, v.stage)
		return
	}
	if m == ends || m == begins { // PreRestart comes before the children are stopped
		l.childrenHaveEnded(v, m)
	}
	v.stage = to
	if m == ends && v.parent != nil {
		delete(v.parent.children, v)
	}
}

// birth notes a new actor.
func (l *LifeCycle) birth(self actor.PID) *life {
	v := &life{pid: self, path: self.Path()}
	l.lives[self] = v
	if l.bearers == nil {
		l.bearers = map[string]*life{}
	}
	if old := l.bearers[v.path]; old != nil && old.lives() {
		l.breach("%v begins while %v is %v", self, old.pid, old.stage)
	}
	l.bearers[v.path] = v
	for up := path.Dir(v.path); up != "/" && up != "."; up = path.Dir(up) {
		if parent := l.bearers[up]; parent != nil {
			v.parent = parent
			if parent.children == nil {
				parent.children = map[*life]struct{}{}
			}
			parent.children[v] = struct{}{}
			break
		}
	}
	return v
}

// childrenHaveEnded checks that no child is left.
func (l *LifeCycle) childrenHaveEnded(v *life, m moment) {
	var left []actor.PID
	for child := range v.children { //det:ok sorted below
		if child.lives() {
			left = append(left, child.pid)
		}
	}
	slices.SortFunc(left, byBirth)
	for _, child := range left {
		l.breach("%v of %v comes before the end of its descendant %v", m, v.pid, child)
	}
}

// Observer returns what a system has to be given for all of its actors to be
// checked.
func (l *LifeCycle) Observer() *actor.Observer {
	return &actor.Observer{
		Spawn: func(s actor.Spawning) func() actor.Actor { return l.Actor(s.Factory) },
		Act:   l.act,
	}
}

// act notes what only the runtime sees.
func (l *LifeCycle) act(a actor.Act) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pair := watchPair{a.Actor, a.Other}
	switch a.Kind {
	case actor.ActWatched:
		if l.watches == nil {
			l.watches = map[watchPair]bool{}
		}
		l.watches[pair] = true
	case actor.ActUnwatched:
		delete(l.watches, pair)
	case actor.ActFailed: // by ctx.Fail in PreStart, which returned nothing
		if v := l.lives[a.Actor]; v != nil && v.stage == alive && a.Own {
			v.stage = failed
		}
	case actor.ActHandled:
		if v := l.lives[a.Actor]; v != nil && v.stage != alive {
			l.breach("%v: a message comes to an actor that is %v: %s", a.Actor, v.stage, show(a.Message))
		}
		if m, ok := a.Message.(actor.Terminated); ok && a.Own {
			if pair.watched = m.Ref; !l.watches[pair] {
				l.breach("%v is told of the end of %v, which it doesn't watch or was told of before", a.Actor, m.Ref)
			}
			delete(l.watches, pair)
			l.hasEnded(a.Actor, m.Ref)
		}
	}
}

// hasEnded checks that a Terminated tells the truth.
func (l *LifeCycle) hasEnded(watcher, watched actor.PID) {
	if v := l.lives[watched]; v != nil && v.lives() {
		l.breach("%v is told of the end of %v, which is %v", watcher, watched, v.stage)
	}
}

// CheckEnd is Check for a system that has stopped.
func (l *LifeCycle) CheckEnd(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	pids := make([]actor.PID, 0, len(l.lives))
	for p, v := range l.lives { //det:ok sorted below
		if v.lives() {
			pids = append(pids, p)
		}
	}
	slices.SortFunc(pids, byBirth)
	for _, p := range pids {
		l.breach("%v is still %v when its system has stopped", p, l.lives[p].stage)
	}
	l.mu.Unlock()
	if broken := l.Broken(); len(broken) > 0 {
		t.Errorf("the order of life was broken:\n  %s", strings.Join(broken, "\n  "))
	}
}

// turn notes the begin or the end of something that must not overlap.
func (l *LifeCycle) turn(ctx *actor.Context, busy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.lives[ctx.Self()]
	if v == nil {
		return
	}
	if busy && v.busy {
		l.breach("%v is in two turns at once", ctx.Self())
	}
	v.busy = busy
}

// terminated checks that a Terminated tells the truth.
func (l *LifeCycle) terminated(ctx *actor.Context, m actor.Terminated) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hasEnded(ctx.Self(), m.Ref)
}

// checked is an actor under a [LifeCycle].
type checked struct {
	checker *LifeCycle
	actor   actor.Actor
}

func (c *checked) Wrapped() actor.Actor { return c.actor }

func (c *checked) Receive(ctx *actor.Context) {
	c.checker.happens(ctx, handles)
	if m, ok := ctx.Message().(actor.Terminated); ok {
		c.checker.terminated(ctx, m)
	}
	c.checker.turn(ctx, true)
	defer c.checker.turn(ctx, false)
	c.actor.Receive(ctx)
}

func (c *checked) PreStart(ctx *actor.Context) (err error) {
	c.checker.happens(ctx, begins)
	done := false
	defer func() {
		if done && err == nil {
			c.checker.happens(ctx, began)
		} else {
			c.checker.happens(ctx, beginFailed)
		}
	}()
	if h, ok := actor.Hooks(c.actor).(actor.PreStarter); ok {
		err = h.PreStart(ctx)
	}
	done = true
	return err
}

func (c *checked) PreRestart(ctx *actor.Context, cause error) {
	c.checker.happens(ctx, restarts)
	switch h := actor.Hooks(c.actor).(type) {
	case actor.PreRestarter:
		h.PreRestart(ctx, cause)
	case actor.PostStopper:
		h.PostStop(ctx)
	}
}

func (c *checked) PostStop(ctx *actor.Context) {
	c.checker.happens(ctx, ends)
	if h, ok := actor.Hooks(c.actor).(actor.PostStopper); ok {
		h.PostStop(ctx)
	}
}
