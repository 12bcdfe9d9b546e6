package actor

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
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
// returns Err.
type Failure struct{ Err error }

// Ask sends a request and waits for its answer. It waits until ctx is done, or
// for the system's ask timeout when ctx has no deadline. Inside Receive it
// blocks the actor (and only that); [Go] and [Context.Tell] don't.
//
// Errors: [ErrTimeout] when no answer came in time, [ErrDeadLetter] when the
// request could not be delivered, [*ReplyTypeError] when the answer is of
// another type, the cause of ctx when that was cancelled, and whatever a
// [Failure] carries.
func Ask[M, R any](ctx context.Context, to Ref[M], request Request[R]) (R, error) {
	if _, ok := request.(M); !ok {
		var none R
		return none, fmt.Errorf("ask %v: request %T is not a %v", to, request, reflect.TypeFor[M]())
	}
	return ask[R](ctx, to.p, request)
}

// AskAs is [Ask] for messages that don't say what they are answered with.
func AskAs[R, M any](ctx context.Context, to Ref[M], msg M) (R, error) {
	return ask[R](ctx, to.p, msg)
}

func ask[R any](ctx context.Context, to *process, msg any) (R, error) {
	var none R
	if to == nil {
		return none, fmt.Errorf("ask: %w", ErrNobody)
	}
	v, err := to.sys.askAny(ctx, to, msg)
	if err != nil {
		return none, fmt.Errorf("ask %v: %w", PID{p: to}, err)
	}
	if f, ok := v.(Failure); ok {
		return none, fmt.Errorf("ask %v: %w", PID{p: to}, f.Err)
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
	gate    Gate
	decided atomic.Bool
	value   any
	err     error
	temp    atomic.Uint64 // its name once it was sent to another node
}

func (s *System) askAny(ctx context.Context, to *process, msg any) (any, error) {
	wait, err := s.askWait(ctx)
	if err != nil {
		return nil, err
	}
	r := &reply{}
	r.process = process{sys: s, t: r}
	defer s.temps.remove(r)
	own, inTurn := ctx.(*Context)
	if target, ok := to.t.(*cell); ok && inTurn {
		target.deliverFrom(envelope{msg: msg, from: &r.process}, own.cell.worker)
	} else if err := to.t.deliver(envelope{msg: msg, from: &r.process}); err != nil {
		r.decide(nil, err)
	}
	timer := s.clock.AfterFunc(wait, func() {
		r.decide(nil, fmt.Errorf("%w after %v (%w)", ErrTimeout, wait, context.DeadlineExceeded))
	})
	defer timer.Stop()
	// An actor's own context can't end while its turn waits here.
	if !inTurn && ctx.Done() != nil {
		stop := afterEnd(ctx, func() { r.decide(nil, causeOf(ctx)) })
		defer stop()
	}
	if inTurn && own.cell.worker != nil && !r.decided.Load() {
		own.cell.worker.blocking()
	}
	s.exec.Wait(&r.gate)
	return r.value, r.err
}

// askWait returns how long to wait at most.
func (s *System) askWait(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, causeOf(ctx)
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.askTimeout, nil
	}
	wait := deadline.Sub(s.clock.Now())
	if wait <= 0 {
		return 0, fmt.Errorf("%w (%w)", ErrTimeout, context.DeadlineExceeded)
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
	if !r.decide(env.msg, nil) {
		r.sys.drop(PID{p: &r.process}, env.msg, PID{p: env.from}, DropLateReply)
		return ErrStopped
	}
	return nil
}

func (r *reply) signal(s signal) { answerDead(s) }

// location gives the reply a name, since somebody elsewhere is to use it.
func (r *reply) location() Location {
	id := r.temp.Load()
	if id == 0 {
		id = r.sys.temps.add(r)
	}
	return Location{System: r.sys.name, Addr: r.sys.Addr(), UID: r.sys.uid, Path: tempPrefix + strconv.FormatUint(id, 36), ID: id}
}
