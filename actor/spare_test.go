package actor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stuckWorkers is an executor that stands still: a worker that is busy, a cell that
// waits behind it, and as many spare workers as asked for, none with a goroutine.
func stuckWorkers(spares int) (*workers, *queue) {
	p := &workers{}
	p.monitor.p, p.watchdog.p = p, p
	q := &queue{still: true}
	q.owner.Store(p.newWorker())
	q.owner.Load().queue = q
	q.busy.Store(true)
	q.add(&cell{})
	p.queues = []*queue{q}
	for range spares {
		p.spare = append(p.spare, p.newWorker())
	}
	return p, q
}

func TestMonitorWaitsForTheWorkersItHasPutToWork(t *testing.T) {
	p, q := stuckWorkers(1)
	stuck, spare := q.owner.Load(), p.spare[0]
	p.monitor.summoned.Store(1)
	require.False(t, p.monitor.look())
	require.Same(t, stuck, q.owner.Load())
	p.monitor.summoned.Store(0)
	require.True(t, p.monitor.look())
	require.Same(t, spare, q.owner.Load())
	require.EqualValues(t, 1, p.monitor.summoned.Load())
	require.True(t, spare.sleep())
	require.Zero(t, p.monitor.summoned.Load())
}

func TestWhoBlocksDoesNotKeepTheMonitorWaiting(t *testing.T) {
	p, q := stuckWorkers(1)
	spare := p.spare[0]
	q.owner.Load().blocking()
	require.Same(t, spare, q.owner.Load())
	require.Zero(t, p.monitor.summoned.Load())
}

func TestSpareWorkerRunsACellAside(t *testing.T) {
	p, q := stuckWorkers(1)
	spare, waiting := p.spare[0], q.ready.cells[0]
	p.runExtra(3)
	require.Empty(t, p.spare)
	require.EqualValues(t, 1, p.monitor.summoned.Load())
	require.True(t, spare.sleep())
	require.Same(t, waiting, spare.find())
	require.Nil(t, spare.takeAside())
}

func TestSpareWorkerThatIsGivenBackTooLateEnds(t *testing.T) {
	p, q := stuckWorkers(2)
	p.takeOver(q, p.newWorker(), true) // who has lost the queue meanwhile
	require.Len(t, p.spare, 2)
	w, _ := p.spareWorker()
	p.closed.Store(true)
	p.giveBack(w)
	require.Len(t, p.spare, 1)
	require.False(t, w.sleep())
}
