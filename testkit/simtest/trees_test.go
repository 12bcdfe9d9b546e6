package simtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// grove is a tree of supervisors that fail in every hook and in every way. What it
// must keep is checked by oracles that see nothing but the observer's view.
type grove struct {
	w      *simtest.World
	n      *simtest.Node
	sys    *actor.System
	r      *rand.Rand
	limbs  []*limb
	life   testkit.LifeCycle
	ledger testkit.Ledger
	budget map[actor.PID]*budget
	calm   bool // no mishaps any more
}

// limb is one actor of the grove, over all of its lives.
type limb struct {
	parent *limb
	g      *grove
	id     int
	pid    actor.PID
	group  *actor.Group // of its children, in the present life
	watch  map[actor.PID]*limb
}

// twig is one life of a limb.
type twig struct{ *limb }

type (
	stir struct{}            // do something drawn
	roll struct{ n int }     // a call that everybody answers once it is calm
	note struct{ from int }  // an adapter's
	over struct{ who *limb } // instead of a Terminated
)

const limbsMax = 250

var errDrawn = errors.New("drawn")

func (g *grove) grow(at actor.Spawner, parent *limb) *limb {
	l := &limb{g: g, id: len(g.limbs), parent: parent, watch: map[actor.PID]*limb{}}
	name := ""
	if g.r.IntN(2) == 0 {
		name = string(rune('a' + g.r.IntN(4)))
	}
	pid, err := at.Spawn(name, func() actor.Actor {
		if g.mishap(24) == errDrawn {
			return nil // a factory that fails
		}
		return &twig{l}
	}, g.options(parent == nil)...)
	if err != nil {
		if !errors.Is(err, actor.ErrStopped) && !errors.Is(err, actor.ErrNameTaken) {
			g.w.Failf("spawn: %v", err)
		}
		return nil
	}
	l.pid = pid
	g.limbs = append(g.limbs, l)
	return l
}

// options draws supervision and mailbox.
func (g *grove) options(root bool) []actor.SpawnOption {
	s := actor.Supervise{MaxRestarts: g.r.IntN(5) - 1}
	if g.r.IntN(2) == 0 {
		s.Within = time.Duration(1+g.r.IntN(50)) * time.Millisecond
	}
	if g.r.IntN(2) == 0 {
		s.Backoff = actor.Backoff{Min: time.Duration(1+g.r.IntN(3)) * time.Millisecond, Max: 20 * time.Millisecond}
	}
	directives := []func(error) actor.Directive{nil, nil, nil, restarts, resumes, stops, byKind, escalates}
	if root {
		directives = directives[:7] // an escalation from there ends the system
	}
	s.Decide = directives[g.r.IntN(len(directives))]
	opts := []actor.SpawnOption{s, actor.StashMax(g.r.IntN(4))}
	switch g.r.IntN(6) {
	case 0:
		opts = append(opts, actor.Bounded(1+g.r.IntN(4)))
	case 1:
		opts = append(opts, actor.Mailbox{Max: 1 + g.r.IntN(4), Overflow: actor.DropOldest, Priority: func(any) int { return 0 }})
	case 2:
		opts = append(opts, actor.Mailbox{Max: 1 + g.r.IntN(4), Overflow: actor.BlockSender, Wait: time.Millisecond})
	case 3:
		opts = append(opts, actor.Lifetime(time.Duration(1+g.r.IntN(40))*time.Millisecond))
	}
	return opts
}

func restarts(error) actor.Directive { return actor.Restart }

// byKind resumes after a panic, stops after a failed start, restarts otherwise.
func byKind(err error) actor.Directive {
	var start *actor.StartError
	var panicked *actor.PanicError
	switch {
	case errors.As(err, &start):
		return actor.Stop
	case errors.As(err, &panicked):
		return actor.Resume
	}
	return actor.Restart
}

// mishap fails in one of so many cases: with a panic, by ending the goroutine, or
// with the error that it returns.
func (g *grove) mishap(in int) error {
	if g.calm || g.r.IntN(in) > 0 {
		return nil
	}
	switch g.r.IntN(3) {
	case 0:
		panic("drawn")
	case 1:
		runtime.Goexit()
	}
	return errDrawn
}

func (t *twig) PreStart(ctx *actor.Context) error {
	t.group = nil
	for _, l := range t.g.limbs {
		if l.parent == t.limb { // a restart ends the watches of what it stops itself
			delete(t.watch, l.pid)
		}
	}
	if t.g.r.IntN(3) == 0 {
		ctx.Every(time.Duration(1+t.g.r.IntN(5))*time.Millisecond, stir{})
	}
	if err := t.g.mishap(8); err != nil && t.g.r.IntN(2) == 0 {
		ctx.Fail(err)
		return nil
	} else if err != nil {
		return err
	}
	if t.g.r.IntN(3) == 0 && len(t.g.limbs) < limbsMax {
		t.g.grow(ctx, t.limb)
	}
	return nil
}

