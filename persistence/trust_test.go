package persistence_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/testkit"
)

// says is a supervision that always says the same.
func says(d actor.Directive) actor.Supervise {
	return actor.Supervise{Decide: func(error) actor.Directive { return d }}
}

// After a failure of the store nothing is answered from what is in memory, whatever the
// supervisor says.
func TestEveryFailureOfTheStoreEndsTheIncarnation(t *testing.T) {
	for _, d := range []actor.Directive{actor.Resume, actor.Restart, actor.Stop} {
		for name, fault := range map[string]persistencetest.Fault{
			"refused": persistencetest.Refuse(), "in doubt and lost": persistencetest.DoubtLost(), "in doubt and kept": persistencetest.DoubtKept(),
			"in conflict": {Before: persistence.ErrConflict}, "an error of its own": {Before: errors.New("what?")},
		} {
			t.Run(d.String()+", "+name, func(t *testing.T) {
				sys, memory := system(t), persistence.NewMemory()
				store := persistencetest.NewFaulty(memory, once(persistencetest.OpAppend, 1, fault))
				ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store}, says(d))
				require.Equal(t, 1, ask(t, ref, deposit{Amount: 1}))
				_, err := actor.Ask(t.Context(), ref, deposit{Amount: 10})
				require.Error(t, err)
				if d == actor.Stop {
					gone(t, sys, ref)
					return
				}
				sum := 0
				for _, e := range stored(t, memory) {
					sum += e.(deposited).Amount
				}
				require.Equal(t, sum, ask(t, ref, balance{}), "the state is what is stored")
				require.Equal(t, sum+5, ask(t, ref, deposit{Amount: 5}))
			})
		}
	}
}

func TestAFailedRecoveryAnswersNothing(t *testing.T) {
	for _, d := range []actor.Directive{actor.Resume, actor.Stop, actor.Escalate} {
		for _, op := range []persistencetest.Op{persistencetest.OpClaim, persistencetest.OpReplay} {
			t.Run(d.String()+", "+string(op), func(t *testing.T) {
				sys := system(t)
				store := persistencetest.NewFaulty(persistence.NewMemory(), always(op, persistencetest.Refuse()))
				ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store}, says(d))
				_, err := actor.Ask(t.Context(), ref, balance{})
				require.Error(t, err)
				if d != actor.Escalate { // which ends the system
					require.ErrorIs(t, err, persistence.ErrUnavailable, "who asks learns why, at once")
				}
			})
		}
	}
}

// A panic of Evolve may have left a state that is half changed.
func TestAPanicOfEvolveEndsTheIncarnation(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store}, says(actor.Resume))
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, p)
	_, err := actor.Ask(t.Context(), ref, depositAll{Amounts: []int{1, -1}})
	require.ErrorContains(t, err, "negative deposit")
	require.ErrorContains(t, testkit.ExpectAs[persistence.Failed](p).Err, "negative deposit")
	require.Equal(t, 0, ask(t, ref, balance{}))
}

// A store that does not mind its context is left behind in time.
func TestTimeoutsHoldAgainstAStoreThatIgnoresThem(t *testing.T) {
	for _, op := range []persistencetest.Op{
		persistencetest.OpClaim, persistencetest.OpLoadSnapshot, persistencetest.OpReplay, persistencetest.OpAppend, persistencetest.OpSaveSnapshot,
	} {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys, let := system(t), make(chan struct{})
				defer close(let)
				store := persistencetest.NewFaulty(persistence.NewMemory(), once(op, 0, persistencetest.Fault{Hold: func(context.Context) { <-let }}))
				p := testkit.NewProbe(t, sys)
				actor.Subscribe[persistence.Failed](sys, p)
				begin := time.Now()
				ref := spawn(t, sys, snapshotting(p), persistence.Config[purse]{
					Journal: store, Snapshots: store, SnapshotEvery: 1, RecoveryTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second,
				}, actor.Supervise{MaxRestarts: -1})
				_, err := actor.Ask(t.Context(), ref, deposit{Amount: 1})
				if op == persistencetest.OpSaveSnapshot {
					require.NoError(t, err)
					err = testkit.ExpectAs[persistence.SnapshotFailed](p).Err
					require.Equal(t, 1, ask(t, ref, balance{}), "it goes on")
				} else {
					require.ErrorContains(t, testkit.ExpectAs[persistence.Failed](p).Err, "no answer of the store for 3s")
				}
				require.ErrorContains(t, err, "no answer of the store for 3s")
				require.Equal(t, op == persistencetest.OpAppend, errors.Is(err, persistence.ErrInDoubt))
				require.Equal(t, 3*time.Second, time.Since(begin))
			})
		})
	}
}

