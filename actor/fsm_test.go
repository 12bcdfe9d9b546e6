package actor_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// lock opens for a second after the right digits.
type (
	lockState string
	lockData  struct{ soFar, code string }
	lockEnd   struct{ err error }
	lockFail  struct{}
	lockGoto  struct{ to lockState }
	lockFor   struct{ d time.Duration }
	lockStay  struct{}
)

const (
	locked lockState = "locked"
	open   lockState = "open"
)

func newLock(r *recorder) actor.FSM[lockState, lockData] {
	type machine = actor.Machine[lockState, lockData]
	common := func(m *machine, msg any) {
		switch msg := msg.(type) {
		case lockEnd:
			m.Data.soFar = "ended"
			m.End(msg.err)
		case lockFail:
			m.Fail(errors.New("boom"))
		case lockGoto:
			m.Goto(msg.to)
		case lockFor:
			m.For(msg.d)
		case lockStay:
		default:
			m.Unhandled()
		}
	}
	return actor.FSM[lockState, lockData]{
		Start: locked, Data: lockData{code: "42"}, HistoryMax: 3,
		States: map[lockState]actor.State[lockState, lockData]{
			locked: {Handle: func(m *machine, msg any) {
				digit, ok := msg.(rune)
				if !ok {
					common(m, msg)
					return
				}
				m.Data.soFar += string(digit)
				switch {
				case m.Data.soFar == m.Data.code:
					m.Data.soFar = ""
					m.Goto(open)
				case len(m.Data.soFar) >= len(m.Data.code):
					m.Data.soFar = ""
				}
			}},
			open: {Timeout: time.Second, Handle: func(m *machine, msg any) {
				if msg == (actor.StateTimeout{}) {
					m.Goto(locked)
					return
				}
				common(m, msg)
			}},
		},
		Unhandled: func(m *machine, msg any) {
			if msg == "history" {
				m.Reply(m.History())
				return
			}
			r.add(fmt.Sprintf("%v has no use for %v", m.State(), msg))
		},
		Changed: func(m *machine, from, to lockState, before lockData) {
			r.add(fmt.Sprintf("%v to %v, %q to %q, still %v", from, to, before.soFar, m.Data.soFar, m.State()))
		},
		Ended: func(m *machine, reason error) {
			r.add(fmt.Sprintf("ended in %v, %q: %v", m.State(), m.Data.soFar, reason))
		},
	}
}

func TestFSM(t *testing.T) { // A241, A242, A245, A247
	second := time.Second
	for title, c := range map[string]struct {
		inputs []any // messages, and durations to let pass
		want   []any
	}{
		"the code opens, time locks": {
			[]any{'4', '2', 999 * time.Millisecond, "?", second - 1, lockStay{}, second},
			[]any{
				`locked to open, "4" to "", still locked`, "open has no use for ?",
				`open to locked, "" to "", still open`,
			},
		},
		"a wrong code does nothing":               {[]any{'4', '1', '4', '2'}, []any{`locked to open, "4" to "", still locked`}},
		"a state to itself is a transition":       {[]any{lockGoto{locked}}, []any{`locked to locked, "" to "", still locked`}},
		"staying is none":                         {[]any{lockStay{}}, nil},
		"no timeout for once":                     {[]any{'4', '2', lockFor{0}, time.Hour}, []any{`locked to open, "4" to "", still locked`}},
		"another timeout for once":                {[]any{lockFor{second}, 2 * second}, []any{"locked has no use for {}"}},
		"the next message sets the usual timeout": {[]any{'4', '2', lockFor{time.Hour}, lockStay{}, second}, []any{`locked to open, "4" to "", still locked`, `open to locked, "" to "", still open`}},
		"an end in order":                         {[]any{'4', lockEnd{}, '2'}, []any{`ended in locked, "ended": <nil>`}},
		"an end with a reason":                    {[]any{lockEnd{errors.New("boom")}}, []any{`ended in locked, "ended": boom`}},
		"stopped from outside":                    {[]any{'4', actor.PoisonPill{}}, []any{`ended in locked, "4": stopped`}},
		"a state that isn't there":                {[]any{lockGoto{"gone"}}, []any{`ended in locked, "": state machine: state gone is not among its states`}},
		"a restart begins anew and is no end":     {[]any{'4', lockFail{}, '2', '4', '2'}, nil},
		"no timeout of the run before a restart":  {[]any{'4', '2', lockFail{}, time.Hour}, []any{`locked to open, "4" to "", still locked`}},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newSystem(t)
				r := newRecorder()
				pid, err := sys.Spawn("lock", newLock(r).New)
				require.NoError(t, err)
				for _, in := range c.inputs {
					if d, wait := in.(time.Duration); wait {
						time.Sleep(d)
					} else {
						pid.Tell(in)
					}
					synctest.Wait()
				}
				require.Equal(t, c.want, append([]any(nil), r.next(t, 0)...))
				// the cleanup stops the system, and with it the machine
			})
		})
	}
}

func TestFSMSubscribers(t *testing.T) { // A241, A243, A247
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		pid, err := sys.Spawn("lock", newLock(newRecorder()).New)
		require.NoError(t, err)
		first, firstPID := spawnRecorder(t, sys, "first")
		second, secondPID := spawnRecorder(t, sys, "second")
		pid.Tell(actor.SubscribeTransitions{Subscriber: firstPID})
		pid.Tell(actor.SubscribeTransitions{Subscriber: secondPID})
		pid.Tell('4')
		pid.Tell('2')
		opened := actor.Transition[lockState]{Machine: pid, From: locked, To: open}
		want := []any{actor.CurrentState[lockState]{Machine: pid, State: locked}, opened}
		require.Equal(t, want, first.next(t, 2))
		require.Equal(t, want, second.next(t, 2))

		pid.Tell(actor.UnsubscribeTransitions{Subscriber: firstPID})
		require.NoError(t, actor.GracefulStop(t.Context(), secondPID), "its end is no failure of the machine")
		time.Sleep(2 * time.Second)
		pid.Tell('4')
		pid.Tell('2')
		entries, err := actor.AskAs[[]actor.HistoryEntry[lockState]](t.Context(), pid, any("history"))
		require.NoError(t, err)
		require.Equal(t, []actor.HistoryEntry[lockState]{{locked, "int32"}, {locked, "int32"}, {open, "string"}}, entries)
		require.Equal(t, 2, first.count())
	})
}

func TestFSMWithoutItsFirstState(t *testing.T) {
	sys := newSystem(t)
	pid, err := sys.Spawn("x", actor.FSM[string, int]{Start: "nowhere"}.New)
	require.NoError(t, err)
	require.NoError(t, actor.AwaitEnd(t.Context(), pid))
}

// A named timer of a machine is a timer like any other: A246.
func TestFSMTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r := newRecorder()
		begun := time.Now()
		type machine = actor.Machine[string, int]
		pid, err := sys.Spawn("x", actor.FSM[string, int]{
			Start: "only",
			States: map[string]actor.State[string, int]{"only": {Timeout: 3 * time.Second, Handle: func(m *machine, msg any) {
				switch msg {
				case "start":
					m.AfterKey("t", 2*time.Second, "tick")
				case "tick":
					if m.Data++; m.Data < 3 {
						m.AfterKey("t", 2*time.Second, "tick") // set anew in its own handler
					}
				}
				r.add(fmt.Sprint(msg, time.Since(begun)))
			}}},
		}.New)
		require.NoError(t, err)
		pid.Tell("start")
		require.Equal(t, []any{"start0s", "tick2s", "tick4s", "tick6s", "{} 9s"}, r.next(t, 5))
	})
}
