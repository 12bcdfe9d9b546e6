package actor

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/codec"
)

// System is a tree of actors with everything they share. Make one with
// [NewSystem]; a process may have many. All methods are safe for concurrent use.
type System struct {
	name     string
	uid      uint64
	seed     uint64
	clock    Clock
	stacks   stacks
	floods   floods
	exec     Executor
	own      *workers  // exec when the system made it itself
	observer *Observer // nil: nobody looks on
	log      zerolog.Logger
	registry *codec.Registry
	random   *rand.Rand // of the supervisors; locked

	askTimeout  time.Duration
	stopTimeout time.Duration
	turnMax     int

	root   *cell
	user   *cell
	system *cell
	nextID atomic.Uint64

	wire          atomic.Pointer[wiring]
	remoteRefs    remoteRefs
	remoteWatches remoteWatches
	temps         temps
	resolversMu   sync.Mutex
	resolvers     map[string]func(string) (PID, bool)

	memory      Memory
	budget      *budget // nil: none
	ages        bool
	labels      bool
	extensions  extensions
	events      eventStream
	deadLetters deadLetterOffice
	askLimits   askLimits
	shutdown    shutdown
	gone        Gate
}

// wiring is what Attach leaves behind.
type wiring struct {
	remoting Remoting
	addr     string
}

// NewSystem starts a system. The name is part of its actors' addresses; the
// nodes of one cluster share it. It has letters, digits, - and _, and begins with
// one of the former two.
func NewSystem(name string, cfg Config) (*System, error) {
	if err := checkSystemName(name); err != nil {
		return nil, err
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("system %s: %w", name, err)
	}
	order, err := phaseOrder(cfg.Shutdown)
	if err != nil {
		return nil, fmt.Errorf("system %s: %w", name, err)
	}
	cfg = cfg.withDefaults()
	if err := registerMessages(cfg.Registry); err != nil {
		return nil, fmt.Errorf("system %s: %w", name, err)
	}
	s := &System{
		name: name, uid: cfg.UID, seed: cfg.Seed, clock: cfg.Clock, exec: cfg.Executor, registry: cfg.Registry,
		askTimeout: cfg.AskTimeout, stopTimeout: cfg.StopTimeout, turnMax: cfg.TurnMax,
		memory: cfg.Memory, ages: cfg.MessageAges, labels: cfg.ProfileLabels, observer: cfg.Observer,
	}
	s.shutdown.order, s.shutdown.cfg = order, cfg.Shutdown
	if most := cfg.mailboxBytes(s.memory.Limit()); most > 0 {
		s.budget = &budget{most: most}
	}
	if s.exec == nil {
		s.own = newWorkers(cfg.SlowTurn)
		s.exec = s.own
	}
	s.temps.numbers = s.secretNumbers()
	if s.seed == 0 {
		s.seed = unpredictable()
	}
	s.log = newLogger(name, cfg.Logger, s.clock)
	s.events.process = process{sys: s, t: &s.events}
	s.random = rand.New(&lockedSource{src: s.source("supervisor")})
	s.grow()
	return s, nil
}

// grow plants the tree: the root, /user for its users' actors, /system for the
// extensions' own.
func (s *System) grow() {
	s.root = newCell(s, nil, "", spec{factory: func() Actor { return &rootGuardian{} }, options: noOptions})
	s.root.schedule()
	guard := func(name string) *cell {
		c, _ := s.root.ownFamily().add(name, func() *cell {
			return newCell(s, s.root, name, spec{factory: func() Actor { return guardianActor{} }, options: noOptions})
		})
		c.ownFamily()
		c.schedule()
		return c
	}
	s.user, s.system = guard("user"), guard("system")
}

// guardian is an actor that follows the end of its children.
type guardian interface{ childGone(child *cell) }

// rootGuardian ends the system in order: the users' actors first.
type rootGuardian struct{}

// Receive has no use for messages, a Terminated that somebody made up included.
func (g *rootGuardian) Receive(ctx *Context) { ctx.cell.sys.unhandled(ctx) }