func (t *twig) PostStop(ctx *actor.Context) {
	if t.g.r.IntN(4) == 0 {
		ctx.Tell(t.g.any().pid, stir{})
	}
	if err := t.g.mishap(6); err != nil {
		ctx.Fail(err)
	}
}

func (t *twig) PreRestart(ctx *actor.Context, _ error) {
	if err := t.g.mishap(6); err != nil {
		ctx.Fail(err)
	}
}

func (t *twig) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case roll:
		ctx.Reply(m)
	case actor.Terminated:
		delete(t.watch, m.Ref)
		if !t.g.calm && t.g.r.IntN(10) == 0 {
			ctx.Unhandled() // a death pact
		}
	case over:
		delete(t.watch, m.who.pid)
	case note, actor.ReceiveTimeout:
	default:
		if !t.g.calm {
			t.stir(ctx)
		}
	}
}

// any returns a limb, alive or not.
func (g *grove) any() *limb { return g.limbs[g.r.IntN(len(g.limbs))] }

// stir does one thing drawn.
func (t *twig) stir(ctx *actor.Context) {
	g, other := t.g, t.g.any()
	switch g.r.IntN(22) {
	case 0, 1, 2:
		if len(g.limbs) < limbsMax {
			g.grow(t.nursery(ctx), t.limb)
		}
	case 3:
		if g.r.IntN(2) == 0 {
			other = t.limb
		}
		ctx.Stop(other.pid)
	case 4:
		ctx.Tell(other.pid, [...]any{actor.PoisonPill{}, actor.Kill{}, actor.Identify{ID: 1}}[g.r.IntN(3)])
	case 5, 6:
		ctx.Fail(g.mishap(1))
	case 7:
		ctx.Abort(errDrawn)
	case 8, 9:
		if t.watch[other.pid] == nil && other != t.limb {
			t.watch[other.pid] = other
			if g.r.IntN(2) == 0 {
				ctx.Watch(other.pid)
			} else {
				ctx.WatchWith(other.pid, over{other})
			}
		}
	case 10:
		delete(t.watch, other.pid)
		ctx.Unwatch(other.pid)
	case 11, 12:
		_ = ctx.Stash() // a full stash makes it a dead letter
	case 13:
		ctx.UnstashAll()
	case 14:
		ctx.BecomeStacked(t.Receive)
	case 15:
		ctx.SetReceiveTimeout(time.Duration(g.r.IntN(4)) * time.Millisecond)
	case 16:
		ref := actor.Adapt(ctx, func(n note) any { _ = g.mishap(4); return n })
		ref.Tell(note{t.id})
	default:
		t.elsewhere(ctx, other)
	}
	ctx.Tell(g.any().pid, stir{})
}

// nursery returns where children of this life are put: some share their fate.
func (t *twig) nursery(ctx *actor.Context) actor.Spawner {
	switch t.g.r.IntN(3) {
	case 0:
		return ctx
	case 1:
		t.group = nil
	}
	if t.group == nil {
		t.group = ctx.Group(actor.Supervise{Scope: actor.AllForOne, MaxRestarts: 3, Within: 20 * time.Millisecond})
	}
	return inGroup{t.group}
}

// inGroup leaves the supervision to the group, so the budget isn't the member's.
type inGroup struct{ *actor.Group }

func (i inGroup) Spawn(name string, factory func() actor.Actor, opts ...actor.SpawnOption) (actor.PID, error) {
	return i.Group.Spawn(name, factory, slices.DeleteFunc(opts, func(o actor.SpawnOption) bool {
		_, own := o.(actor.Supervise)
		return own
	})...)
}

// elsewhere has something to do with time, or with another goroutine.
func (t *twig) elsewhere(ctx *actor.Context, other *limb) {
	g := t.g
	delay := time.Duration(g.r.IntN(2000)) * time.Microsecond
	switch g.r.IntN(4) {
	case 0:
		ctx.After(delay, stir{})
	case 1:
		actor.Go(ctx, func(context.Context) (int, error) { sleep(g.n, delay); return 0, g.mishap(4) },
			func(int, error) { ctx.Fail(g.mishap(4)) })
	case 2:
		actor.Await(ctx, func(context.Context) (int, error) { sleep(g.n, delay); return 0, nil },
			func(int, error) { ctx.Fail(g.mishap(4)) })
	default:
		actor.AskAsThen(ctx, other.pid, any(roll{}), func(roll, error) { ctx.Fail(g.mishap(6)) })
	}
}

// budget checks that an actor is not restarted more often than its supervision
// allows. A restart that was allowed comes at or after its failure, so the first
// of most+1 failures and the last of their restarts are at least within apart.
type budget struct {
	most    int
	within  time.Duration
	begun   bool
	failed  time.Time   // the last failure
	answers []time.Time // failures that were answered by a restart
	off     bool        // the actor shares the budget of others, or is resumed
}

