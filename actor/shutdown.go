package actor

import (
	"context"
	"fmt"
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

// phaseTimeout is how long a phase may take before the next one begins: Akka's
// five seconds, ten for the one that moves shards, as in its reference.
func phaseTimeout(p Phase) time.Duration {
	switch p {
	case PhaseClusterShardingRegion, PhaseClusterExiting, PhaseActorSystemTerminate:
		return 10 * time.Second
	}
	return 5 * time.Second
}

// shutdown is the coordinated shutdown of a system.
type shutdown struct {
	mu       sync.Mutex
	tasks    map[Phase][]shutdownTask
	begun    bool
	reason   string
	finished Gate // all phases have run
}

type shutdownTask struct {
	name string
	run  func(context.Context) error
}

// OnStop adds a task to a phase of the coordinated shutdown. The context ends
// when the phase's time is up; an error is logged, and the shutdown goes on.
// Tasks added after their phase has begun don't run. It fails for an unknown
// phase.
func (s *System) OnStop(p Phase, name string, task func(context.Context) error) error {
	if !slices.Contains(phases, p) {
		return fmt.Errorf("shutdown task %q: unknown phase %q", name, p)
	}
	d := &s.shutdown
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tasks == nil {
		d.tasks = map[Phase][]shutdownTask{}
	}
	d.tasks[p] = append(d.tasks[p], shutdownTask{name: name, run: task})
	return nil
}

// BeginStop begins what [System.Stop] waits for and returns at once. The
// reason is logged. The first call counts; it reports whether it was that.
func (s *System) BeginStop(reason string) bool {
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
		for _, p := range phases {
			s.runPhase(p)
		}
		d.finished.Open()
		s.user.signal(signal{kind: signalStop})
	})
	return true
}

// Stopping reports whether the system is stopping or has stopped.
func (s *System) Stopping() bool {
	s.shutdown.mu.Lock()
	defer s.shutdown.mu.Unlock()
	return s.shutdown.begun
}

// runPhase runs the tasks of a phase and waits for them, within its time.
func (s *System) runPhase(p Phase) {
	s.shutdown.mu.Lock()
	tasks := s.shutdown.tasks[p]
	delete(s.shutdown.tasks, p)
	s.shutdown.mu.Unlock()
	if len(tasks) == 0 {
		return
	}
	ctx := newEnding()
	defer ctx.end(context.Canceled)
	var over Gate
	limit := s.clock.AfterFunc(phaseTimeout(p), func() {
		ctx.end(fmt.Errorf("phase %s: %w", p, context.DeadlineExceeded))
		over.Open()
	})
	defer limit.Stop()
	var left atomic.Int32
	left.Store(int32(len(tasks)))
	for _, t := range tasks {
		s.exec.Go(func() {
			_, err := contained(func() (struct{}, error) { return struct{}{}, t.run(ctx) })
			if err != nil {
				s.log.Warn().Str("phase", string(p)).Str("task", t.name).Err(err).Msg("shutdown task failed")
			}
			if left.Add(-1) == 0 {
				over.Open()
			}
		})
	}
	s.exec.Wait(&over)
	if n := left.Load(); n > 0 {
		s.log.Warn().Str("phase", string(p)).Int32("tasks", n).Msg("shutdown phase took too long; going on")
	}
}
