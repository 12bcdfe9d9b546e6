package actor

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
)

// eventStream is who wants which events.
type eventStream struct {
	process             // watches the subscribers
	any     atomic.Bool // somebody has subscribed to something, ever

	mu     sync.Mutex // guards what follows
	topics map[reflect.Type]*topic
	broad  []reflect.Type // the interfaces among them, in the order in which they came
	wants  map[*process][]*topic
}

// topic is those who have subscribed to one type, in the order in which they did. The
// list is read without the lock: it only grows, and is copied when half have left.
type topic struct {
	typ     reflect.Type
	members map[*process]*subscription
	list    []*subscription
}

type subscription struct {
	who  *process
	over atomic.Bool
}

// Subscribe has an actor receive every event of type E that is published in the
// system, once, however many of its subscriptions match; an interface E stands for
// everything that implements it. It ends with [Unsubscribe] or with the actor. It fails
// with [ErrNobody] for a nil or zero who.
func Subscribe[E any](s *System, who Addressable) error {
	p := processOf(who)
	if p == nil {
		return fmt.Errorf("subscribe to %v: %w", reflect.TypeFor[E](), ErrNobody)
	}
	s.events.subscribe(reflect.TypeFor[E](), p)
	switch p.t.(type) {
	case *cell, *adapter:
		p.t.signal(signal{kind: signalWatch, from: &s.events.process, as: p})
	}
	return nil
}

// Unsubscribe ends what [Subscribe] began. Nobody has nothing to end.
func Unsubscribe[E any](s *System, who Addressable) {
	if p := processOf(who); p != nil {
		s.events.unsubscribe(reflect.TypeFor[E](), p)
	}
}

// Publish sends ev to everybody in this system who has subscribed to its type.
func (s *System) Publish(ev any) {
	if s.observer != nil {
		s.act(Act{Kind: ActPublished, Message: ev})
	}
	if ev == nil || !s.events.any.Load() {
		return
	}
	first, more := s.events.matching(reflect.TypeOf(ev))
	for _, sub := range first {
		s.events.send(sub, ev)
	}
	if len(more) == 0 {
		return
	}
	told := make(map[*process]bool, len(first))
	for _, sub := range first {
		told[sub.who] = true
	}
	for _, subs := range more {
		for _, sub := range subs {
			if !told[sub.who] {
				told[sub.who] = true
				s.events.send(sub, ev)
			}
		}
	}
}

func (e *eventStream) send(sub *subscription, ev any) {
	if sub.over.Load() {
		return
	}
	if c, ok := sub.who.t.(*cell); ok && c.mailbox.isClosed() {
		e.forget(sub.who)
		return
	}
	_ = sub.who.t.deliver(envelope{msg: ev}) // a drop has been counted
}

// matching returns the lists of those who have subscribed to a type.
func (e *eventStream) matching(typ reflect.Type) (first []*subscription, more [][]*subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.topics[typ]; t != nil {
		first = t.list
	}
	for _, broad := range e.broad {
		if !typ.Implements(broad) {
			continue
		}
		if first == nil {
			first = e.topics[broad].list
		} else {
			more = append(more, e.topics[broad].list)
		}
	}
	return first, more
}

func (e *eventStream) subscribe(typ reflect.Type, who *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.topics[typ]
	if t == nil {
		if e.topics == nil {
			e.topics, e.wants = map[reflect.Type]*topic{}, map[*process][]*topic{}
		}
		t = &topic{typ: typ, members: map[*process]*subscription{}}
		e.topics[typ] = t
		if typ.Kind() == reflect.Interface {
			e.broad = append(e.broad, typ)
		}
	}
	if t.members[who] != nil {
		return
	}
	sub := &subscription{who: who}
	t.members[who], t.list = sub, append(t.list, sub)
	e.wants[who] = append(e.wants[who], t)
	e.any.Store(true)
}

func (e *eventStream) unsubscribe(typ reflect.Type, who *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.topics[typ]
	if t == nil || t.members[who] == nil {
		return
	}
	e.leave(t, who)
	if e.wants[who] = slices.DeleteFunc(e.wants[who], func(o *topic) bool { return o == t }); len(e.wants[who]) == 0 {
		delete(e.wants, who)
	}
}

// leave takes a subscriber out of a topic. The lock is held.
func (e *eventStream) leave(t *topic, who *process) {
	t.members[who].over.Store(true)
	delete(t.members, who)
	switch {
	case len(t.members) == 0:
		delete(e.topics, t.typ)
		e.broad = slices.DeleteFunc(e.broad, func(o reflect.Type) bool { return o == t.typ })
	case 2*len(t.members) < len(t.list): // readers may have the old one
		t.list = slices.DeleteFunc(slices.Clone(t.list), func(s *subscription) bool { return s.over.Load() })
	}
}

// forget takes a subscriber out of everything.
func (e *eventStream) forget(who *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.wants[who] {
		e.leave(t, who)
	}
	delete(e.wants, who)
}

// deliver drops what somebody sends to whoever watches them.
func (e *eventStream) deliver(env envelope) error {
	e.sys.drop(PID{p: &e.process}, env.msg, PID{p: env.from}, DropNobody)
	return ErrNobody
}

// signal forgets a subscriber that has stopped.
func (e *eventStream) signal(s signal) {
	if s.kind == signalTerminated {
		e.forget(s.from)
		return
	}
	answerDead(s)
}

func (e *eventStream) location() Location {
	return Location{System: e.sys.name, Addr: e.sys.Addr(), UID: e.sys.uid, Path: "/events"}
}
