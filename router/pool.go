package router

import (
	"errors"

	"github.com/troupe-go/troupe/actor"
)

// Pool spawns a router with n routees of its own and returns the ref to it:
// what is told to it goes straight from the sender to the routee that logic
// picks, with its sender. The parent is a *actor.System, its Internal, a
// *actor.Context or a *actor.Group.
//
// It returns before the routees have started; messages wait for them. The
// factory is called for every routee, and again at its restarts, from several
// goroutines. When the last routee has stopped, the router stops, unless it has
// [KeepEmpty] or a [Resizer].
//
// It fails, without having started anything, for a name that is bad or taken, a
// parent that has stopped, and settings that make no sense.
func Pool(parent actor.Spawner, name string, n int, factory func() actor.Actor, logic Logic, opts ...Option) (actor.PID, error) {
	routee := func(p *post) func() actor.Actor {
		if p == nil {
			return factory
		}
		return func() actor.Actor {
			a := factory()
			if isNil(a) {
				return a // the runtime says so
			}
			return &member{post: p, hooks: a, receive: a.Receive}
		}
	}
	return pool(parent, name, n, factory == nil, routee, logic, opts)
}

// PoolTyped is [Pool] for routees whose messages are all of type M. The ref takes
// nothing else; its PID takes [Broadcast], [GetRoutees] and the other messages
// of this package.
func PoolTyped[M any](parent actor.Spawner, name string, n int, factory func() actor.Receiver[M], logic Logic, opts ...Option) (actor.Ref[M], error) {
	routee := func(p *post) func() actor.Actor {
		if p == nil {
			return untyped(factory)
		}
		return func() actor.Actor {
			r := factory()
			if isNil(r) {
				return nil
			}
			return &member{post: p, hooks: r, receive: func(ctx *actor.Context) { receive(ctx, r) }}
		}
	}
	pid, err := pool(parent, name, n, factory == nil, routee, logic, opts)
	return actor.Narrow[M](pid), err
}

func pool(parent actor.Spawner, name string, n int, noFactory bool, routee func(*post) func() actor.Actor, logic Logic, opts []Option) (actor.PID, error) {
	if noFactory {
		return actor.PID{}, errors.New("spawn router: no factory for its routees")
	}
	cfg := config{logic: logic, n: n, routee: routee, routeeOptions: []actor.SpawnOption{escalate()}}
	return ref(spawn(parent, name, cfg, opts))
}

// escalate is the supervision of routees that have no other. What stops any
// actor stops them: a failed start, a kill, a death pact.
func escalate() actor.Supervise {
	return actor.Supervise{Decide: func(err error) actor.Directive {
		_, start := errors.AsType[*actor.StartError](err)
		_, pact := errors.AsType[*actor.DeathPactError](err)
		if start || pact || errors.Is(err, actor.ErrKilled) {
			return actor.Stop
		}
		return actor.Escalate
	}}
}

// untyped is the factory that actor.SpawnTyped makes of a typed one.
func untyped[M any](factory func() actor.Receiver[M]) func() actor.Actor {
	var c catcher
	_, _ = actor.SpawnTyped(&c, "", factory) // spawns nothing
	return c.factory
}

// catcher is a Spawner that only keeps the factory.
type catcher struct{ factory func() actor.Actor }

// Spawn keeps the factory.
func (c *catcher) Spawn(_ string, factory func() actor.Actor, _ ...actor.SpawnOption) (actor.PID, error) {
	c.factory = factory
	return actor.PID{}, nil
}

// receive gives a message to a receiver, as an actor of actor.SpawnTyped does.
func receive[M any](ctx *actor.Context, r actor.Receiver[M]) {
	msg := ctx.Message()
	if m, ok := msg.(M); ok {
		r.Receive(ctx, m)
		return
	}
	if s, ok := r.(actor.Signaler); ok {
		s.Signal(ctx, msg)
		return
	}
	ctx.Unhandled()
}
