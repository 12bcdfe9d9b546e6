package router

import (
	"cmp"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Defaults of the logics that ask.
const (
	withinDefault = 5 * time.Second
	everyDefault  = 10 * time.Millisecond
)

// sessionsMax bounds the questions that one router has open.
const sessionsMax = 10_000

// openSession starts the actor that asks for the sender of the present message.
func (h *head) openSession(ctx *actor.Context, msg any, asker actor.PID) {
	refuse := func(err error) {
		if asker.IsZero() {
			_ = h.front.nobody(h.table, msg, asker)
			return
		}
		_ = asker.TellFrom(actor.WithTrace(actor.Failure{Err: err}, ctx.Trace()), ctx.Self()) // an asker that has gone needs no answer
	}
	if len(h.table.routees) == 0 {
		refuse(ErrNoRoutee)
		return
	}
	if h.front.sessions.Load() >= sessionsMax {
		refuse(fmt.Errorf("%w: %d are open", ErrBusy, sessionsMax))
		return
	}
	s := &session{front: h.front, msg: bare(msg), trace: ctx.Trace(), asker: asker, routees: h.table.near}
	switch l := h.cfg.logic.(type) {
	case ScatterGather:
		s.within = cmp.Or(l.Within, withinDefault)
	case TailChopping:
		s.within, s.every = cmp.Or(l.Within, withinDefault), cmp.Or(l.Every, everyDefault)
		s.routees = make([]actor.PID, len(h.table.near))
		for i, at := range h.front.random.Perm(len(s.routees)) {
			s.routees[i] = h.table.near[at]
		}
	}
	h.front.sessions.Add(1)
	_, err := ctx.Spawn("", func() actor.Actor { return s },
		actor.Supervise{Decide: func(error) actor.Directive { return actor.Stop }})
	if err != nil {
		h.front.sessions.Add(-1)
		refuse(err)
	}
}

// session asks routees on behalf of one asker and hands on the first answer. It
// stays for the others, which nobody needs, until all are in or the time is up.
type session struct {
	front   *front
	msg     any
	trace   actor.Trace
	asker   actor.PID
	routees []actor.PID // in the order in which they are asked
	within  time.Duration
	every   time.Duration // 0: all at once

	next     int // the one to ask next
	open     int // asked, and not answered yet
	answered bool
}

// What a session tells itself.
type (
	askNext struct{}
	timeUp  struct{}
)

// PreStart asks the first, or all.
func (s *session) PreStart(ctx *actor.Context) error {
	ctx.SetTrace(s.trace) // and the timers have it from here
	ctx.After(s.within, timeUp{})
	s.ask(ctx)
	return nil
}

// PostStop makes room for another session.
func (s *session) PostStop(*actor.Context) { s.front.sessions.Add(-1) }

// Receive takes answers.
func (s *session) Receive(ctx *actor.Context) {
	switch ctx.Message().(type) {
	case askNext:
		if !s.answered {
			s.ask(ctx)
		}
	case timeUp:
		s.answer(ctx, actor.Failure{Err: fmt.Errorf("router: %w within %v from %d routees", actor.ErrTimeout, s.within, s.next)})
		ctx.Stop(ctx.Self())
	default:
		s.open--
		s.answer(ctx, ctx.Message())
		s.finish(ctx)
	}
}

// ask asks the next routee, or all. One that is known to have stopped counts for
// nothing: the next is asked at once.
func (s *session) ask(ctx *actor.Context) {
	for s.next < len(s.routees) {
		to := s.routees[s.next]
		s.next++
		if to.TellFrom(actor.WithTrace(s.msg, s.trace), ctx.Self()) != nil {
			continue
		}
		s.open++
		if s.every > 0 {
			break
		}
	}
	if s.every > 0 && s.next < len(s.routees) {
		ctx.After(s.every, askNext{})
	}
	s.finish(ctx)
}

// answer hands the first answer on.
func (s *session) answer(ctx *actor.Context, msg any) {
	if s.answered {
		return
	}
	s.answered = true
	from := ctx.Sender()
	if s.asker.IsZero() {
		ctx.System().Drop(s.asker, msg, from, actor.DropNobody)
		return
	}
	_ = s.asker.TellFrom(actor.WithTrace(msg, ctx.Trace()), from) // one that has gone has made it a dead letter
}

// finish ends the session when nothing more can come.
func (s *session) finish(ctx *actor.Context) {
	if s.open > 0 || !s.answered && s.next < len(s.routees) {
		return
	}
	s.answer(ctx, actor.Failure{Err: ErrNoRoutee})
	ctx.Stop(ctx.Self())
}
