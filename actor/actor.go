package actor

import "fmt"

// Actor is something that receives messages, one at a time.
//
// An actor may also implement [PreStarter], [PostStopper] and [PreRestarter].
type Actor interface {
	// Receive handles one message, ctx.Message(). It runs on the actor's own
	// turn: never twice at once. It may block, and it may panic or call
	// ctx.Fail, which makes the actor's supervisor decide what happens.
	Receive(ctx *Context)
}

// Receiver is an actor whose messages are all of type M; see [SpawnTyped]. It
// may implement the same optional interfaces as an [Actor], and [Signaler].
type Receiver[M any] interface {
	// Receive handles one message; see [Actor].
	Receive(ctx *Context, msg M)
}

// PreStarter is an actor with something to do before its first message.
type PreStarter interface {
	// PreStart runs at the start and again, on a fresh actor, at each
	// restart. An error is a failed start; unless the actor was spawned with
	// a [Supervise] that says otherwise, it is stopped.
	PreStart(ctx *Context) error
}

// PostStopper is an actor with something to do when it has stopped.
type PostStopper interface {
	// PostStop runs once, after the children have stopped; no message comes
	// after it. At a restart it runs for the actor that is given up, unless
	// that is a [PreRestarter].
	PostStop(ctx *Context)
}

// PreRestarter is an actor with something to do before it is replaced.
type PreRestarter interface {
	// PreRestart runs on the actor that failed, before its children are
	// stopped and a fresh one takes its place.
	PreRestart(ctx *Context, cause error)
}

// Signaler is a [Receiver] that wants the signals it asked for: [Terminated],
// [ReceiveTimeout], events it subscribed to. Signals that are of the
// receiver's message type go to Receive instead.
type Signaler interface {
	// Signal handles one signal, on the actor's own turn.
	Signal(ctx *Context, sig any)
}

// Of makes a fresh zero T; as a value, actor.Of[Greeter] is the factory of an
// actor that needs nothing from outside.
func Of[T any, P interface {
	*T
	Actor
}]() Actor {
	return P(new(T))
}

// Func is an [Actor] made of a function.
type Func func(ctx *Context)

// Receive calls f.
func (f Func) Receive(ctx *Context) { f(ctx) }

// typed makes an Actor of a Receiver. It passes the hooks on.
type typed[M any] struct{ r Receiver[M] }

func (t *typed[M]) Receive(ctx *Context) {
	msg := ctx.Message()
	if m, ok := msg.(M); ok {
		t.r.Receive(ctx, m)
		return
	}
	if s, ok := t.r.(Signaler); ok {
		s.Signal(ctx, msg)
		return
	}
	ctx.Unhandled()
}

func (t *typed[M]) inner() any { return t.r }

// hooks returns the value whose optional interfaces count.
func hooks(a Actor) any {
	if t, ok := a.(interface{ inner() any }); ok {
		return t.inner()
	}
	return a
}

// Self returns the running actor's own ref, for messages of type M.
func Self[M any](ctx *Context) Ref[M] { return Narrow[M](ctx.Self()) }

// Become makes receive handle the messages of type M from now on, until the
// next Become, [Context.Unbecome] or restart. Messages of other types are
// unhandled.
func Become[M any](ctx *Context, receive func(ctx *Context, msg M)) {
	ctx.Become(func(ctx *Context) {
		if m, ok := ctx.Message().(M); ok {
			receive(ctx, m)
			return
		}
		ctx.Unhandled()
	})
}

// Spawner is what children can be spawned on: a [System], a [Context], a
// [Group].
type Spawner interface {
	Spawn(name string, factory func() Actor, opts ...SpawnOption) (PID, error)
}

// SpawnTyped spawns an actor whose messages are of type M and returns a ref
// that takes nothing else. The factory is called at the start and at each
// restart.
func SpawnTyped[M any](parent Spawner, name string, factory func() Receiver[M], opts ...SpawnOption) (Ref[M], error) {
	if isNil(parent) {
		return Ref[M]{}, fmt.Errorf("spawn %q: there is no parent to spawn it on", name)
	}
	var untyped func() Actor
	if factory != nil {
		untyped = func() Actor { return &typed[M]{r: factory()} }
	}
	pid, err := parent.Spawn(name, untyped, opts...)
	return Narrow[M](pid), err
}
