package testkit

import (
	"reflect"

	"github.com/troupe-go/troupe/actor"
)

// Inbox is somebody with whom the actor of a [Solo] has to do: a child, or
// anybody else. It keeps what it is sent until the test takes it, and does what
// the test wants.
type Inbox struct {
	solo      *Solo
	ref       actor.PID
	name      string
	factory   func() actor.Actor
	supervise actor.Supervise
	received  []Received
	last      Received
	answer    func(msg any) any
}

// Inbox makes somebody the actor can be told of.
func (s *Solo) Inbox(name string) *Inbox {
	s.t.Helper()
	i := &Inbox{solo: s, name: name}
	pid, err := s.sys.Spawn(name, i.actor)
	if err != nil {
		s.t.Fatalf("inbox %q: %v", name, err)
	}
	i.ref = pid
	s.inboxes[pid] = i
	s.exec.settle()
	return i
}

// Child returns what stands in for a living child.
func (s *Solo) Child(name string) *Inbox {
	s.t.Helper()
	for pid, i := range s.inboxes { //det:ok a name is that of one living child
		if _, _, alive := pid.Pending(); alive && i.factory != nil && i.name == name {
			return i
		}
	}
	s.t.Fatalf("the actor has no child %q", name)
	return nil
}

// InboxOf returns what stands in for the child of a [Spawned] effect.
func (s *Solo) InboxOf(child actor.PID) *Inbox {
	s.t.Helper()
	i := s.inboxes[child]
	if i == nil {
		s.t.Fatalf("%v is no child of the actor, and no inbox of the test", child)
	}
	return i
}

type (
	inboxFails struct{ err error }
	inboxTells struct {
		to  actor.PID
		msg any
	}
)

func (i *Inbox) actor() actor.Actor { return actor.Func(i.receive) }

func (i *Inbox) receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case inboxFails:
		ctx.Fail(m.err)
	case inboxTells:
		ctx.Tell(m.to, m.msg)
	default:
		i.received = append(i.received, Received{Message: m, From: ctx.Sender()})
		if i.answer != nil {
			if answer := i.answer(m); answer != nil {
				ctx.Reply(answer)
			}
		}
	}
}

// PID returns the ref of the inbox.
func (i *Inbox) PID() actor.PID { return i.ref }

// Factory returns the factory of the child for which the inbox stands in, for a
// Solo of its own; nil for one of [Solo.Inbox].
func (i *Inbox) Factory() func() actor.Actor { return i.factory }

// Supervise returns what the actor does when the child fails.
func (i *Inbox) Supervise() actor.Supervise { return i.supervise }

// Len returns how many messages are there.
func (i *Inbox) Len() int { return len(i.received) }

// Next takes the oldest message, and fails the test when there is none.
func (i *Inbox) Next() any {
	i.solo.t.Helper()
	if len(i.received) == 0 {
		i.solo.t.Fatalf("inbox %v is empty", i.ref)
	}
	i.last = i.received[0]
	i.received = i.received[1:]
	return i.last.Message
}

// Expect takes the oldest message and fails the test unless it equals want.
func (i *Inbox) Expect(want any) {
	i.solo.t.Helper()
	if got := i.Next(); !reflect.DeepEqual(got, want) {
		i.solo.t.Fatalf("inbox %v got %s, want %s", i.ref, show(got), show(want))
	}
}

// Take takes all messages, oldest first.
func (i *Inbox) Take() []any {
	var all []any
	for i.Len() > 0 {
		all = append(all, i.Next())
	}
	return all
}

// Answer has the inbox answer what it is sent, by a function that returns the
// answer, or nil for none. Messages are kept all the same.
func (i *Inbox) Answer(with func(msg any) any) { i.answer = with }

// Tell sends the actor a message with the inbox as the sender, and runs it.
func (i *Inbox) Tell(msg any) []Effect {
	i.solo.t.Helper()
	return i.send(i.solo.pid, msg)
}

// Reply answers the message that was taken last, and runs the actor.
func (i *Inbox) Reply(msg any) []Effect {
	i.solo.t.Helper()
	if i.last.From.IsZero() {
		i.solo.t.Fatalf("inbox %v: the last message, %s, has no sender to reply to", i.ref, show(i.last.Message))
	}
	return i.send(i.last.From, msg)
}

func (i *Inbox) send(to actor.PID, msg any) []Effect {
	i.ref.Tell(inboxTells{to: to, msg: msg})
	return i.solo.RunAll()
}

// Fail makes the child fail with err, and runs the actor, which decides.
func (i *Inbox) Fail(err error) []Effect {
	i.ref.Tell(inboxFails{err})
	return i.solo.RunAll()
}

// Stop ends the inbox and runs the actor, which gets a Terminated if it watches.
func (i *Inbox) Stop() []Effect {
	i.solo.sys.StopActor(i.ref)
	return i.solo.RunAll()
}
