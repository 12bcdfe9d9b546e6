package simtest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// forest is a model of a tree of actors that do random things to one another;
// it checks the promises of package actor from the outside.
type forest struct {
	w     *simtest.World
	n     *simtest.Node
	r     *rand.Rand
	trees []*tree
	sent  map[[2]int]int // messages from one tree to another
}

// tree is what the forest knows of one actor, over all of its restarts.
type tree struct {
	f        *forest
	id       int
	pid      actor.PID
	parent   *tree
	busy     bool
	running  *trunk // the instance that has started and not stopped
	begun    bool
	watching map[actor.PID]*tree
	last     map[int]int // by sender
}

// trunk is one instance of a tree.
type trunk struct{ t *tree }

// leafMsg makes its receiver do something drawn.
type leafMsg struct{ from, n int }

const treesMax = 400

func (f *forest) plant(parent *tree, sp actor.Spawner) *tree {
	t := &tree{f: f, id: len(f.trees), parent: parent, watching: map[actor.PID]*tree{}, last: map[int]int{}}
	directives := []func(error) actor.Directive{nil, resumes, stops, escalates}
	if parent == nil {
		directives = directives[:3] // an escalation from there ends the system
	}
	how := actor.Supervise{MaxRestarts: f.r.IntN(4), Within: time.Second}
	if f.r.IntN(2) == 1 {
		how.Backoff = actor.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
	}
	how.Decide = directives[f.r.IntN(len(directives))]
	opts := []actor.SpawnOption{how}
	if f.r.IntN(3) == 0 {
		opts = append(opts, actor.Bounded(1+f.r.IntN(5)))
	}
	pid, err := sp.Spawn("", func() actor.Actor { return &trunk{t} }, opts...)
	if err != nil {
		require.ErrorIs(f.w.T(), err, actor.ErrStopped)
		return nil
	}
	t.pid = pid
	f.trees = append(f.trees, t)
	return t
}

func resumes(error) actor.Directive   { return actor.Resume }
func stops(error) actor.Directive     { return actor.Stop }
func escalates(error) actor.Directive { return actor.Escalate }

func (k *trunk) PreStart(*actor.Context) error {
	t := k.t
	if t.running != nil {
		t.f.w.Failf("actor %d starts again before it has stopped", t.id)
	}
	for _, c := range t.f.trees {
		if c.parent == t && c.running != nil {
			t.f.w.Failf("actor %d starts while its child %d of an earlier life is still there", t.id, c.id)
		}
	}
	t.running, t.begun = k, true
	t.f.w.Note("%d starts", t.id)
	return nil
}

func (k *trunk) PostStop(*actor.Context) {
	if k.t.running != k {
		k.t.f.w.Failf("actor %d stops twice", k.t.id)
	}
	k.t.running = nil
	for pid, target := range k.t.watching { // a restart ends watching one's own children
		if target.parent == k.t {
			delete(k.t.watching, pid)
		}
	}
	k.t.f.w.Note("%d stops", k.t.id)
}

func (k *trunk) Receive(ctx *actor.Context) {
	t, f := k.t, k.t.f
	if t.running != k {
		f.w.Failf("actor %d receives %v without being started", t.id, ctx.Message())
	}
	if t.busy {
		f.w.Failf("actor %d has two turns at once", t.id)
	}
	t.busy = true
	defer func() { t.busy = false }()
	switch m := ctx.Message().(type) {
	case leafMsg:
		if key := t.last[m.from]; m.n <= key {
			f.w.Failf("actor %d got message %d of %d after %d", t.id, m.n, m.from, key)
		}
		t.last[m.from] = m.n
		k.act(ctx)
	case actor.Terminated:
		target := t.watching[m.Ref]
		if target == nil {
			f.w.Failf("actor %d was told of the end of %v, which it doesn't watch or was told of before", t.id, m.Ref)
		}
		if target.running != nil {
			f.w.Failf("actor %d was told of the end of %d, which runs", t.id, target.id)
		}
		delete(t.watching, m.Ref)
		f.w.Note("%d is told of the end of %d", t.id, target.id)
	}
}

// act does one random thing.
func (k *trunk) act(ctx *actor.Context) {
	t, f := k.t, k.t.f
	alive := f.alive()
	other := alive[f.r.IntN(len(alive))]
	switch f.r.IntN(12) {
	case 0:
		if len(f.trees) < treesMax {
			f.plant(t, ctx)
		}
	case 1:
		ctx.Stop(ctx.Self())
	case 2:
		panic(errors.New("random"))
	case 3:
		ctx.Fail(errors.New("random"))
	case 4:
		if t.watching[other.pid] == nil && other != t {
			t.watching[other.pid] = other
			f.w.Note("%d watches %d", t.id, other.id)
			ctx.Watch(other.pid)
		}
	case 5:
		sleep(f.n, time.Duration(f.r.IntN(3000))*time.Microsecond)
	case 6:
		delay := time.Duration(f.r.IntN(2000)) * time.Microsecond
		actor.Go(ctx, func(context.Context) (int, error) { sleep(f.n, delay); return t.id, nil }, func(id int, err error) {
			if t.running != k || t.busy || id != t.id || err != nil {
				f.w.Failf("a continuation of actor %d came at a bad time", t.id)
			}
			f.tell(t, other)
		})
	default:
		f.tell(t, other)
		f.tell(t, f.trees[f.r.IntN(len(f.trees))])
	}
}

func (f *forest) alive() (alive []*tree) {
	for _, t := range f.trees {
		if t.running != nil {
			alive = append(alive, t)
		}
	}
	return alive
}

func (f *forest) tell(from, to *tree) {
	id := -1
	if from != nil {
		id = from.id
	}
	key := [2]int{id, to.id}
	f.sent[key]++
	to.pid.Tell(leafMsg{from: id, n: f.sent[key]})
}

// The promises of package actor: one turn at a time, order per sender, one
// Terminated per watch and not before the end, no life after the end, and a
// system that stops in order.
func TestActorsKeepTheirPromises(t *testing.T) {
	simtest.Run(t, 200, func(w *simtest.World) {
		n := w.Node("a")
		f := &forest{w: w, n: n, r: w.Rand("forest"), sent: map[[2]int]int{}}
		for range 5 {
			f.plant(nil, n.System())
		}
		for range 200 {
			alive := f.alive()
			if len(alive) < 8 {
				alive = append(alive, f.plant(nil, n.System()))
			}
			f.tell(nil, alive[f.r.IntN(len(alive))])
			w.Run(time.Duration(f.r.IntN(500)) * time.Microsecond)
		}
		w.Run(time.Second)
		for _, t := range f.trees {
			for pid, target := range t.watching {
				if t.running != nil && target.begun && target.running == nil {
					w.Failf("actor %d (%v) was never told of the end of %v", t.id, t.pid, pid)
				}
			}
		}
		require.NoError(w.T(), n.System().Stop(context.Background()))
		for _, t := range f.trees {
			if t.running != nil {
				w.Failf("actor %d outlives its system", t.id)
			}
		}
	})
}