func (g *rootGuardian) childGone(child *cell) {
	s := child.sys
	if child == s.user {
		s.system.signal(signal{kind: signalStop})
		return
	}
	s.root.signal(signal{kind: signalStop})
}

func checkSystemName(name string) error {
	if name == "" || len(name) > 64 {
		return fmt.Errorf("%w: system name %q must have 1 to 64 characters", ErrBadName, name)
	}
	if name[0] == '-' || name[0] == '_' {
		return fmt.Errorf("%w: system name %q must begin with a letter or a digit", ErrBadName, name)
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return fmt.Errorf("%w: system name %q may have letters, digits, - and _ only", ErrBadName, name)
		}
	}
	return nil
}

func unpredictable() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// secretNumbers is a source whose next number can't be told from those before,
// unless a seed was asked for.
func (s *System) secretNumbers() *rand.ChaCha8 {
	var key [32]byte
	if s.seed == 0 {
		_, _ = crand.Read(key[:]) // never fails
	}
	binary.LittleEndian.PutUint64(key[:], binary.LittleEndian.Uint64(key[:])^s.seed)
	return rand.NewChaCha8(key)
}

// lockedSource makes a source safe for concurrent use.
type lockedSource struct {
	mu  sync.Mutex
	src rand.Source
}

func (l *lockedSource) Uint64() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.src.Uint64()
}

func (s *System) source(stream string) rand.Source {
	return rand.NewPCG(s.seed, xxhash.Sum64String(stream))
}

// Rand returns a new source of random numbers for the subsystem that calls
// itself stream. It depends on the system's seed and the name only. It is not
// safe for concurrent use.
func (s *System) Rand(stream string) *rand.Rand { return rand.New(s.source(stream)) }

// Name returns the system's name.
func (s *System) Name() string { return s.name }

// UID returns the incarnation of the system: another one after every start.
func (s *System) UID() uint64 { return s.uid }

// Addr returns the "host:port" under which other nodes reach the system, empty
// without remoting.
func (s *System) Addr() string {
	if w := s.wire.Load(); w != nil {
		return w.addr
	}
	return ""
}

// Clock returns the system's clock.
func (s *System) Clock() Clock { return s.clock }

// Memory returns what says how much memory there is for the system.
func (s *System) Memory() Memory { return s.memory }

// Executor returns what runs the system's actors.
func (s *System) Executor() Executor { return s.exec }

// Registry returns the types that may leave the process.
func (s *System) Registry() *codec.Registry { return s.registry }

// Scope returns what encoding and decoding messages of the system needs.
func (s *System) Scope() codec.Scope { return codec.Scope{Registry: s.registry, System: s} }

// Log returns the system's logger.
func (s *System) Log() *zerolog.Logger { return &s.log }

// Spawn starts an actor below /user. An empty name means one that is given
// out. It returns before the actor has started; a failed start is logged and
// handled by the actor's supervision.
func (s *System) Spawn(name string, factory func() Actor, opts ...SpawnOption) (PID, error) {
	return s.user.spawn(name, factory, opts, nil)
}

// Internal spawns actors below /system, where extensions keep their own: they
// stop after the actors of the users.
func (s *System) Internal() Spawner { return internal{s} }

type internal struct{ s *System }

// System returns the system.
func (i internal) System() *System { return i.s }

func (i internal) Spawn(name string, factory func() Actor, opts ...SpawnOption) (PID, error) {
	return i.s.system.spawn(name, factory, opts, nil)
}

// StopActor stops an actor; see [Context.Stop].
func (s *System) StopActor(who Addressable) { stop(who, &s.user.process) }

