package actor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Phase is a step of the coordinated shutdown. The phases run in the order in
// which they are listed here; the tasks of one phase run side by side.
type Phase string

// The phases. A service takes itself out first, then the cluster's work is
// handed over and the node leaves, and at last the actors stop.
const (
	PhaseBeforeServiceUnbind   Phase = "before-service-unbind"
	PhaseServiceUnbind         Phase = "service-unbind"
	PhaseServiceRequestsDone   Phase = "service-requests-done"
	PhaseServiceStop           Phase = "service-stop"
	PhaseBeforeClusterShutdown Phase = "before-cluster-shutdown"
	PhaseClusterShardingRegion Phase = "cluster-sharding-shutdown-region"
	PhaseClusterLeave          Phase = "cluster-leave"
	PhaseClusterExiting        Phase = "cluster-exiting"
	PhaseClusterExitingDone    Phase = "cluster-exiting-done"
	PhaseClusterShutdown       Phase = "cluster-shutdown"
	PhaseBeforeSystemTerminate Phase = "before-actor-system-terminate"
	PhaseActorSystemTerminate  Phase = "actor-system-terminate"
)

var phases = []Phase{
	PhaseBeforeServiceUnbind, PhaseServiceUnbind, PhaseServiceRequestsDone, PhaseServiceStop,
	PhaseBeforeClusterShutdown, PhaseClusterShardingRegion, PhaseClusterLeave, PhaseClusterExiting,
	PhaseClusterExitingDone, PhaseClusterShutdown, PhaseBeforeSystemTerminate, PhaseActorSystemTerminate,
}

// PhaseConfig changes a phase of the coordinated shutdown, or adds one. The zero
// value changes nothing.
type PhaseConfig struct {
	// Timeout is how long the tasks of the phase may take before the next one
	// begins. Default 5 s; 10 s for the phases that move shards, that wait for
	// the cluster, and the last. Longer ones let tasks finish and make a stop
	// take longer when they don't.
	Timeout time.Duration
	// Disabled skips the tasks of the phase.
	Disabled bool
	// Strict makes a task that fails, or isn't ready in time, end the
	// phases: the tasks of the later ones don't run, the actors stop, and
	// [System.Stop] returns the error. Without it the failure is logged.
	Strict bool
	// After names phases that come before this one, besides those that do
	// anyway. A phase of your own stands where After puts it.
	After []Phase
}

func (c PhaseConfig) timeout(p Phase) time.Duration {
	switch p {
	case PhaseClusterShardingRegion, PhaseClusterExiting, PhaseActorSystemTerminate:
		return cmp.Or(c.Timeout, 10*time.Second)
	}
	return cmp.Or(c.Timeout, 5*time.Second)
}

