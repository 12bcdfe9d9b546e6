package router

import (
	"errors"
	"slices"

	"github.com/troupe-go/troupe/actor"
)

// Source says who the routees of a group are: [Refs], [Paths], the actors that a
// cluster knows under a path.
type Source interface {
	// Follow has publish called with all routees soon, and again after each
	// change, with a slice that stays as it is and whose order doesn't count,
	// until cancel is called. It is called on a turn of the router: neither
	// it nor cancel may block. publish may be called from any goroutine,
	// inside Follow too, and after cancel, when it does nothing; it doesn't
	// block. A Source may be followed by many.
	Follow(publish func(routees []actor.PID)) (cancel func(), err error)
}

// Refs is a [Source] that never changes. A routee that stops is taken out.
type Refs []actor.PID

// Follow publishes the refs once.
func (r Refs) Follow(publish func([]actor.PID)) (func(), error) {
	publish(slices.Clone(r))
	return func() {}, nil
}

// RefsOf returns the source of refs for messages of type M.
func RefsOf[M any](refs ...actor.Ref[M]) Refs {
	pids := make(Refs, len(refs))
	for i, r := range refs {
		pids[i] = r.PID()
	}
	return pids
}

// Paths returns the source of whichever actors of sys have the paths, such as
// "/user/worker", when a message is sent. They stay routees when they stop, and
// what is sent to a path that nobody has becomes a dead letter.
func Paths(sys *actor.System, paths ...string) Refs {
	refs := make(Refs, len(paths))
	for i, p := range paths {
		refs[i] = sys.RefAt("", p)
	}
	return refs
}

// Group spawns a router whose routees others have spawned: source says who they
// are. It returns the ref to it; see [Pool]. Messages wait until the source has
// spoken for the first time, up to [actor.StashMax] of them. While there is no
// routee, messages are dead letters; the group goes on. A routee that stops is
// taken out.
//
// It fails, without having started anything, for a name that is bad or taken, a
// parent that has stopped, and settings that make no sense.
func Group(parent actor.Spawner, name string, source Source, logic Logic, opts ...Option) (actor.PID, error) {
	if isNil(source) {
		return actor.PID{}, errors.New("spawn router: no source of routees")
	}
	return ref(spawn(parent, name, config{logic: logic, source: source}, opts))
}

// GroupTyped is [Group] for routees that take messages of type M, on the word of
// the caller. The ref takes nothing else; its PID takes [Broadcast], [GetRoutees]
// and the other messages of this package.
func GroupTyped[M any](parent actor.Spawner, name string, source Source, logic Logic, opts ...Option) (actor.Ref[M], error) {
	pid, err := Group(parent, name, source, logic, opts...)
	return actor.Narrow[M](pid), err
}
