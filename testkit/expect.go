package testkit

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// ExpectAnyOf waits for a message that equals one of those, and returns it.
func (p *Probe) ExpectAnyOf(want ...any) any {
	p.t.Helper()
	got := p.Next()
	if !slices.ContainsFunc(want, func(w any) bool { return reflect.DeepEqual(got, w) }) {
		p.t.Fatalf("got %s, want any of %s; before: %s", show(got), showAll(want), p.history())
	}
	return got
}

// ExpectAllOf waits for as many messages as there are arguments, which must be
// those, in any order.
func (p *Probe) ExpectAllOf(want ...any) {
	p.t.Helper()
	left := slices.Clone(want)
	for range want {
		got := p.Next()
		i := slices.IndexFunc(left, func(w any) bool { return reflect.DeepEqual(got, w) })
		if i < 0 {
			p.t.Fatalf("got %s, want any of %s; before: %s", show(got), showAll(left), p.history())
		}
		left = slices.Delete(left, i, i+1)
	}
}

// NextN waits for n messages and returns them in order.
func (p *Probe) NextN(n int) []any {
	p.t.Helper()
	all := make([]any, 0, n)
	for range n {
		all = append(all, p.Next())
	}
	return all
}

// NextWhile takes messages of type T as long as accept takes them and no more than
// idle passes between two, for at most so long altogether. The first that isn't
// taken stays. A nil accept takes every T.
func NextWhile[T any](p *Probe, most, idle time.Duration, accept func(T) bool) []T {
	p.t.Helper()
	var all []T
	for end := p.now().Add(p.limited(most)); ; {
		r, ok := p.take(min(idle, end.Sub(p.now())))
		if !ok {
			p.silent = true
			return all
		}
		v, ok := r.Message.(T)
		if !ok || accept != nil && !accept(v) {
			p.putBack(r)
			return all
		}
		all = append(all, v)
	}
}

// Catch is what a [Probe.FishFor] does with a message.
type Catch uint8

// The catches.
const (
	// CatchLast keeps the message and ends the fishing.
	CatchLast Catch = iota + 1
	// CatchMore keeps it and goes on.
	CatchMore
	// CatchNot lets it go and goes on.
	CatchNot
	// CatchWrong fails the test.
	CatchWrong
)

// FishFor takes messages until judge says that one was the last, and returns those
// it kept. The hint says in a failure what was fished for.
func (p *Probe) FishFor(hint string, judge func(msg any) Catch) []any {
	p.t.Helper()
	var kept []any
	for {
		r, ok := p.take(p.limited(patience))
		if !ok {
			p.t.Fatalf("no message ended the fishing for %s; before: %s", hint, p.history())
		}
		switch c := judge(r.Message); c {
		case CatchLast:
			return append(kept, r.Message)
		case CatchMore:
			kept = append(kept, r.Message)
		case CatchNot:
		default:
			p.t.Fatalf("got %s while fishing for %s; before: %s", show(r.Message), hint, p.history())
		}
	}
}

// Ignore has the probe take no notice of messages for which f returns true, from
// now on. nil ends that.
func (p *Probe) Ignore(f func(msg any) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ignore = f
}

// Pilot answers for a probe, on the probe's own turn and before the test sees the
// message, which it sees all the same. It returns the pilot for the next message,
// nil for none.
type Pilot func(ctx *actor.Context) Pilot

// Autopilot has the probe answer by itself; nil ends that.
func (p *Probe) Autopilot(pilot Pilot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pilot = pilot
}

// LastSender returns who sent the message that was looked at last.
func (p *Probe) LastSender() actor.PID { return p.last.From }

// Forward sends the message that was looked at last on, with its sender.
func (p *Probe) Forward(to actor.Addressable) {
	_ = to.PID().TellFrom(p.last.Message, p.last.From) // what can't be delivered is a dead letter
}

// Within runs f, whose expectations together have at most so long, and fails the
// test if it took less than least or more than most. One inside another ends when
// that does. Time is that of the test: of the machine, or of a synctest bubble.
func (p *Probe) Within(least, most time.Duration, f func()) {
	p.t.Helper()
	began, outer := p.now(), p.until
	p.until = began.Add(p.limited(most))
	bound := p.until.Sub(began)
	defer func() { p.until = outer }()
	f()
	took := p.now().Sub(began)
	if took < least || took > bound && !p.silent {
		p.t.Fatalf("it took %v, not %v to %v; before: %s", took, least, bound, p.history())
	}
}

// Remaining returns how much time is left in the innermost [Probe.Within]; outside
// it fails the test.
func (p *Probe) Remaining() time.Duration {
	p.t.Helper()
	if p.until.IsZero() {
		p.t.Fatalf("Remaining is for the inside of Within")
	}
	return max(p.until.Sub(p.now()), 0)
}

// limited returns how much of d is left in the present Within.
func (p *Probe) limited(d time.Duration) time.Duration {
	if p.until.IsZero() {
		return d
	}
	return max(min(d, p.until.Sub(p.now())), 0)
}

// Listen starts a probe that gets every event of type E that is published in sys.
func Listen[E any](t testing.TB, sys *actor.System) *Probe {
	t.Helper()
	p := NewProbe(t, sys)
	actor.Subscribe[E](sys, p.pid)
	return p
}

func showAll(values []any) string {
	lines := make([]string, 0, len(values))
	for _, v := range values {
		lines = append(lines, show(v))
	}
	return strings.Join(lines, ", ")
}