// phaseOrder returns all phases in the order in which they run: those of this
// package in theirs, each of the others as early as it can. It fails for a
// dependency on a phase that isn't there and for a circle.
func phaseOrder(cfg map[Phase]PhaseConfig) ([]Phase, error) {
	all := slices.Clone(phases)
	for _, p := range slices.Sorted(maps.Keys(cfg)) {
		if p == "" {
			return nil, errors.New("shutdown: a phase needs a name")
		}
		if cfg[p].Timeout < 0 {
			return nil, fmt.Errorf("shutdown: the Timeout of phase %q must not be negative", p)
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	before := map[Phase][]Phase{}
	for i, p := range all {
		before[p] = slices.Clone(cfg[p].After)
		if 0 < i && i < len(phases) {
			before[p] = append(before[p], all[i-1])
		}
		for _, q := range before[p] {
			if !slices.Contains(all, q) {
				return nil, fmt.Errorf("shutdown: phase %q comes after %q, which is not a phase", p, q)
			}
		}
	}
	var order []Phase
	for len(order) < len(all) {
		// The phases of others come first among those that can: nothing after
		// them may overtake them.
		next := slices.IndexFunc(slices.Concat(all[len(phases):], phases), func(p Phase) bool {
			return !slices.Contains(order, p) && !slices.ContainsFunc(before[p], func(q Phase) bool { return !slices.Contains(order, q) })
		})
		if next < 0 {
			return nil, errors.New("shutdown: the phases depend on each other in a circle")
		}
		order = append(order, slices.Concat(all[len(phases):], phases)[next])
	}
	return order, nil
}

// shutdown is the coordinated shutdown of a system.
type shutdown struct {
	order []Phase // set at the start of the system, as is phases
	cfg   map[Phase]PhaseConfig

	mu       sync.Mutex // guards what follows
	tasks    map[Phase][]*StopTask
	past     map[Phase]bool
	begun    bool
	reason   string
	failure  error
	finished Gate // all phases have run
}

// StopTask is a task of the coordinated shutdown.
type StopTask struct {
	shutdown *shutdown
	phase    Phase
	name     string
	run      func(context.Context) error
}

// Cancel takes the task out before it has begun and reports whether it did.
func (t *StopTask) Cancel() bool {
	d := t.shutdown
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.tasks[t.phase], t)
	if i < 0 {
		return false
	}
	d.tasks[t.phase] = slices.Delete(slices.Clone(d.tasks[t.phase]), i, i+1)
	return true
}

// OnStop is [System.AddStopTask] for a task that is not going to be cancelled.
func (s *System) OnStop(p Phase, name string, task func(context.Context) error) error {
	_, err := s.AddStopTask(p, name, task)
	return err
}

// AddStopTask adds a task to a phase of the coordinated shutdown. The tasks of a
// phase run side by side. The context ends when the phase's time is up; an error
// is logged, and the shutdown goes on unless the phase is strict. To end an actor
// in some phase, call [GracefulStop] in the task. It fails for an unknown phase, an
// empty name, and with [ErrStopped] when the phase has begun already.
func (s *System) AddStopTask(p Phase, name string, task func(context.Context) error) (*StopTask, error) {
	d := &s.shutdown
	if name == "" || task == nil {
		return nil, fmt.Errorf("shutdown task in phase %q: it needs a name and a function", p)
	}
	if !slices.Contains(d.order, p) {
		return nil, fmt.Errorf("shutdown task %q: unknown phase %q", name, p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.past[p] {
		return nil, fmt.Errorf("shutdown task %q: phase %q has begun: %w", name, p, ErrStopped)
	}
	if d.tasks == nil {
		d.tasks = map[Phase][]*StopTask{}
	}
	t := &StopTask{shutdown: d, phase: p, name: name, run: task}
	d.tasks[p] = append(d.tasks[p], t)
	return t, nil
}

// BeginStop begins what [System.Stop] waits for and returns at once. The
// reason is logged. The first call counts; it reports whether it was that.
func (s *System) BeginStop(reason string) bool { return s.beginStop(reason, s.shutdown.order) }

// BeginStopAt is [System.BeginStop] without the phases before from. It fails
// for an unknown phase.
func (s *System) BeginStopAt(from Phase, reason string) (bool, error) {
	i := slices.Index(s.shutdown.order, from)
	if i < 0 {
		return false, fmt.Errorf("begin shutdown: unknown phase %q", from)
	}
	return s.beginStop(reason, s.shutdown.order[i:]), nil
}

func (s *System) beginStop(reason string, order []Phase) bool {
	d := &s.shutdown
	d.mu.Lock()
	if d.begun {
		d.mu.Unlock()
		return false
	}
	d.begun, d.reason = true, reason
	d.mu.Unlock()
	s.log.Info().Str("reason", reason).Msg("system is stopping")
	s.exec.Go(func() {
		for _, p := range order {
			if err := s.runPhase(p); err != nil {
				d.fail(err)
				break
			}
		}
		d.finished.Open()
		s.user.signal(signal{kind: signalStop})
	})
	return true
}

func (d *shutdown) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = err
}

// failed returns the error of the strict phase that ended the phases, if any.
func (d *shutdown) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// StopReason returns why the system is stopping or has stopped; empty as long
// as it isn't. What exit code follows from it is up to the program.
func (s *System) StopReason() string {
	s.shutdown.mu.Lock()
	defer s.shutdown.mu.Unlock()
	return s.shutdown.reason
}

// Stopping reports whether the system is stopping or has stopped.
func (s *System) Stopping() bool {
	s.shutdown.mu.Lock()
	defer s.shutdown.mu.Unlock()
	return s.shutdown.begun
}

// runPhase runs the tasks of a phase and waits for them, within its time. It
// fails only when the phase is strict.
func (s *System) runPhase(p Phase) error {
	d := &s.shutdown
	cfg := d.cfg[p]
	d.mu.Lock()
	tasks := d.tasks[p]
	delete(d.tasks, p)
	if d.past == nil {
		d.past = map[Phase]bool{}
	}
	d.past[p] = true
	d.mu.Unlock()
	if len(tasks) == 0 {
		return nil
	}
	if cfg.Disabled {
		s.log.Info().Str("phase", string(p)).Int("tasks", len(tasks)).Msg("shutdown phase is disabled")
		return nil
	}
	r := &phaseRun{errs: make([]error, len(tasks))}
	r.left.Store(int32(len(tasks)))
	ctx := newEnding()
	defer ctx.end(context.Canceled)
	limit := s.clock.AfterFunc(cfg.timeout(p), func() {
		ctx.end(fmt.Errorf("phase %s: %w", p, timedOut(cfg.timeout(p))))
		r.over.Open()
	})
	defer limit.Stop()
	for i, t := range tasks {
		s.exec.Go(func() {
			_, err := contained(func() (struct{}, error) { return struct{}{}, t.run(ctx) })
			r.done(i, err)
			if err != nil {
				s.log.Warn().Str("phase", string(p)).Str("task", t.name).Err(err).Msg("shutdown task failed")
			}
			if r.left.Add(-1) == 0 {
				r.over.Open()
			}
		})
	}
	s.exec.Wait(&r.over)
	err := r.result()
	if n := r.left.Load(); n > 0 {
		s.log.Warn().Str("phase", string(p)).Int32("tasks", n).Msg("shutdown phase took too long; going on")
		err = errors.Join(err, fmt.Errorf("%d tasks: %w", n, timedOut(cfg.timeout(p))))
	}
	if err != nil && cfg.Strict {
		return fmt.Errorf("shutdown phase %s: %w", p, err)
	}
	return nil
}

// phaseRun is the tasks of one phase under way.
type phaseRun struct {
	left atomic.Int32
	over Gate

	mu   sync.Mutex
	errs []error
}

func (r *phaseRun) done(i int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs[i] = err
}

func (r *phaseRun) result() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}