// remembering is a behaviour whose state is the events that Evolve saw.
type remembering struct {
	persistence.Effects[[]noted, noted]
}

type noted struct {
	At   time.Time
	Data []byte
	What any
	Next *noted
}

func (r remembering) Decide(s []noted, c noted) persistence.Effect[[]noted, noted] {
	if c.At.IsZero() {
		return r.Reply(s)
	}
	return r.Persist(c).ReplyWith(func(s []noted) any { return s })
}

func (remembering) Evolve(s []noted, e noted) []noted { return append(s, e) }

func TestEvolveSeesWhatARecoveryWillSee(t *testing.T) {
	reg := codec.NewRegistry()
	require.NoError(t, codec.Register[noted](reg, "noted"))
	require.NoError(t, codec.Register[[]noted](reg, "noteds"))
	sys, store := testkit.New(t, actor.Config{Registry: reg}), persistence.NewMemory()
	make := func() actor.Ref[noted] {
		return testkit.Must(actor.SpawnTyped(sys, "", func() actor.Receiver[noted] {
			return persistence.New(remembering{}, persistence.Config[[]noted]{ID: "n", Journal: store})
		}))
	}
	ref, shared := make(), []byte{1}
	local := time.Now().In(time.FixedZone("elsewhere", 3600))
	live, err := actor.AskAs[[]noted](t.Context(), ref, noted{At: local, Data: shared, What: []string{"a"}, Next: &noted{What: 7}})
	require.NoError(t, err)
	shared[0] = 9
	require.Equal(t, noted{At: local.UTC().Round(0), Data: []byte{1}, What: []any{"a"}, Next: &noted{What: int64(7)}}, live[0])
	sys.StopActor(ref)
	again, err := actor.AskAs[[]noted](t.Context(), make(), noted{})
	require.NoError(t, err)
	require.Equal(t, live, again)
}

// ghost can be written, but not be read again.
type ghost struct{ N int }

func (ghost) isEvent()                                       {}
func (ghost) AppendWire(codec.Scope, []byte) ([]byte, error) { return nil, nil }
func (*ghost) DecodeWire(codec.Scope, []byte) error          { return errors.New("never") }

// eager is a wallet that stores whatever it is told to.
type eager struct {
	wallet
	event func(n int) event
}

func (e eager) Decide(s purse, c command) persistence.Effect[purse, event] {
	if d, ok := c.(deposit); ok && d.Amount > 1000 {
		return e.Persist(deposited{1}, e.event(d.Amount)).Reply("stored")
	}
	return e.wallet.Decide(s, c)
}

func (e eager) Evolve(s purse, ev event) purse {
	if _, ok := ev.(word); ok {
		return s
	}
	return e.wallet.Evolve(s, ev)
}

type word struct{ Text string }

func (word) isEvent() {}

// A command that is too large or invalid costs its sender an error and nobody a restart.
func TestWhatNoStoreTakesIsAnErrorOfItsCommand(t *testing.T) {
	for name, c := range map[string]struct {
		event func(n int) event
		is    error
		says  string
	}{
		"can't be read again": {func(int) event { return ghost{} }, codec.ErrMalformed, "could not be read again, so it isn't stored"},
		"not registered":      {func(int) event { return frozenSolid{} }, codec.ErrUnregistered, "frozenSolid"},
		"too large":           {func(n int) event { return word{strings.Repeat("x", n)} }, codec.ErrTooLarge, "raise it with codec.MaxSize"},
		"too large to store":  {func(n int) event { return loud{word{strings.Repeat("x", n)}} }, persistence.ErrInvalid, "at most 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := registry(t)
			require.NoError(t, codec.Register[ghost](reg, "ghost"))
			require.NoError(t, codec.Register[word](reg, "word"))
			require.NoError(t, codec.Register[loud](reg, "loud", codec.MaxSize(8<<20)))
			sys, store := testkit.New(t, actor.Config{Registry: reg}), persistence.NewMemory()
			began := 0
			ref, err := actor.SpawnTyped(sys, "", func() actor.Receiver[command] {
				began++
				return persistence.New(eager{event: c.event}, persistence.Config[purse]{ID: id, Journal: store})
			}, actor.Supervise{MaxRestarts: 1})
			require.NoError(t, err)
			for range 5 {
				_, err := actor.Ask(t.Context(), ref, deposit{Amount: 2 << 20})
				require.ErrorIs(t, err, c.is)
				require.ErrorContains(t, err, c.says)
			}
			ref.Tell(deposit{Amount: 2 << 20}) // nobody waits for the answer
			require.Equal(t, 1, ask(t, ref, deposit{Amount: 1}), "nothing of it was stored")
			require.Equal(t, 1, began)
		})
	}
}

