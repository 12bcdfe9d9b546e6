package actor

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FSM describes a finite state machine: an actor whose handling of messages
// depends on a state of type S, and that keeps data of type D. It is a plain
// value; its New is the factory to spawn:
//
//	door := actor.FSM[state, data]{Start: closed, States: …}
//	pid, err := sys.Spawn("door", door.New)
type FSM[S comparable, D any] struct {
	// Start is the first state, Data the data to begin with; a restart begins
	// with them anew.
	Start S
	Data  D
	// States says what each state does. A state that isn't there can't be
	// entered.
	States map[S]State[S, D]
	// Unhandled handles what a state has no use for, after it has called
	// [Machine.Unhandled]. nil: that is logged, and published as [Unhandled].
	Unhandled func(m *Machine[S, D], msg any)
	// Changed is called at every transition, also from a state to itself by
	// [Machine.Goto], before it takes effect. before is the data as it was before
	// the message; m.Data is the data as it will be.
	Changed func(m *Machine[S, D], from, to S, before D)
	// Ended is called once when the machine ends: with nil after
	// [Machine.End] with nil, with the error given to it, or with [ErrStopped] when the
	// actor was stopped. It isn't called at a restart.
	Ended func(m *Machine[S, D], reason error)
	// HistoryMax is how many messages [Machine.History] remembers. Default 0.
	HistoryMax int
}

// State is one state of an [FSM].
type State[S comparable, D any] struct {
	// Handle handles a message in this state. It changes m.Data as it likes and
	// calls [Machine.Goto], [Machine.End] or [Machine.Unhandled]; without any of
	// them the machine stays. A state without it is an error of the machine's start.
	Handle func(m *Machine[S, D], msg any)
	// Timeout makes the machine receive a [StateTimeout] when it has been in
	// the state for so long without a message. Zero: never.
	Timeout time.Duration
}

// StateTimeout is received when a state's timeout has passed without a message.
type StateTimeout struct{}

// SubscribeTransitions makes a machine send its [CurrentState] to the
// subscriber, and from then on each [Transition].
type SubscribeTransitions struct{ Subscriber PID }

// UnsubscribeTransitions ends that. So does the end of the subscriber.
type UnsubscribeTransitions struct{ Subscriber PID }

// CurrentState is the first thing that a subscriber to transitions gets.
type CurrentState[S comparable] struct {
	Machine PID
	State   S
}

// Transition tells a subscriber that a machine went from one state to another,
// or to the same.
type Transition[S comparable] struct {
	Machine  PID
	From, To S
}

// HistoryEntry is a message that a machine has handled.
type HistoryEntry[S comparable] struct {
	// State is the state in which it came.
	State S
	// Type is the message's type.
	Type string
}

// New returns a fresh machine: the factory of the actor.
func (f FSM[S, D]) New() Actor { return &Machine[S, D]{Data: f.Data, def: &f, state: f.Start} }

// Machine is a running [FSM]. Like the [Context] in it, it is valid on the
// actor's own turn only.
type Machine[S comparable, D any] struct {
	*Context
	// Data is the machine's data. Give D value semantics if you use the data
	// before a transition.
	Data D

	def       *FSM[S, D]
	state     S
	timeout   TimerHandle
	listeners []PID
	history   []HistoryEntry[S]

	// what the handler has asked for
	to        *S
	override  bool // stayFor counts instead of the state's timeout
	stayFor   time.Duration
	ending    bool
	reason    error
	unhandled bool
	ended     bool
}

// State returns the state the machine is in; during a transition, the old one.
func (m *Machine[S, D]) State() S { return m.state }

// Goto makes the machine enter a state when the handler returns; the present
// one is left and entered again. The last call counts.
func (m *Machine[S, D]) Goto(to S) { m.to = &to }

// For replaces the timeout of the state that the machine is in after the
// handler, this once; zero or less means none.
func (m *Machine[S, D]) For(d time.Duration) { m.override, m.stayFor = true, d }

// End ends the machine, and stops the actor, when the handler returns. nil
// means that all is well; other reasons are logged.
func (m *Machine[S, D]) End(reason error) { m.ending, m.reason = true, reason }

// Unhandled says that the state has no use for the message: it goes to the
// machine's Unhandled.
func (m *Machine[S, D]) Unhandled() { m.unhandled = true }

// History returns the last messages handled, oldest first.
func (m *Machine[S, D]) History() []HistoryEntry[S] { return slices.Clone(m.history) }

