package actor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
)

// GracefulStop stops an actor after the messages that are in its mailbox
// already, with a [PoisonPill], and waits until it has stopped: until ctx is
// done, or for the system's ask timeout when ctx has no deadline. nil means that
// it has stopped, or had before. An error, [ErrTimeout] or the cause of ctx,
// means that it may stop later. A virtual ref has no end, so for one it returns
// at once. When the message is refused or can't be sent, the error is a
// [*DeadLetterError] with the reason, such as a right that this node lacks there.
//
// Inside Receive it blocks the actor; an actor that waits for its own end or
// that of an ancestor is refused with [ErrCallCycle].
func GracefulStop(ctx context.Context, who Addressable) error {
	return GracefulStopWith(ctx, who, PoisonPill{})
}

// GracefulStopWith is [GracefulStop] with a message that makes the actor stop
// itself when it has finished its work.
func GracefulStopWith(ctx context.Context, who Addressable, msg any) error {
	return awaitEnd(ctx, who, func(p, from *process) { _ = p.t.deliver(envelope{msg: msg, from: from}) })
}

// AwaitEnd waits until an actor has stopped, without asking it to; the rest is
// as with [GracefulStop].
func AwaitEnd(ctx context.Context, who Addressable) error {
	return awaitEnd(ctx, who, func(_, _ *process) {})
}

func awaitEnd(ctx context.Context, who Addressable, request func(who, from *process)) error {
	p := who.PID().p
	if p == nil {
		return fmt.Errorf("await end: %w", ErrNobody)
	}
	s := p.sys
	if own, inTurn := ctx.(*Context); inTurn && own.cell.isOrIsBelow(p) {
		return fmt.Errorf("await end of %v: %w: %s is, or is below, it", PID{p: p}, ErrCallCycle, own.cell.path())
	}
	wait, err := s.askWait(ctx)
	if err != nil {
		return fmt.Errorf("await end of %v: %w", PID{p: p}, err)
	}
	w := &endWatch{}
	w.process = process{sys: s, t: w}
	defer s.temps.release(&w.temp)
	p.t.signal(signal{kind: signalWatch, from: &w.process, as: p})
	request(p, &w.process)
	timer := s.clock.AfterFunc(wait, func() { w.over.Open() })
	defer timer.Stop()
	s.waitIn(ctx, &w.over, func() { w.over.Open() })
	if w.ended.Load() {
		return nil
	}
	p.t.signal(signal{kind: signalUnwatch, from: &w.process, as: p})
	if refused := w.refused.Load(); refused != nil {
		return fmt.Errorf("await end of %v: %w", PID{p: p}, *refused)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("await end of %v: %w", PID{p: p}, givenUp(ctx, wait))
	}
	return fmt.Errorf("await end of %v: %w", PID{p: p}, timedOut(wait))
}

// isOrIsBelow reports whether the cell is p or a descendant of it.
func (c *cell) isOrIsBelow(p *process) bool {
	for a := c; a != nil; a = a.parent {
		if &a.process == p {
			return true
		}
	}
	return false
}

// waitIn waits for g, or until ctx ends, which given is told: it has to open g.
// Inside a turn, where ctx is the actor's own, the actor can't end meanwhile.
func (s *System) waitIn(ctx context.Context, g *Gate, given func()) {
	if own, inTurn := ctx.(*Context); inTurn {
		if w := own.cell.worker; w != nil && !g.IsOpen() {
			w.blocking()
		}
	} else if ctx.Done() != nil {
		stop := afterEnd(ctx, given)
		defer stop()
	}
	s.exec.Wait(g)
}

// endWatch watches an actor for somebody who isn't one.
type endWatch struct {
	process
	over    Gate
	ended   atomic.Bool
	refused atomic.Pointer[error] // why the end can't be awaited, or wasn't asked for
	temp    atomic.Uint64         // its name once it watches on another node
}

// fail ends the wait when what asked for the end was refused. That the actor has
// stopped already is no such reason.
func (w *endWatch) fail(err error) {
	if why, ok := errors.AsType[*DeadLetterError](err); ok && why.Reason.isFinal() {
		w.refused.CompareAndSwap(nil, &err)
		w.over.Open()
	}
}

func (w *endWatch) deliver(env envelope) error {
	if f, ok := untraced(env.msg).(Failure); ok {
		w.fail(f.cause())
		return nil
	}
	w.sys.drop(PID{p: &w.process}, env.msg, PID{p: env.from}, DropLateReply)
	return ErrStopped
}

func (w *endWatch) signal(s signal) {
	if s.kind != signalTerminated {
		answerDead(s)
		return
	}
	w.ended.Store(true)
	w.over.Open()
}

func (w *endWatch) location() Location { return w.sys.tempLocation(&w.process, &w.temp, lastingMark) }

// tempLocation gives something that isn't an actor a name, since somebody
// elsewhere is to use it. mark is lastingMark, or nothing for an ask.
func (s *System) tempLocation(p *process, id *atomic.Uint64, mark string) Location {
	n := s.temps.name(p, id)
	var path [len(tempPrefix) + len(lastingMark) + 13]byte // for 64 bits
	b := strconv.AppendUint(append(append(path[:0], tempPrefix...), mark...), n, 36)
	return Location{System: s.name, Addr: s.Addr(), UID: s.uid, Path: string(b), ID: n}
}
