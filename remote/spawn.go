package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

const (
	spawnedName = "spawned"
	spawnedPath = "/user/" + spawnedName
	spawnedMax  = 10_000 // actors started from elsewhere that live at a time
	kindMax     = 255    // bytes of the name of a kind
)

// Order asks another node to start an actor, for [Remote.Spawn].
type Order struct {
	// Kind is the name under which the other node offers it.
	Kind string
	// Args goes to the constructor; its type must be registered on both nodes. Nil is
	// allowed.
	Args any
	// Owner, if set, is who the actor is for: when the owner ends, or its node is
	// gone, the actor is stopped. Default: it lives until it stops or its node does.
	Owner actor.PID
}

// AppendWire appends the order.
func (o Order) AppendWire(s codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendString(b, o.Kind)
	b = o.Owner.Location().Append(b)
	return s.Registry.Append(s, b, o.Args)
}

// DecodeWire reads what AppendWire wrote.
func (o *Order) DecodeWire(s codec.Scope, b []byte) (err error) {
	r := wire.NewReader(b)
	o.Kind = r.String()
	if len(o.Kind) > kindMax {
		return fmt.Errorf("the name of a kind has %d bytes, not at most %d", len(o.Kind), kindMax)
	}
	o.Owner = actor.ReadRef[any](s, r)
	if o.Args, err = s.Registry.Read(s, r); err != nil {
		return err
	}
	return r.Err()
}

// Constructor makes the factory of an actor out of the arguments of an [Order]. It is
// called on the turn of an actor and must not block.
type Constructor func(args any) (factory func() actor.Actor, err error)

// offers are what other nodes may start here.
type offers struct {
	mu    sync.Mutex
	kinds map[string]offer
}

type offer struct {
	construct Constructor
	opts      []actor.SpawnOption
}

// Offer lets nodes of the classes in Access.Spawn start actors here, by the name of
// a kind and with arguments: nothing else can be started from elsewhere. The actors
// live below /user/spawned, which clients reach if Access.Exported has
// "/user/spawned/*"; at most 10 000 at a time. It fails when the kind is offered
// already, or the name /user/spawned is taken.
func (r *Remote) Offer(kind string, construct Constructor, opts ...actor.SpawnOption) error {
	if kind == "" || len(kind) > kindMax || construct == nil {
		return fmt.Errorf("offer %.40q: a name of 1 to %d bytes and a constructor are needed", kind, kindMax)
	}
	r.offers.mu.Lock()
	defer r.offers.mu.Unlock()
	if _, taken := r.offers.kinds[kind]; taken {
		return fmt.Errorf("offer %q: it is offered already", kind)
	}
	if r.offers.kinds == nil {
		if _, err := r.sys.Spawn(spawnedName, func() actor.Actor { return &spawner{remote: r} }); err != nil {
			return fmt.Errorf("offer %q: %w", kind, err)
		}
		r.offers.kinds = map[string]offer{}
	}
	r.offers.kinds[kind] = offer{construct, opts}
	return nil
}

// Spawn asks the node at addr to start an actor, and waits for its ref as an ask
// does: until ctx ends, or for the system's ask timeout. When it returns an error the
// actor may have been started all the same; an Owner sees to its end.
func (r *Remote) Spawn(ctx context.Context, addr string, o Order) (actor.PID, error) {
	pid, err := actor.AskAs[actor.PID](ctx, r.sys.RefAt(addr, spawnedPath), any(o))
	switch {
	case errors.Is(err, actor.ErrTimeout) || errors.Is(err, context.DeadlineExceeded):
		return actor.PID{}, fmt.Errorf("spawn %q at %s: %w; that node must offer something and have this one's class in its Access.Spawn", o.Kind, addr, err)
	case nothingOffered(err):
		return actor.PID{}, fmt.Errorf("spawn %q at %s: %w: nothing is offered there; see Remote.Offer", o.Kind, addr, err)
	case err != nil:
		return actor.PID{}, fmt.Errorf("spawn %q at %s: %w", o.Kind, addr, err)
	}
	return pid, nil
}

// nothingOffered reports whether nobody was there to take an order.
func nothingOffered(err error) bool {
	letter, ok := errors.AsType[*actor.DeadLetterError](err)
	return ok && letter.Reason == actor.DropStopped
}

// spawner is the parent of the actors that were started from elsewhere.
type spawner struct {
	remote *Remote
	alive  map[actor.PID]actor.PID   // and their owners
	owned  map[actor.PID][]actor.PID // by owner
}

// Receive carries out orders.
func (s *spawner) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case Order:
		pid, err := s.spawn(ctx, m)
		if err != nil {
			ctx.Tell(ctx.Sender(), actor.Failure{Err: fmt.Errorf("spawn %q: %w", m.Kind, err)})
			return
		}
		ctx.Tell(ctx.Sender(), pid)
	case actor.Terminated:
		s.ended(ctx, m.Ref)
	}
}

func (s *spawner) spawn(ctx *actor.Context, o Order) (actor.PID, error) {
	s.remote.offers.mu.Lock()
	found, ok := s.remote.offers.kinds[o.Kind]
	s.remote.offers.mu.Unlock()
	if !ok {
		return actor.PID{}, errors.New("that kind is not offered here")
	}
	if len(s.alive) >= spawnedMax {
		return actor.PID{}, fmt.Errorf("%d actors started from elsewhere live here, which is the most", spawnedMax)
	}
	factory, err := constructed(found.construct, o.Args)
	if err != nil {
		return actor.PID{}, err
	}
	pid, err := ctx.Spawn("", factory, found.opts...)
	if err != nil {
		return actor.PID{}, err
	}
	if s.alive == nil {
		s.alive, s.owned = map[actor.PID]actor.PID{}, map[actor.PID][]actor.PID{}
	}
	s.alive[pid] = o.Owner
	ctx.Watch(pid)
	if !o.Owner.IsZero() {
		s.owned[o.Owner] = append(s.owned[o.Owner], pid)
		ctx.Watch(o.Owner)
	}
	return pid, nil
}

// constructed makes an error of a panic: it must not end what others have started.
func constructed(c Constructor, args any) (factory func() actor.Actor, err error) {
	defer func() {
		if v := recover(); v != nil {
			factory, err = nil, fmt.Errorf("its constructor panicked: %v", v)
		}
	}()
	if factory, err = c(args); err == nil && factory == nil {
		err = errors.New("its constructor made nothing")
	}
	return factory, err
}

// ended forgets an actor, or stops those of an owner.
func (s *spawner) ended(ctx *actor.Context, who actor.PID) {
	for _, child := range s.owned[who] {
		ctx.Stop(child)
	}
	delete(s.owned, who)
	owner, ok := s.alive[who]
	if !ok {
		return
	}
	delete(s.alive, who)
	rest := s.owned[owner]
	for n, child := range rest {
		if child == who {
			rest = append(rest[:n], rest[n+1:]...)
			break
		}
	}
	if owner.IsZero() {
		return
	}
	if len(rest) > 0 {
		s.owned[owner] = rest
		return
	}
	if _, known := s.owned[owner]; known {
		delete(s.owned, owner)
		ctx.Unwatch(owner)
	}
}