// PreStart enters the first state.
func (m *Machine[S, D]) PreStart(ctx *Context) error {
	m.Context = ctx
	state, ok := m.def.States[m.state]
	if !ok {
		return fmt.Errorf("state machine: first state %v is not among its states", m.state)
	}
	var deaf []string
	for name, s := range m.def.States { //det:ok sorted below
		if s.Handle == nil {
			deaf = append(deaf, fmt.Sprint(name))
		}
	}
	if len(deaf) > 0 {
		slices.Sort(deaf)
		return fmt.Errorf("state machine: no Handle in the states %v", deaf)
	}
	m.arm(state.Timeout)
	return nil
}

// PreRestart keeps a restart from being taken for the end.
func (m *Machine[S, D]) PreRestart(*Context, error) { m.ended = true }

// PostStop ends the machine if it hasn't ended itself.
func (m *Machine[S, D]) PostStop(*Context) { m.end(ErrStopped) }

func (m *Machine[S, D]) end(reason error) {
	if m.ended {
		return
	}
	m.ended = true
	if m.def.Ended != nil {
		m.def.Ended(m, reason)
	}
}

// Receive handles one message.
func (m *Machine[S, D]) Receive(ctx *Context) {
	switch msg := ctx.Message().(type) {
	case SubscribeTransitions:
		m.subscribe(msg.Subscriber)
		return
	case UnsubscribeTransitions:
		m.unsubscribe(msg.Subscriber)
		return
	case Terminated:
		if slices.Contains(m.listeners, msg.Ref) {
			m.unsubscribe(msg.Ref)
			return
		}
	}
	m.timeout.Cancel()
	m.handle(ctx.Message())
}

func (m *Machine[S, D]) subscribe(who PID) {
	if !who.IsZero() && !slices.Contains(m.listeners, who) {
		m.listeners = append(m.listeners, who)
		m.Watch(who)
	}
	m.Tell(who, CurrentState[S]{Machine: m.Self(), State: m.state})
}

func (m *Machine[S, D]) unsubscribe(who PID) {
	if i := slices.Index(m.listeners, who); i >= 0 {
		m.listeners = slices.Delete(m.listeners, i, i+1)
		m.Unwatch(who)
	}
}

// handle lets the state handle the message and does what it asks for.
func (m *Machine[S, D]) handle(msg any) {
	m.to, m.override, m.ending, m.reason, m.unhandled = nil, false, false, nil, false
	m.remember(msg)
	before := m.Data
	m.def.States[m.state].Handle(m, msg)
	if m.unhandled {
		m.notHandled(msg)
	}
	if m.cell.failing() {
		return
	}
	if m.to != nil && !m.ending {
		m.enter(*m.to, before)
	}
	if m.ending {
		m.finish()
		return
	}
	timeout := m.def.States[m.state].Timeout
	if m.override {
		timeout = m.stayFor
	}
	m.arm(timeout)
}

func (m *Machine[S, D]) notHandled(msg any) {
	if m.def.Unhandled != nil {
		m.def.Unhandled(m, msg)
		return
	}
	if _, timeout := msg.(StateTimeout); !timeout {
		if due, unlogged := m.cell.sys.floods.take(floodOfUnhandled, m.cell, m.Now()); due {
			m.Log().Warn().Str("state", fmt.Sprint(m.state)).Str("type", typeName(msg)).Func(unlogged).Msg("state has no use for the message")
		}
		m.Context.Unhandled()
	}
}

func (m *Machine[S, D]) enter(to S, before D) {
	if _, ok := m.def.States[to]; !ok {
		m.End(fmt.Errorf("state machine: state %v is not among its states", to))
		return
	}
	from := m.state
	if m.def.Changed != nil {
		m.def.Changed(m, from, to, before)
	}
	m.Log().Debug().Str("from", fmt.Sprint(from)).Str("to", fmt.Sprint(to)).Msg("transition")
	for _, who := range m.listeners {
		m.Tell(who, Transition[S]{Machine: m.Self(), From: from, To: to})
	}
	m.state = to
}

func (m *Machine[S, D]) finish() {
	if m.reason != nil && !errors.Is(m.reason, ErrStopped) {
		m.Log().Error().Str("state", fmt.Sprint(m.state)).Err(m.reason).Msg("state machine ended")
	}
	m.CancelTimers()
	m.end(m.reason)
	m.Stop(m.Self())
}

func (m *Machine[S, D]) arm(d time.Duration) {
	m.timeout.Cancel()
	m.timeout = TimerHandle{}
	if d > 0 {
		m.timeout = m.After(d, StateTimeout{})
	}
}

func (m *Machine[S, D]) remember(msg any) {
	if m.def.HistoryMax <= 0 {
		return
	}
	if len(m.history) >= m.def.HistoryMax {
		m.history = slices.Delete(m.history, 0, 1)
	}
	m.history = append(m.history, HistoryEntry[S]{State: m.state, Type: typeName(msg)})
}
