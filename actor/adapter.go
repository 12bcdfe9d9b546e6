package actor

import (
	"context"
	"reflect"
	"sync/atomic"
)

// Adapt returns a ref for messages of another protocol: what is told to it is
// converted on the actor's own turn and handled as a message of the actor's own,
// with its sender. A failure of convert is a failure of the actor. The ref can be
// watched, works on other nodes and ends with the actor; it outlives a restart.
//
// There is one for each type In: adapting it again, as a PreStart does after a
// restart, replaces the conversion and returns the same ref.
func Adapt[In, Out any](ctx *Context, convert func(In) Out) Ref[In] {
	c := ctx.cell
	x := c.extras()
	in := reflect.TypeFor[In]()
	a := x.adapters[in]
	if a == nil {
		a = &adapter{owner: c}
		a.process = process{sys: c.sys, t: a}
		if x.adapters == nil {
			x.adapters = map[reflect.Type]*adapter{}
		}
		x.adapters[in] = a
		c.sys.act(Act{Kind: ActAdapted, Actor: ctx.Self(), Other: PID{p: &a.process}})
	}
	a.convert = func(msg any) (any, bool) {
		m, ok := msg.(In)
		if !ok {
			return msg, false
		}
		return convert(m), true
	}
	return Ref[In]{p: &a.process}
}

// adapter is a second address of an actor, for messages that it doesn't know.
type adapter struct {
	process
	owner   *cell
	temp    atomic.Uint64         // its name once it was sent to another node
	convert func(any) (any, bool) // the owner's turn's
}

// adapted is a message in the owner's mailbox that came by an adapter.
type adapted struct {
	by  *adapter
	msg any
}

func (a *adapter) deliver(env envelope) error {
	msg, trace := TraceOf(env.msg)
	return a.owner.deliver(envelope{msg: WithTrace(&adapted{by: a, msg: msg}, trace), from: env.from})
}

// signal passes watches on to the owner; nothing else concerns it.
func (a *adapter) signal(s signal) {
	if s.kind == signalWatch || s.kind == signalUnwatch {
		a.owner.signal(s)
	}
}

func (a *adapter) location() Location {
	return a.owner.sys.tempLocation(&a.process, &a.temp, lastingMark)
}

// due is the message's turn.
func (m *adapted) due(c *cell, env envelope) (envelope, bool) {
	c.observeHandling(env, false)
	msg, ok := m.by.convert(m.msg)
	env.msg = msg
	if !ok {
		c.ctx.msg, c.ctx.from = m.msg, env.from
		c.sys.unhandled(&c.ctx)
	}
	return env, ok
}

// plain returns the message as its sender sent it, and to whom.
func plain(to PID, msg any) (PID, any) {
	msg = untraced(msg)
	if m, ok := msg.(*adapted); ok {
		return PID{p: &m.by.process}, m.msg
	}
	return to, msg
}

// release gives back what outlives restarts but not the actor.
func (x *extras) release(s *System) {
	for _, a := range x.adapters { //det:ok releasing commutes
		s.temps.release(&a.temp)
	}
	if x.life != nil {
		x.life.Stop()
	}
	if x.done != nil {
		x.done.end(context.Canceled)
	}
}