func newBudget(s actor.Supervise) *budget {
	b := &budget{most: s.MaxRestarts, within: s.Within, off: s.Scope == actor.AllForOne}
	for _, err := range []error{errDrawn, &actor.PanicError{}, &actor.StartError{}} {
		b.off = b.off || s.Decide != nil && s.Decide(err) == actor.Resume
	}
	return b
}

// starts notes a start and says what is wrong with it.
func (b *budget) starts(at time.Time) string {
	if first := !b.begun; first || b.off || b.most == 0 {
		b.begun = true
		return ""
	}
	b.answers = append(b.answers, b.failed)
	n := len(b.answers)
	switch {
	case b.most < 0:
		return "it may never be restarted"
	case n <= b.most:
		return ""
	case b.within == 0:
		return fmt.Sprintf("%d restarts, where %d are allowed", n, b.most)
	}
	if since := at.Sub(b.answers[n-1-b.most]); since < b.within {
		return fmt.Sprintf("%d restarts within %v, where %d are allowed in %v", b.most+1, since, b.most, b.within)
	}
	return ""
}

// Name implements simtest.Checker.
func (g *grove) Name() string { return "AC-4, AC-5 order of life" }

// Check implements simtest.Checker.
func (g *grove) Check(*simtest.World) error {
	if broken := g.life.Broken(); len(broken) > 0 {
		return errors.New(strings.Join(broken, "; "))
	}
	return nil
}

// observer watches over the budgets.
func (g *grove) observer() *actor.Observer {
	return &actor.Observer{
		Spawn: func(s actor.Spawning) func() actor.Actor {
			b := newBudget(s.Supervise)
			g.budget[s.Child] = b
			return func() actor.Actor {
				if wrong := b.starts(g.sys.Clock().Now()); wrong != "" {
					g.w.Failf("%v is restarted too often: %s", s.Child, wrong)
				}
				return s.Factory()
			}
		},
		Act: func(a actor.Act) {
			if b := g.budget[a.Actor]; b != nil && a.Kind == actor.ActFailed {
				b.failed = g.sys.Clock().Now()
			}
		},
	}
}

// storm lets things happen for a while.
func (g *grove) storm() {
	for range 3 {
		g.grow(g.sys, nil)
	}
	for range 150 {
		if len(g.limbs) < 5 || g.r.IntN(8) == 0 && len(g.limbs) < limbsMax {
			g.grow(g.sys, nil)
		}
		if len(g.limbs) > 0 {
			g.any().pid.Tell(stir{})
			g.limbs[len(g.limbs)-1].pid.Tell(stir{})
		}
		g.w.Run(time.Duration(g.r.IntN(1500)) * time.Microsecond)
	}
}

// aftermath checks what has to hold when nothing fails any more: everybody
// answers or has ended, and whoever ended is known to have.
func (g *grove) aftermath() {
	g.calm = true
	g.w.Run(3 * time.Second)
	alive := map[actor.PID]bool{}
	for a := range g.sys.Tree() {
		alive[a.Ref] = true
	}
	for _, l := range g.limbs {
		if !alive[l.pid] {
			continue
		}
		if _, err := actor.AskAs[roll](g.w.T().Context(), l.pid, any(roll{l.id})); err != nil && !errors.Is(err, actor.ErrDeadLetter) {
			g.w.Failf("%v lives and doesn't answer: %v", l.pid, err)
		}
		for pid, target := range l.watch {
			if !alive[pid] && alive[l.pid] {
				g.w.Failf("%v was never told of the end of %v (%d)", l.pid, pid, target.id)
			}
		}
	}
}

// Trees of actors that fail in every hook, by errors, panics and the end of their
// goroutine, under all kinds of supervision, keep the order of life, tell of every
// end once, lose no message, and keep to their budgets of restarts: AC-1, AC-3 to
// AC-7.
func TestSupervisionTreesInAStorm(t *testing.T) {
	simtest.Run(t, 40, func(w *simtest.World) {
		n := w.Node("a")
		g := &grove{w: w, n: n, r: w.Rand("grove"), budget: map[actor.PID]*budget{}}
		cfg := n.Config()
		cfg.Observer = testkit.Together(g.life.Observer(), g.ledger.Observer(), g.observer())
		sys, err := actor.NewSystem("sim", cfg)
		require.NoError(w.T(), err)
		g.sys = sys
		w.Watch(g)
		g.storm()
		if g.r.IntN(2) == 0 { // others are stopped in the midst of it
			g.aftermath()
		}
		g.calm = g.calm || g.r.IntN(2) == 0
		require.NoError(w.T(), sys.Stop(context.Background()))
		g.life.CheckEnd(w.T())
		g.ledger.Check(w.T(), sys)
	})
}