type frozenSolid struct{ On bool }

func (frozenSolid) isEvent() {}

type loud struct{ Word word }

func (loud) isEvent() {}

// A snapshot of a type that isn't registered any more costs time, as long as the events
// are there; where they aren't, the error names the cure.
func TestASnapshotThatCantBeReadIsPassedOver(t *testing.T) {
	for _, c := range []struct {
		name   string
		events bool // are there
	}{{"the events are there", true}, {"the events were deleted", false}} {
		t.Run(c.name, func(t *testing.T) {
			store := persistence.NewMemory()
			cfg := persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 2, SnapshotsKept: 1, DeleteEvents: !c.events}
			sys := system(t)
			p := testkit.NewProbe(t, sys)
			ref := spawn(t, sys, snapshotting(p), cfg)
			for n := range 5 {
				require.Equal(t, n+1, ask(t, ref, deposit{Amount: 1}))
				if n%2 == 1 {
					p.Expect(persistence.SnapshotSaved{Seq: uint64(n + 1)})
				}
			}
			live := ask(t, ref, look{})
			sys.StopActor(ref)
			gone(t, sys, ref)

			reg := codec.NewRegistry()
			require.NoError(t, errors.Join(codec.Register[deposited](reg, "wallet.Deposited.v1"), codec.Register[purse](reg, "wallet.Purse.v2")))
			next := testkit.New(t, actor.Config{Registry: reg})
			q := testkit.NewProbe(t, next)
			actor.Subscribe[persistence.Failed](next, q)
			ref = spawn(t, next, snapshotting(q), cfg)
			if !c.events {
				failed := testkit.ExpectAs[persistence.Failed](q)
				require.ErrorIs(t, failed.Err, codec.ErrUnregistered)
				require.ErrorContains(t, failed.Err, "they were deleted")
				require.ErrorContains(t, failed.Err, "codec.Alias")
				return
			}
			q.Expect(persistence.SnapshotSaved{Seq: 5}) // one that can be read takes its place
			require.Equal(t, live, ask(t, ref, look{}))
		})
	}
}

// Retention goes by the snapshots that exist, also where a list of events has crossed
// several points at which one was due.
func TestRetentionCountsTheSnapshotsThatExist(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	p := testkit.NewProbe(t, sys)
	cfg := persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 2, DeleteEvents: true}
	ref := spawn(t, sys, snapshotting(p), cfg)
	left := func() (seqs []uint64) {
		for to := persistence.SeqMax; ; {
			s, err := store.LoadSnapshot(t.Context(), id, to)
			require.NoError(t, err)
			if s.Seq == 0 {
				return seqs
			}
			seqs, to = append(seqs, s.Seq), s.Seq-1
		}
	}
	for n, want := range [][]uint64{{7}, {14, 7}, {21, 14, 7}, {28, 21, 14}} {
		require.Equal(t, 7*(n+1), ask(t, ref, depositAll{Amounts: []int{1, 1, 1, 1, 1, 1, 1}}))
		p.Expect(persistence.SnapshotSaved{Seq: uint64(7 * (n + 1))})
		require.Equal(t, want, left())
	}
	sys.StopActor(ref)
	gone(t, sys, ref)
	ref = spawn(t, sys, snapshotting(p), cfg) // which knows of one only
	require.Equal(t, 29, ask(t, ref, deposit{Amount: 1}))
	require.Equal(t, 31, ask(t, ref, depositAll{Amounts: []int{1, 1}}))
	p.Expect(persistence.SnapshotSaved{Seq: 31})
	require.Equal(t, []uint64{31, 28, 21}, left())
	for e, err := range store.Replay(t.Context(), id, 1, persistence.SeqMax) {
		require.NoError(t, err)
		require.Equal(t, uint64(22), e.Seq, "the events behind the oldest one are there")
		break
	}
}
