package actor

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"
)

// Request is a message that says what it is answered with; embed [Returns].
type Request[R any] interface{ returns(R) }

// Returns makes the struct it is embedded in a [Request] that is answered
// with an R. It takes no space and adds nothing to the wire.
type Returns[R any] struct{}

func (Returns[R]) returns(R) {}

// Failure is an answer that says why there is none: an ask that gets it
// returns Err. One without an Err is an error of its own.
type Failure struct{ Err error }

// errNoCause is what a Failure says that has no error.
var errNoCause = errors.New("the receiver answered with an actor.Failure without an error")

// cause returns the error, which is never nil.
func (f Failure) cause() error {
	if f.Err == nil {
		return errNoCause
	}
	return f.Err
}

// Ask sends a request and waits for its answer. It waits until ctx is done, or
// for the system's ask timeout when ctx has no deadline. Inside Receive it
// blocks the actor (and only that); [Go] and [Context.Tell] don't.
//
// The deadline goes with the request: it is the Deadline of the context with
// which a local actor handles it, and so bounds what that asks others in turn.
//
// Errors: [ErrTimeout], which is context.DeadlineExceeded too, when no answer came in time, [ErrDeadLetter] when the
// request could not be delivered, [*ReplyTypeError] when the answer is of
// another type, [ErrCallCycle] when the actors that would have to answer wait
// for this one, the cause of ctx when that was cancelled, and whatever a
// [Failure] carries.
func Ask[M, R any](ctx context.Context, to Ref[M], request Request[R]) (R, error) {
	if _, ok := request.(M); !ok {
		var none R
		return none, fmt.Errorf("ask %v: request %T is not a %v", to, request, reflect.TypeFor[M]())
	}
	return ask[R](ctx, to.p, request)
}

// AskAs is [Ask] for messages that don't say what they are answered with, such as those
// to a [PID]: AskAs[int](ctx, pid, "how many?"). A message that a typed ref doesn't take
// is an error at once.
func AskAs[R, M, T any](ctx context.Context, to Ref[M], msg T) (R, error) {
	m := any(msg) // once, since it may cost an allocation
	if err := takes(to, m); err != nil {
		var none R
		return none, err
	}
	return ask[R](ctx, to.p, m)
}

// takes says whether a message is one of those that a ref takes.
func takes[M any](to Ref[M], msg any) error {
	if _, ok := msg.(M); ok || msg == nil {
		return nil
	}
	if _, own := msg.(*traced); own {
		return nil // whoever uses WithTrace has to know
	}
	return fmt.Errorf("ask %v: message %T is not a %v", to, msg, reflect.TypeFor[M]())
}

func ask[R any](ctx context.Context, to *process, msg any) (R, error) {
	var none R
	if to == nil {
		return none, fmt.Errorf("ask: %w", ErrNobody)
	}
	v, err := to.sys.askAny(ctx, to, msg)
	return answer[R](to, msg, v, err)
}

// answer makes of what came back what the asker is to get.
func answer[R any](to *process, msg, v any, err error) (R, error) {
	var none R
	if err != nil {
		return none, fmt.Errorf("ask %v for %s: %w", PID{p: to}, typeName(msg), err)
	}
	if f, ok := v.(Failure); ok {
		return none, fmt.Errorf("ask %v: %w", PID{p: to}, f.cause())
	}
	r, ok := v.(R)
	if !ok {
		return none, fmt.Errorf("ask %v: %w", PID{p: to}, &ReplyTypeError{Want: reflect.TypeFor[R]().String(), Got: v})
	}
	return r, nil
}

// reply is the ref behind an ask: it takes one answer.
type reply struct {
	process
	gate     Gate
	decided  atomic.Bool
	value    any
	err      error
	deadline time.Time
	temp     atomic.Uint64 // its name once it was sent to another node

	prev, next *reply // guarded by the system's askLimits
}

// newReply makes the ref for an answer that is wanted within wait.
func (s *System) newReply(wait time.Duration) *reply {
	r := &reply{deadline: s.clock.Now().Add(wait)}
	r.process = process{sys: s, t: r}
	return r
}

// expire ends the wait for an answer after its time, until the timer is stopped.
func (r *reply) expire(wait time.Duration) Timer {
	if _, real := r.sys.clock.(RealClock); real && wait == r.sys.askTimeout {
		r.sys.askLimits.add(r)
		return r
	}
	return r.sys.clock.AfterFunc(wait, func() { r.timeout(wait) })
}

func (r *reply) timeout(wait time.Duration) {
	r.decide(nil, timedOut(wait))
}

// Stop ends the watch over the deadline of the answer; see expire.
func (r *reply) Stop() bool { return r.sys.askLimits.remove(r) }