// Stop ends the system in order: the phases of its coordinated shutdown, then
// the actors below /user, children before parents, then those below /system. It
// waits for the end, until ctx is done or Config.StopTimeout has passed after
// the last phase; then the error names the actors that are still there. The
// failure of a strict phase is an error, too. Stopping twice is allowed. Don't call it inside Receive; use [System.BeginStop] there.
func (s *System) Stop(ctx context.Context) error {
	s.BeginStop("stop")
	var ended Gate
	s.gone.Notify(func() { ended.Open() })
	defer context.AfterFunc(ctx, func() { ended.Open() })()
	s.shutdown.finished.Notify(func() {
		limit := s.clock.AfterFunc(s.stopTimeout, func() { ended.Open() })
		ended.Notify(func() { limit.Stop() })
	})
	s.exec.Wait(&ended)
	if !s.gone.IsOpen() {
		return fmt.Errorf("stop system %s: %w; still there: %v", s.name, s.stopLate(ctx), s.alive(10))
	}
	if s.own != nil && !s.waitFor(ctx, s.stopTimeout, s.own.close()) {
		return fmt.Errorf("stop system %s: %w; the actors have stopped, but work they started with actor.Go goes on without heeding its context", s.name, s.stopLate(ctx))
	}
	return s.shutdown.failed()
}

// waitFor waits for g at most d, and no longer than ctx, and reports whether g
// is open.
func (s *System) waitFor(ctx context.Context, d time.Duration, g *Gate) bool {
	var woken Gate
	g.Notify(func() { woken.Open() })
	defer s.clock.AfterFunc(d, func() { woken.Open() }).Stop()
	defer context.AfterFunc(ctx, func() { woken.Open() })()
	s.exec.Wait(&woken)
	return g.IsOpen()
}

// stopLate says why the wait for the end is over.
func (s *System) stopLate(ctx context.Context) error {
	if ctx.Err() != nil {
		return givenUp(ctx, 0)
	}
	return timedOut(s.stopTimeout)
}

// Stopped returns the gate that opens when the last actor has stopped.
func (s *System) Stopped() *Gate { return &s.gone }

// terminated is called by the root when it has stopped.
func (s *System) terminated() {
	s.deadLetters.close()
	s.askLimits.close()
	s.gone.Open()
}

// alive returns the paths of up to most actors, parents before children.
func (s *System) alive(most int) []string {
	var paths []string
	var visit func(c *cell)
	visit = func(c *cell) {
		for _, child := range c.children().all() {
			if len(paths) < most {
				paths = append(paths, child.path())
				visit(child)
			}
		}
	}
	visit(s.root)
	return paths
}

// logFailure tells of a failure where it happened, with the stack unless that was
// logged a moment ago, at a limited rate.
func (s *System) logFailure(c *cell, err error) {
	due, unlogged := s.floods.take(floodOfFailures, c, s.clock.Now())
	if !due {
		return
	}
	if err == errEnded {
		s.log.Info().Func(unlogged).Str("actor", c.path()).Msg("actor has stopped itself and is to be revived")
		return
	}
	ev := s.log.Error().Str("actor", c.path()).Err(err).Func(unlogged)
	if p, ok := errors.AsType[*PanicError](err); ok && s.stacks.due(placeOf(c, p), s.clock.Now()) {
		ev = ev.Str(stackField, string(p.Stack))
	}
	ev.Msg("actor failed")
}

// logHook tells of a hook that failed, at the rate of failures.
func (s *System) logHook(c *cell, err error, what string) {
	if due, unlogged := s.floods.take(floodOfFailures, c, s.clock.Now()); due {
		s.log.Error().Str("actor", c.path()).Err(err).Func(unlogged).Msg(what)
	}
}

func (s *System) logDecision(child *cell, err error, d Directive, delay time.Duration) {
	kind := floodOfDecisions
	if d == Stop || d == Escalate {
		kind = floodOfEnds
	}
	due, unlogged := s.floods.take(kind, child, s.clock.Now())
	if !due {
		return
	}
	ev := s.log.Info().Str("actor", child.path()).Stringer("directive", d).Func(unlogged)
	if delay > 0 {
		ev = ev.Stringer("delay", delay)
	}
	ev.AnErr("cause", err).Msg("supervisor decided")
}
