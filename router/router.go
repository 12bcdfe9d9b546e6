package router

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/troupe-go/troupe/actor"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrNoRoutee: the router has no routee that could take the message.
	ErrNoRoutee = errors.New("no routee")
	// ErrNoKey: the message has no key, and the router routes by keys.
	ErrNoKey = errors.New("message has no key to route it by: use Keyed, Hashable, or the Key of the logic")
	// ErrBusy: the router has as many questions open as it may.
	ErrBusy = errors.New("too many questions are open")
)

// routeesMax bounds the routees of a router.
const routeesMax = 100_000

// Option is one of the options of [Pool] and [Group]: [RouteeOptions],
// [HeadOptions], [KeepEmpty], [PreferLocal], [BroadcastIf], [Resize], [Explore].
type Option interface{ apply(*config) }

// RouteeOptions are the options with which a pool spawns its routees. Without an
// [actor.Supervise] among them, a failure of a routee is one of the router,
// about which the router's own supervisor decides: by default it restarts the
// router with fresh routees. A routee whose start fails, or that is killed, stops.
type RouteeOptions []actor.SpawnOption

func (o RouteeOptions) apply(c *config) { c.routeeOptions = append(c.routeeOptions, o...) }

// HeadOptions are the options with which the actor of a router is spawned: say
// with an [actor.Supervise] what happens when a failure of a routee reaches it.
type HeadOptions []actor.SpawnOption

func (o HeadOptions) apply(c *config) { c.headOptions = append(c.headOptions, o...) }

// KeepEmpty keeps a pool running when its last routee has stopped; without it
// the pool stops then. Messages to an empty pool are dead letters.
type KeepEmpty struct{}

func (KeepEmpty) apply(c *config) { c.keepEmpty = true }

// PreferLocal keeps to the routees of the sender's own node as long as there is
// one, whatever the logic; [Broadcast] and [FanOut] reach all of them even so.
type PreferLocal struct{}

func (PreferLocal) apply(c *config) { c.preferLocal = true }

// BroadcastIf sends every message for which it returns true to all routees, as if
// it were in a [Broadcast]. It runs on the goroutine of the sender: it must not
// block and must be safe for concurrent use. A panic counts as false.
type BroadcastIf func(msg any) bool

func (b BroadcastIf) apply(c *config) { c.broadcastIf = b }

// holds is b without its panics.
func (b BroadcastIf) holds(msg any) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return b(msg)
}

// config is everything that is fixed when a router is spawned.
type config struct {
	logic         Logic
	n             int                              // of a pool
	routee        func(p *post) func() actor.Actor // of a pool; p is nil unless it is balancing
	source        Source                           // of a group
	routeeOptions []actor.SpawnOption
	headOptions   []actor.SpawnOption
	resizers      []Resizer
	resizer       Resizer
	keepEmpty     bool
	preferLocal   bool
	broadcastIf   BroadcastIf
}

// isNil reports whether v is nil, or a pointer or function that is.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}

// ToAll sends msg to every routee of a router; it is [Broadcast] with a type.
func ToAll[M any](to actor.Ref[M], msg M) { to.PID().Tell(Broadcast{Message: msg}) }

// systemOf finds the system to which an actor that can spawn belongs.
func systemOf(parent actor.Spawner) (*actor.System, error) {
	if isNil(parent) {
		return nil, errors.New("there is no parent to spawn it on")
	}
	switch p := parent.(type) {
	case *actor.System:
		return p, nil
	case interface{ System() *actor.System }:
		return p.System(), nil
	}
	return nil, fmt.Errorf("routers are spawned on a *actor.System, its Internal, a *actor.Context or a *actor.Group, not on a %T", parent)
}

// spawn starts a router.
func spawn(parent actor.Spawner, name string, cfg config, opts []Option) (*front, error) {
	fail := func(err error) (*front, error) {
		return nil, fmt.Errorf("spawn router %q: %w", name, err)
	}
	sys, err := systemOf(parent)
	if err != nil {
		return fail(err)
	}
	for i, o := range opts {
		if isNil(o) {
			return fail(fmt.Errorf("option %d is nil", i+1))
		}
		o.apply(&cfg)
	}
	if err := cfg.check(); err != nil {
		return fail(err)
	}
	if err := Register(sys.Registry()); err != nil {
		return fail(err)
	}
	f := &front{sys: sys}
	if b, ok := cfg.logic.(Balancing); ok {
		f.queue = &queue{max: b.QueueMax, clock: sys.Clock()}
	}
	f.mu.Lock() // the head's first turn waits for the rest
	defer f.mu.Unlock()
	f.head, err = parent.Spawn(name, func() actor.Actor { return &head{front: f, cfg: cfg} }, cfg.headOptions...)
	if err != nil {
		return fail(err)
	}
	path := f.head.Path()
	f.random = newRandom(sys, path)
	f.self = sys.NewRef(path, f)
	return f, nil
}

// ref is the router as its users see it.
func ref(f *front, err error) (actor.PID, error) {
	if err != nil {
		return actor.PID{}, err
	}
	return f.self, nil
}

// check says what is wrong with the settings, and settles on the resizer.
func (c *config) check() error {
	if c.logic == nil {
		return errors.New("no logic: give one, such as RoundRobin{}")
	}
	if reflect.TypeOf(c.logic).Kind() == reflect.Pointer {
		return fmt.Errorf("the logic is a %T: give the value, not a pointer to it", c.logic)
	}
	if err := actor.CheckOptions(c.routeeOptions...); err != nil {
		return fmt.Errorf("RouteeOptions: %w", err)
	}
	if err := actor.CheckOptions(c.headOptions...); err != nil {
		return fmt.Errorf("HeadOptions: %w", err)
	}
	pool := c.source == nil
	if err := c.logic.check(pool); err != nil {
		return err
	}
	if pool && (c.n < 1 || c.n > routeesMax) {
		return fmt.Errorf("a pool of %d routees: must be 1 to %d", c.n, routeesMax)
	}
	if !pool && (len(c.resizers) > 0 || len(c.routeeOptions) > 0 || c.keepEmpty) {
		return errors.New("a group doesn't spawn its routees: RouteeOptions, KeepEmpty, Resize and Explore are for pools")
	}
	switch len(c.resizers) {
	case 0:
		return nil
	case 1:
		c.resizer = c.resizers[0]
	default:
		return fmt.Errorf("%d resizers: a pool has one at most", len(c.resizers))
	}
	if wayOf(c.logic) == queued {
		return errors.New("a Balancing pool has no resizer: its routees share one queue")
	}
	return c.resizer.check()
}