func (s *System) askAny(ctx context.Context, to *process, msg any) (any, error) {
	if own, inTurn := ctx.(*Context); inTurn {
		return own.cell.ask(to, msg)
	}
	wait, err := s.askWait(ctx)
	if err != nil {
		return nil, err
	}
	r := s.newReply(wait)
	defer s.temps.remove(r)
	if err := to.t.deliver(envelope{msg: msg, from: &r.process}); err != nil {
		r.decide(nil, err)
	}
	defer r.expire(wait).Stop()
	if ctx.Done() != nil {
		stop := afterEnd(ctx, func() { r.decide(nil, givenUp(ctx, wait)) })
		defer stop()
	}
	s.exec.Wait(&r.gate)
	return r.value, r.err
}

// ask blocks the turn until the answer is there. The actor can't end
// meanwhile, so nothing but time ends the wait.
func (c *cell) ask(to *process, msg any) (any, error) {
	wait, err := c.sys.askWait(&c.ctx)
	if err != nil {
		return nil, err
	}
	if target, ok := to.t.(*cell); ok {
		c.asking.Store(target)
		defer c.asking.Store(nil)
		if cycle := c.askCycle(target); cycle != "" {
			return nil, fmt.Errorf("%w: %s", ErrCallCycle, cycle)
		}
	}
	r := c.sys.newReply(wait)
	defer c.sys.temps.remove(r)
	if remote, ok := to.t.(*remoteTarget); ok {
		if err := remote.deliver(envelope{msg: c.ctx.carry(msg), from: &r.process}); err != nil {
			return nil, err
		}
	} else {
		c.ctx.send(PID{p: to}, msg, &r.process)
	}
	defer r.expire(wait).Stop()
	if c.worker != nil && !r.decided.Load() {
		c.worker.blocking()
	}
	c.sys.exec.Wait(&r.gate)
	return r.value, r.err
}

// askCycle follows who waits for whom from target on; if that leads back to c
// it returns the way. Of all actors in a cycle, the last to ask finds it.
func (c *cell) askCycle(target *cell) string {
	way := c.path()
	for t, steps := target, 0; t != nil && steps < 100; t, steps = t.asking.Load(), steps+1 {
		way += " → " + t.path()
		if t == c {
			return way
		}
	}
	return ""
}

// AskThen asks without blocking and runs then with the answer as a turn of the
// actor, with the message and sender of the turn that called AskThen. It costs
// no goroutine. The errors are those of [Ask]; then is not called when the actor
// stops or restarts first.
func AskThen[M, R any](ctx *Context, to Ref[M], request Request[R], then func(R, error)) {
	if _, ok := request.(M); !ok {
		var none R
		then(none, fmt.Errorf("ask %v: request %T is not a %v", to, request, reflect.TypeFor[M]()))
		return
	}
	askThen(ctx, to.p, request, then)
}

// AskAsThen is [AskThen] for messages that don't say what they are answered with.
func AskAsThen[R, M, T any](ctx *Context, to Ref[M], msg T, then func(R, error)) {
	m := any(msg)
	if err := takes(to, m); err != nil {
		var none R
		then(none, err)
		return
	}
	askThen(ctx, to.p, m, then)
}

func askThen[R any](ctx *Context, to *process, msg any, then func(R, error)) {
	c := ctx.cell
	var none R
	if to == nil {
		then(none, fmt.Errorf("ask: %w", ErrNobody))
		return
	}
	wait, err := c.sys.askWait(ctx)
	if err != nil {
		then(none, fmt.Errorf("ask %v: %w", PID{p: to}, err))
		return
	}
	r := c.sys.newReply(wait)
	k := &continuation{incarnation: c.incarnation, detached: c.detached, msg: ctx.carry(ctx.msg), from: ctx.from}
	timer := r.expire(wait)
	r.gate.Notify(func() {
		timer.Stop()
		c.sys.temps.remove(r)
		k.fn = func() { then(answer[R](to, msg, r.value, r.err)) }
		c.signal(signal{kind: signalContinue, then: k})
	})
	ctx.send(PID{p: to}, msg, &r.process)
}

// askWait returns how long to wait at most.
func (s *System) askWait(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, givenUp(ctx, 0)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.askTimeout, nil
	}
	wait := deadline.Sub(s.clock.Now())
	if wait <= 0 {
		return 0, timedOut(0)
	}
	return wait, nil
}

// decide takes the first answer and wakes the asker.
func (r *reply) decide(value any, err error) bool {
	if !r.decided.CompareAndSwap(false, true) {
		return false
	}
	r.value, r.err = value, err
	r.gate.Open()
	return true
}

func (r *reply) deliver(env envelope) error {
	if r.sys.observer != nil {
		var err error
		if env, err = r.sys.observe(&r.process, env); err != nil {
			r.sys.drop(PID{p: &r.process}, env.msg, PID{p: env.from}, DropEncode)
			return err
		}
	}
	if !r.decide(untraced(env.msg), nil) {
		r.sys.drop(PID{p: &r.process}, env.msg, PID{p: env.from}, DropLateReply)
		return ErrStopped
	}
	return nil
}

func (r *reply) signal(s signal) { answerDead(s) }

// location gives the reply a name, since somebody elsewhere is to use it.
func (r *reply) location() Location { return r.sys.tempLocation(&r.process, &r.temp, "") }
