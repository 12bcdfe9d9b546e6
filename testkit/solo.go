package testkit

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// Solo runs one actor alone, step by step, in virtual time, and says what it does
// as a list of effects. The actor is a real one, with a mailbox, a supervisor and
// hooks; only its children are [Inbox] values that stand in for the real ones, and
// nothing happens but what the test makes happen.
//
// A Solo belongs to the goroutine of its test. It may block in an ask: others run
// and time passes until the answer comes.
type Solo struct {
	t       testing.TB
	sys     *actor.System
	clock   *Clock
	exec    *stepper
	pid     actor.PID
	inboxes map[actor.PID]*Inbox
	sender  actor.PID // of the message that the actor handles
	effects []Effect
	started []Effect
	ended   bool
}

const soloPath = "/user/solo"

// NewSolo starts an actor alone. Its supervisor is a real one, and does what the
// options say.
func NewSolo(t testing.TB, factory func() actor.Actor, opts ...actor.SpawnOption) *Solo {
	t.Helper()
	return newSolo(t, func(sys *actor.System) (actor.PID, error) { return sys.Spawn("solo", factory, opts...) })
}

// NewTypedSolo is [NewSolo] for an actor whose messages are of type M.
func NewTypedSolo[M any](t testing.TB, factory func() actor.Receiver[M], opts ...actor.SpawnOption) *Solo {
	t.Helper()
	return newSolo(t, func(sys *actor.System) (actor.PID, error) {
		ref, err := actor.SpawnTyped(sys, "solo", factory, opts...)
		return ref.PID(), err
	})
}

func newSolo(t testing.TB, spawn func(*actor.System) (actor.PID, error)) *Solo {
	t.Helper()
	s := &Solo{t: t, clock: NewClock(), inboxes: map[actor.PID]*Inbox{}}
	s.exec = &stepper{path: soloPath, clock: s.clock, fail: func(format string, args ...any) {
		t.Helper()
		t.Fatalf(format, args...)
	}}
	log := zerolog.New(zerolog.MultiLevelWriter(soloLog{s}, zerolog.ConsoleWriter{Out: testWriter{t}, NoColor: true}))
	sys, err := actor.NewSystem("test", actor.Config{
		TurnMax: 1, Clock: s.clock, Executor: s.exec, Seed: 1, UID: 1, Logger: &log,
		Observer: &actor.Observer{Spawn: s.spawned, Send: s.sent, Act: s.acted},
	})
	if err != nil {
		t.Fatalf("start system: %v", err)
	}
	s.sys = sys
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Errorf("%v", err)
		}
	})
	s.exec.settle()
	if s.pid, err = spawn(sys); err != nil {
		t.Fatalf("start the actor: %v", err)
	}
	s.started = s.RunAll()
	return s
}

// T returns the test.
func (s *Solo) T() testing.TB { return s.t }

// PID returns the actor's ref.
func (s *Solo) PID() actor.PID { return s.pid }

// System returns the system in which the actor is alone.
func (s *Solo) System() *actor.System { return s.sys }

// Now returns the instant at which the virtual time stands.
func (s *Solo) Now() time.Time { return s.clock.Now() }

// Started returns the effects of the actor's start.
func (s *Solo) Started() []Effect { return s.started }

// Alive reports whether the actor hasn't stopped.
func (s *Solo) Alive() bool {
	_, _, ok := s.pid.Pending()
	return ok
}

// Waiting returns how many messages are in the actor's mailbox.
func (s *Solo) Waiting() int {
	n, _, _ := s.pid.Pending()
	return n
}

// Inspect returns what can be seen of the actor from outside.
func (s *Solo) Inspect() actor.Inspection {
	s.t.Helper()
	i, err := actor.Inspect(context.Background(), s.pid)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	return i
}

// Tell puts a message into the actor's mailbox and runs nothing.
func (s *Solo) Tell(msg any) { s.pid.Tell(msg) }

// Run sends a message and runs the actor until it has nothing left to do.
func (s *Solo) Run(msg any) []Effect {
	s.t.Helper()
	s.Tell(msg)
	return s.RunAll()
}

// Step runs one turn of the actor, in which it handles one message at most.
func (s *Solo) Step() []Effect {
	s.t.Helper()
	s.exec.settle()
	s.exec.turn()
	s.exec.settle()
	return s.take()
}

// RunAll runs the actor until it has nothing left to do at this instant.
func (s *Solo) RunAll() []Effect {
	s.t.Helper()
	for range stepsMax {
		s.exec.settle()
		if !s.exec.turn() {
			return s.take()
		}
	}
	s.t.Fatalf("the actor doesn't come to rest: %d turns, and messages for more", stepsMax)
	return nil
}

