package testkit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/actor"
)

// LifeCycle checks what the runtime promises of an actor's life, for actors whose
// factories go through [LifeCycle.Actor]: one turn at a time; PreStart before the
// first message; nothing after PostStop, which comes once and after the
// children's; a name that is free only when its bearer has ended; a Terminated
// only for who has. The zero value is ready. It is safe for concurrent use.
type LifeCycle struct {
	mu     sync.Mutex
	lives  map[actor.PID]*life
	broken []string
}

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
	path  string
	stage stage
	busy  bool
}

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
		v = &life{path: self.Path()}
		l.lives[self] = v
		l.nameIsFree(self, v.path)
	}
	to, ok := v.stage.next(m)
	if !ok {
		l.breach("%v: %v comes to an actor that is %v", self, m, v.stage)
		return
	}
	v.stage = to
	if m == ends { // at a restart the hook comes before the children are stopped
		l.childrenHaveEnded(self, v.path)
	}
}

func (l *LifeCycle) nameIsFree(self actor.PID, path string) {
	for _, other := range l.sorted() {
		if v := l.lives[other]; other != self && v.path == path && (v.stage == alive || v.stage == starting) {
			l.breach("%v begins while %v is %v", self, other, v.stage)
		}
	}
}

// childrenHaveEnded checks that no child is left.
func (l *LifeCycle) childrenHaveEnded(self actor.PID, path string) {
	for _, other := range l.sorted() {
		if v := l.lives[other]; strings.HasPrefix(v.path, path+"/") && v.stage == alive {
			l.breach("%v ends before its descendant %v", self, other)
		}
	}
}

func (l *LifeCycle) sorted() []actor.PID {
	pids := make([]actor.PID, 0, len(l.lives))
	for p := range l.lives { //det:ok sorted below
		pids = append(pids, p)
	}
	slices.SortFunc(pids, func(a, b actor.PID) int {
		return cmp.Compare(a.Location().ID, b.Location().ID)
	})
	return pids
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
	if v := l.lives[m.Ref]; v != nil && (v.stage == alive || v.stage == starting) {
		l.breach("%v is told of the end of %v, which is %v", ctx.Self(), m.Ref, v.stage)
	}
}

// checked is an actor under a [LifeCycle].
type checked struct {
	checker *LifeCycle
	actor   actor.Actor
}

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
	if h, ok := c.actor.(actor.PreStarter); ok {
		err = h.PreStart(ctx)
	}
	done = true
	return err
}

func (c *checked) PreRestart(ctx *actor.Context, cause error) {
	c.checker.happens(ctx, restarts)
	switch h := c.actor.(type) {
	case actor.PreRestarter:
		h.PreRestart(ctx, cause)
	case actor.PostStopper:
		h.PostStop(ctx)
	}
}

func (c *checked) PostStop(ctx *actor.Context) {
	c.checker.happens(ctx, ends)
	if h, ok := c.actor.(actor.PostStopper); ok {
		h.PostStop(ctx)
	}
}
