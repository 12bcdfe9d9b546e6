package simtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// disk is the database that all nodes of a world share. What it keeps
// survives everything; what it answers is subject to latency, to windows in
// which it is unavailable, and to doubt.
type disk struct {
	w     *World
	rng   *rand.Rand
	store *persistence.Memory
	// down: every call fails until the window is over.
	down bool
	// late are writes that their callers gave up on and that may still arrive.
	late    []*write
	appends []func(Appended)
	clashes []func(Appended) // told of appends refused for their sequence numbers
	stats   DiskStats
}

// DiskStats counts what the database did to its callers.
type DiskStats struct {
	// Fenced and Conflicts are writes that were refused for their epoch and
	// for their sequence number.
	Fenced, Conflicts int
	// Unavailable are calls that met an outage.
	Unavailable int
	// Applied, Lost and Late are writes in doubt that took effect, didn't, and
	// were on their way when the caller gave up.
	Applied, Lost, Late int
}

// DiskStats returns what the database did to its callers so far.
func (w *World) DiskStats() DiskStats { return w.disk.stats }

// write is a mutation on its way to the database.
type write struct {
	proc   *process
	id     string
	label  string
	action func() error
	done   bool
	err    error
}

// Appended is an append, or a claim, that took effect, as an oracle sees it.
type Appended struct {
	// Node is who wrote, UID its process.
	Node *Node
	UID  uint64
	// ID, Epoch and Events are the arguments of the append; a claim has no
	// events.
	ID     string
	Epoch  actor.Epoch
	Events []persistence.Event
}

func newDisk(w *World) *disk {
	return &disk{w: w, rng: w.Rand("disk"), store: persistence.NewMemory()}
}

// OnAppend makes f see every append and claim that takes effect, at the moment it does.
func (w *World) OnAppend(f func(Appended)) { w.disk.appends = append(w.disk.appends, f) }

func (d *disk) tell(a Appended) {
	for _, f := range d.appends {
		f(a)
	}
}

// Stored is the database itself, without latency or faults, for the script
// and for oracles.
func (w *World) Stored() *persistence.Memory { return w.disk.store }

// Store is the database as one process of a node reaches it: a
// [persistence.Journal] and a [persistence.SnapshotStore].
type Store struct {
	d *disk
	p *process
}

// Store returns the world's database as the node's present process reaches it.
func (n *Node) Store() *Store { return &Store{d: n.w.disk, p: n.running()} }

var (
	_ persistence.Journal       = (*Store)(nil)
	_ persistence.SnapshotStore = (*Store)(nil)
)

// sleep blocks the caller for a drawn latency, or until ctx ends.
func (s *Store) sleep(ctx context.Context, label string) error {
	g := &actor.Gate{}
	s.d.w.after(s.d.latency(), kindDisk, label, s.p.uid, func() { g.Open() })
	s.watch(ctx, g, patienceFirst)
	s.p.Wait(g)
	return ctx.Err()
}

// How often a call that takes long looks whether its context has ended. A
// context of the standard library could tell at once, but on a goroutine.
const (
	patienceFirst = time.Second
	patienceNext  = 200 * time.Millisecond
)

// watch opens g when ctx has ended.
func (s *Store) watch(ctx context.Context, g *actor.Gate, after time.Duration) {
	s.d.w.after(after, kindDisk, "look at the context", s.p.uid, func() {
		switch {
		case g.IsOpen() || s.p.dead:
		case ctx.Err() != nil:
			g.Open()
		default:
			s.watch(ctx, g, patienceNext)
		}
	})
}

func (d *disk) latency() time.Duration {
	base := float64(d.w.swarm.DiskLatency)
	t := time.Duration(base * (0.5 + d.rng.ExpFloat64()))
	if d.rng.Float64() < d.w.swarm.DiskSlow {
		t += time.Duration(d.rng.Int64N(int64(2 * time.Second)))
	}
	return min(t, 5*time.Second)
}

// do carries a mutation to the database and its outcome back.
func (s *Store) do(ctx context.Context, label, id string, action func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	d := s.d
	m := &write{proc: s.p, id: id, label: label, action: action}
	g := &actor.Gate{}
	result := fmt.Errorf("%s: %w: the caller gave up", label, persistence.ErrInDoubt)
	answer := func(err error, after time.Duration) {
		d.w.after(after, kindDisk, label+" answered", s.p.uid, func() {
			if !g.IsOpen() {
				result = err
				g.Open()
			}
		})
	}
	out, back := d.latency()/2, d.latency()/2
	doubt := d.rng.Float64() < d.w.swarm.DiskDoubt
	fate := d.rng.IntN(3)
	d.w.after(out, kindDisk, label, s.p.uid, func() {
		switch {
		case s.p.dead && d.rng.IntN(2) == 0:
			// The process died while the write was on its way: it got lost.
		case d.down:
			d.stats.Unavailable++
			answer(fmt.Errorf("%s: %w: a window of unavailability", label, persistence.ErrUnavailable), back)
		case !doubt:
			m.apply(d)
			answer(m.err, back)
		default:
			d.inDoubt(m, fate)
			answer(fmt.Errorf("%s: %w: the connection to the database broke", label, persistence.ErrInDoubt), back)
		}
	})
	s.watch(ctx, g, patienceFirst)
	s.p.Wait(g)
	return result
}

// diskLateDefault is how late a write in doubt may take effect.
const diskLateDefault = 3 * time.Second

