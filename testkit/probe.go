package testkit

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// patience is how long a probe waits for a message before the test fails. It
// bounds a failing test, not a passing one.
const patience = 10 * time.Second

// Received is a message as a probe got it.
type Received struct {
	Message any
	From    actor.PID
}

// Probe is an actor that a test looks through: it keeps what it is sent until
// the test asks for it.
type Probe struct {
	t    testing.TB
	sys  *actor.System
	pid  actor.PID
	last Received
	// of the test's goroutine:
	until   time.Time // the end of the present Within
	silent  bool      // the last expectation was for nothing to come
	watched map[actor.PID]bool

	mu     sync.Mutex
	queue  []Received
	waiter chan struct{} // non-nil while the test waits for a message
	seen   []string      // for the report of an expectation that was not met
	ignore func(any) bool
	pilot  Pilot
}

// NewProbe starts a probe in sys.
func NewProbe(t testing.TB, sys *actor.System) *Probe {
	t.Helper()
	p := &Probe{t: t, sys: sys}
	pid, err := sys.Spawn("", func() actor.Actor { return actor.Func(p.receive) })
	if err != nil {
		t.Fatalf("spawn probe: %v", err)
	}
	p.pid = pid
	return p
}

// watch asks the probe to watch an actor.
type watch struct{ who actor.PID }

// spawn asks the probe for a child.
type spawn struct {
	name    string
	factory func() actor.Actor
	opts    []actor.SpawnOption
	done    chan struct{}
	pid     actor.PID
	err     error
}

func (p *Probe) receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case watch:
		ctx.Watch(m.who)
		return
	case *spawn:
		m.pid, m.err = ctx.Spawn(m.name, m.factory, m.opts...)
		close(m.done)
		return
	}
	p.mu.Lock()
	ignored, pilot := p.ignore != nil && p.ignore(ctx.Message()), p.pilot
	p.mu.Unlock()
	if pilot != nil {
		p.Autopilot(pilot(ctx))
	}
	if ignored {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, Received{Message: ctx.Message(), From: ctx.Sender()})
	if p.waiter != nil {
		close(p.waiter)
		p.waiter = nil
	}
}

// PID returns the probe's ref.
func (p *Probe) PID() actor.PID { return p.pid }

// Ref returns the probe's ref for messages of type M.
func Ref[M any](p *Probe) actor.Ref[M] { return actor.Narrow[M](p.pid) }

// Tell sends msg with the probe as the sender.
func (p *Probe) Tell(to actor.Addressable, msg any) {
	_ = to.PID().TellFrom(msg, p.pid) // what can't be delivered is a dead letter
}

// Reply sends msg to the sender of the message that was looked at last.
func (p *Probe) Reply(msg any) {
	p.t.Helper()
	if p.last.From.IsZero() {
		p.t.Fatalf("the last message, %s, has no sender to reply to", show(p.last.Message))
	}
	p.Tell(p.last.From, msg)
}

// Watch has the probe watch an actor; see [Probe.ExpectTerminated].
func (p *Probe) Watch(who actor.Addressable) {
	if p.watched == nil {
		p.watched = map[actor.PID]bool{}
	}
	p.watched[who.PID()] = true
	p.pid.Tell(watch{who.PID()})
}

// Spawn starts a child of the probe, which supervises it as the options say.
func (p *Probe) Spawn(name string, factory func() actor.Actor, opts ...actor.SpawnOption) (actor.PID, error) {
	s := &spawn{name: name, factory: factory, opts: opts, done: make(chan struct{})}
	if err := p.pid.TryTell(s); err != nil {
		return actor.PID{}, err
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-s.done:
		return s.pid, s.err
	case <-limit.C:
		return actor.PID{}, fmt.Errorf("spawn %q by %v: %w", name, p.pid, actor.ErrTimeout)
	}
}

// Stop stops the probe.
func (p *Probe) Stop() { p.sys.StopActor(p.pid) }

// Next waits for a message and returns it.
func (p *Probe) Next() any {
	p.t.Helper()
	return p.NextReceived().Message
}

// NextReceived waits for a message and returns it with its sender.
func (p *Probe) NextReceived() Received {
	p.t.Helper()
	r, ok := p.take(p.limited(patience))
	if !ok {
		p.t.Fatalf("no message came; before: %s", p.history())
	}
	return r
}

// Expect waits for a message and fails the test unless it equals want.
func (p *Probe) Expect(want any) {
	p.t.Helper()
	if got := p.Next(); !reflect.DeepEqual(got, want) {
		p.t.Fatalf("got %s, want %s; before: %s", show(got), show(want), p.history())
	}
}

// ExpectAs waits for a message and fails the test unless it is a T.
func ExpectAs[T any](p *Probe) T {
	p.t.Helper()
	got := p.Next()
	v, ok := got.(T)
	if !ok {
		p.t.Fatalf("got %s, want a %v; before: %s", show(got), reflect.TypeFor[T](), p.history())
	}
	return v
}

// Fish takes messages until one is a T that accept takes, and returns that one.
// A nil accept takes every T.
func Fish[T any](p *Probe, accept func(T) bool) T {
	p.t.Helper()
	for {
		if v, ok := p.Next().(T); ok && (accept == nil || accept(v)) {
			return v
		}
	}
}

// ExpectTerminated waits for the end of who; it may have ended already. The probe
// watches it from now on, unless it does so already.
func (p *Probe) ExpectTerminated(who actor.Addressable) {
	p.t.Helper()
	if !p.watched[who.PID()] {
		p.Watch(who)
	}
	delete(p.watched, who.PID())
	if got := ExpectAs[actor.Terminated](p); got.Ref != who.PID() {
		p.t.Fatalf("%v has terminated, not %v", got.Ref, who.PID())
	}
}

// ExpectNothing fails the test if a message is there or comes within d.
func (p *Probe) ExpectNothing(d time.Duration) {
	p.t.Helper()
	if r, ok := p.take(p.limited(d)); ok {
		p.t.Fatalf("got %s, want nothing; before: %s", show(r.Message), p.history())
	}
	p.silent = true
}

// take waits up to d for a message.
func (p *Probe) take(d time.Duration) (Received, bool) {
	p.silent = false
	var expired <-chan time.Time
	for {
		p.mu.Lock()
		if len(p.queue) > 0 {
			p.last = p.queue[0]
			p.queue = p.queue[1:]
			p.seen = append(p.seen, show(p.last.Message))
			p.mu.Unlock()
			return p.last, true
		}
		news := make(chan struct{})
		p.waiter = news
		p.mu.Unlock()
		if expired == nil {
			limit := time.NewTimer(d)
			defer limit.Stop()
			expired = limit.C
		}
		select {
		case <-news:
		case <-expired:
			return Received{}, false
		}
	}
}

// putBack undoes a take.
func (p *Probe) putBack(r Received) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append([]Received{r}, p.queue...)
	p.seen = p.seen[:len(p.seen)-1]
	p.silent = true
}

// now is the time of the test.
func (p *Probe) now() time.Time { return time.Now() }

func (p *Probe) history() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 {
		return "nothing"
	}
	return strings.Join(p.seen[max(0, len(p.seen)-10):], ", ")
}

func show(v any) string { return fmt.Sprintf("%T %+v", v, v) }