// Advance lets time pass. Whatever falls due on the way happens at its own
// instant, and the actor is done with it before the next.
func (s *Solo) Advance(d time.Duration) []Effect {
	s.t.Helper()
	var all []Effect
	for end := s.clock.Now().Add(d); ; {
		all = append(all, s.RunAll()...)
		at, ok := s.clock.next()
		if !ok || at.After(end) {
			s.clock.Advance(end.Sub(s.clock.Now()))
			return all
		}
		s.clock.Advance(at.Sub(s.clock.Now()))
	}
}

// Ask sends a request and returns the answer. Time passes until it comes, or the
// system's ask timeout is over.
func (s *Solo) Ask(request any) (any, error) {
	answer, err := actor.AskAs[any](context.Background(), s.pid, request)
	s.exec.settle()
	return answer, err
}

// Stop asks the actor to stop and runs it.
func (s *Solo) Stop() []Effect {
	s.t.Helper()
	s.sys.StopActor(s.pid)
	return s.RunAll()
}

// take returns the effects that nobody has seen yet.
func (s *Solo) take() []Effect {
	if !s.ended && !s.pid.IsZero() && !s.Alive() {
		s.ended = true
		s.effects = append(s.effects, Ended{})
	}
	all := s.effects
	s.effects = nil
	return all
}

func (s *Solo) note(e Effect) { s.effects = append(s.effects, e) }

// spawned puts an inbox in the place of a child.
func (s *Solo) spawned(b actor.Spawning) func() actor.Actor {
	if s.pid.IsZero() || b.Parent != s.pid {
		return b.Factory
	}
	i := &Inbox{solo: s, ref: b.Child, name: b.Name, factory: b.Factory, supervise: b.Supervise}
	s.inboxes[b.Child] = i
	s.note(Spawned{Name: b.Name, Ref: b.Child})
	return i.actor
}

// sent notes what the actor sends.
func (s *Solo) sent(m actor.Sending) (any, error) {
	if s.exec.acting() {
		switch {
		case m.Answer:
			s.note(Answered{m.Message})
		case m.Ask && m.From != s.sender:
			s.note(Asked{To: m.To, Message: m.Message})
		case m.From.IsZero() || m.From == s.pid:
			s.note(Told{To: m.To, Message: m.Message})
		default:
			s.note(Forwarded{To: m.To, From: m.From, Message: m.Message})
		}
	}
	return m.Message, nil
}

// acted notes what else the actor does.
func (s *Solo) acted(a actor.Act) {
	if a.Kind == actor.ActPublished && s.exec.acting() {
		switch ev := a.Message.(type) {
		case actor.DeadLetter:
			s.note(Dropped{Message: ev.Message, Reason: ev.Reason})
		case actor.Unhandled: // noted as what the actor did
		default:
			s.note(Published{ev})
		}
	}
	if a.Actor != s.pid || s.pid.IsZero() {
		return
	}
	switch a.Kind {
	case actor.ActHandled:
		s.sender = a.Other
	case actor.ActStashed:
		s.note(Stashed{a.Message})
	case actor.ActUnhandled:
		s.note(Unhandled{a.Message})
	case actor.ActWatched:
		s.note(Watched{Who: a.Other, With: a.Message})
	case actor.ActUnwatched:
		s.note(Unwatched{a.Other})
	case actor.ActTimerSet:
		s.note(TimerSet{Schedule: a.Schedule, Message: a.Message})
	case actor.ActTimerCancelled:
		s.note(TimerCancelled{Key: a.Schedule.Key, Message: a.Message})
	case actor.ActReceiveTimeout:
		s.note(ReceiveTimeoutSet{a.After})
	case actor.ActStop:
		s.note(StopAsked{a.Other})
	case actor.ActFailed:
		s.note(Failed{a.Err})
	case actor.ActAdapted:
		s.note(Adapted{a.Other})
	case actor.ActWork:
		s.note(WorkBegun{})
	}
}

// soloLog notes the lines that the actor itself logs.
type soloLog struct{ s *Solo }

// runtimeLines are what the runtime logs in an actor's turn; they come with an
// effect of their own.
var runtimeLines = map[string]bool{
	"actor failed": true, "supervisor decided": true, "unhandled message": true, "dead letter": true,
	"dead letter of a protocol": true, "hook failed before the restart": true, "PostStop failed": true,
}

func (w soloLog) Write(line []byte) (int, error) {
	var l struct {
		Level   string
		Message string
	}
	if err := json.Unmarshal(line, &l); err == nil && w.s.exec.acting() && !runtimeLines[l.Message] {
		level, _ := zerolog.ParseLevel(l.Level) // NoLevel when there is none
		w.s.note(Logged{Level: level, Message: l.Message})
	}
	return len(line), nil
}