// inDoubt lets a write whose caller won't learn the outcome take effect, or
// not, or later.
func (d *disk) inDoubt(m *write, fate int) {
	switch fate {
	case 0:
		d.stats.Applied++
		m.apply(d)
	case 1:
		d.stats.Lost++
		m.done = true
	default:
		d.stats.Late++
		d.late = append(d.late, m)
		late := d.w.swarm.DiskLate
		if late <= 0 {
			late = diskLateDefault
		}
		d.w.after(time.Duration(d.rng.Int64N(int64(late))), kindDisk, m.label+" late", m.proc.uid, func() { d.settle(m) })
	}
}

func (m *write) apply(d *disk) {
	if !m.done {
		m.done = true
		m.err = m.action()
		switch {
		case errors.Is(m.err, persistence.ErrFenced):
			d.stats.Fenced++
		case errors.Is(m.err, persistence.ErrConflict):
			d.stats.Conflicts++
		}
	}
}

func (d *disk) settle(m *write) {
	m.apply(d)
	d.late = slices.DeleteFunc(d.late, func(o *write) bool { return o == m })
}

// decide settles what a process left in doubt about id, one way or the other:
// a claim of the same process comes after it.
func (d *disk) decide(p *process, id string) {
	for _, m := range slices.Clone(d.late) {
		if m.proc != p || m.id != id {
			continue
		}
		if d.rng.IntN(2) == 0 {
			m.done = true
		}
		d.settle(m)
	}
}

// Claim implements [persistence.EventWriter].
func (s *Store) Claim(ctx context.Context, id string, epoch actor.Epoch) (highest uint64, err error) {
	node, uid := s.p.node, s.p.uid
	err = s.do(ctx, "claim "+id, id, func() (err error) {
		s.d.decide(s.p, id)
		highest, err = s.d.store.Claim(context.Background(), id, epoch)
		if err == nil {
			s.d.tell(Appended{Node: node, UID: uid, ID: id, Epoch: epoch})
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return highest, nil
}

// Append implements [persistence.EventWriter].
func (s *Store) Append(ctx context.Context, id string, epoch actor.Epoch, events []persistence.Event) error {
	node, uid := s.p.node, s.p.uid
	events = slices.Clone(events)
	return s.do(ctx, "append "+id, id, func() error {
		a := Appended{Node: node, UID: uid, ID: id, Epoch: epoch, Events: events}
		err := s.d.store.Append(context.Background(), id, epoch, events)
		switch {
		case err == nil:
			s.d.tell(a)
		case errors.Is(err, persistence.ErrConflict) && !s.p.dead:
			for _, f := range s.d.clashes {
				f(a)
			}
		}
		return err
	})
}

// DeleteTo implements [persistence.EventWriter].
func (s *Store) DeleteTo(ctx context.Context, id string, epoch actor.Epoch, seq uint64) error {
	return s.do(ctx, "delete "+id, id, func() error {
		return s.d.store.DeleteTo(context.Background(), id, epoch, seq)
	})
}

// read waits a latency and tells whether the database serves reads.
func (s *Store) read(ctx context.Context, label string) error {
	if err := s.sleep(ctx, label); err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	if s.d.down {
		return fmt.Errorf("%s: %w: a window of unavailability", label, persistence.ErrUnavailable)
	}
	return nil
}

// Replay implements [persistence.EventReader].
func (s *Store) Replay(ctx context.Context, id string, fromSeq, toSeq uint64) iter.Seq2[persistence.Event, error] {
	return func(yield func(persistence.Event, error) bool) {
		if err := s.read(ctx, "replay "+id); err != nil {
			yield(persistence.Event{}, err)
			return
		}
		for e, err := range s.d.store.Replay(context.Background(), id, fromSeq, toSeq) {
			if err == nil && s.d.rng.Float64() < s.d.w.swarm.DiskBreak {
				err = fmt.Errorf("replay %s: %w: the read broke off", id, persistence.ErrUnavailable)
				e = persistence.Event{}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// HighestSeq implements [persistence.EventReader].
func (s *Store) HighestSeq(ctx context.Context, id string) (uint64, error) {
	if err := s.read(ctx, "highest "+id); err != nil {
		return 0, err
	}
	return s.d.store.HighestSeq(context.Background(), id)
}

// SaveSnapshot implements [persistence.SnapshotStore].
func (s *Store) SaveSnapshot(ctx context.Context, snapshot persistence.Snapshot) error {
	return s.do(ctx, "snapshot "+snapshot.PersistenceID, snapshot.PersistenceID, func() error {
		return s.d.store.SaveSnapshot(context.Background(), snapshot)
	})
}

// LoadSnapshot implements [persistence.SnapshotStore].
func (s *Store) LoadSnapshot(ctx context.Context, id string, toSeq uint64) (persistence.Snapshot, error) {
	if err := s.read(ctx, "load "+id); err != nil {
		return persistence.Snapshot{}, err
	}
	return s.d.store.LoadSnapshot(context.Background(), id, toSeq)
}

// DeleteSnapshots implements [persistence.SnapshotStore].
func (s *Store) DeleteSnapshots(ctx context.Context, id string, fromSeq, toSeq uint64) error {
	return s.do(ctx, "prune "+id, id, func() error {
		return s.d.store.DeleteSnapshots(context.Background(), id, fromSeq, toSeq)
	})
}
