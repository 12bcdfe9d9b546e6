package persistence_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/testkit"
)

type op = persistencetest.Op

// once makes the nth call of one op fail.
func once(which op, n int, f persistencetest.Fault) func(op, string, int) persistencetest.Fault {
	return func(o op, _ string, count int) persistencetest.Fault {
		if o == which && count == n {
			return f
		}
		return persistencetest.Fault{}
	}
}

// always makes every call of one op fail.
func always(which op, f persistencetest.Fault) func(op, string, int) persistencetest.Fault {
	return func(o op, _ string, _ int) persistencetest.Fault {
		if o == which {
			return f
		}
		return persistencetest.Fault{}
	}
}

// P001: persist, state, replies; recover after a restart.
func TestStateSurvivesTheActor(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	require.Equal(t, 10, ask(t, ref, deposit{Amount: 10}))
	require.Equal(t, 7, ask(t, ref, withdraw{Amount: 3}))
	require.Equal(t, 7, ask(t, ref, balance{}))
	require.Equal(t, 17, ask(t, ref, depositAll{Amounts: []int{4, 6}}))
	require.Equal(t, 17, ask(t, ref, depositAll{}), "no events: nothing is stored")
	_, err := actor.Ask(t.Context(), ref, withdraw{Amount: 100})
	require.ErrorIs(t, err, errBroke)
	sys.StopActor(ref)
	gone(t, sys, ref)

	require.Equal(t, []event{deposited{10}, withdrawn{3}, deposited{4}, deposited{6}}, stored(t, store))
	again := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	require.Equal(t, purse{Balance: 17, History: []int{10, -3, 4, 6}}, ask(t, again, look{}))
	for e, err := range store.Replay(t.Context(), id, 1, 2) {
		require.NoError(t, err)
		require.Equal(t, e.Seq == 1, len(e.Tags) == 1, "tags of event %d: %v", e.Seq, e.Tags)
		require.False(t, e.Time.IsZero())
	}
}

// P003, P013: what becomes of commands that aren't simply done.
func TestStashUnhandledStop(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[actor.Unhandled](sys, p)
	for _, c := range []command{
		deposit{Amount: 1}, freeze{On: true}, deposit{Amount: 2}, deposit{Amount: 3}, freeze{On: true}, nonsense{}, freeze{}, deposit{Amount: 4}, freeze{}, deposit{Amount: 5},
	} {
		p.Tell(ref, c)
	}
	p.Expect(1)
	p.Expect(3) // the stashed ones, in order, before the others
	p.Expect(6) // then they froze it again, and it was thawed again
	require.IsType(t, actor.Unhandled{}, p.Next())
	p.Expect(10)
	p.Expect(15)
	require.Equal(t, "bye", ask(t, ref, leave{}))
	gone(t, sys, ref)
	require.Equal(t, withdrawn{15}, stored(t, store)[len(stored(t, store))-1])
}

// PS-6: commands that come while events are being stored are handled later, in
// order, and none is lost; a PoisonPill waits its turn.
func TestCommandsWaitWhilePersisting(t *testing.T) {
	sys, reached, let := system(t), make(chan struct{}), make(chan struct{})
	memory := persistence.NewMemory()
	store := persistencetest.NewFaulty(memory, once(persistencetest.OpAppend, 0, persistencetest.Fault{
		Hold: func(context.Context) { close(reached); <-let },
	}))
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	p := testkit.NewProbe(t, sys)
	const commands = 500
	for n := range commands {
		p.Tell(ref, deposit{Amount: n})
	}
	p.Tell(ref, actor.PoisonPill{})
	<-reached
	require.Empty(t, stored(t, memory), "no reply, no event yet")
	close(let)
	sum := 0
	for n := range commands {
		sum += n
		p.Expect(sum)
	}
	gone(t, sys, ref)
	events := stored(t, memory)
	require.Len(t, events, commands)
	for n, e := range events {
		require.Equal(t, deposited{n}, e)
	}
}

// P005: commands that come before or during recovery are handled once, after it.
func TestCommandsWaitForRecovery(t *testing.T) {
	sys, reached, let := system(t), make(chan struct{}), make(chan struct{})
	memory := persistence.NewMemory()
	store := persistencetest.NewFaulty(memory, once(persistencetest.OpClaim, 0, persistencetest.Fault{
		Hold: func(context.Context) { close(reached); <-let },
	}))
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	p := testkit.NewProbe(t, sys)
	p.Tell(ref, deposit{Amount: 1})
	<-reached
	p.Tell(ref, deposit{Amount: 2})
	close(let)
	p.Expect(1)
	p.Expect(3)
}

// PS-3, P008: whatever an append that failed did, the actor goes on from what
// is stored.
func TestFailedAppend(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault persistencetest.Fault
		is    error
		after int
	}{
		{"refused", persistencetest.Refuse(), persistence.ErrUnavailable, 10},
		{"in doubt and lost", persistencetest.DoubtLost(), persistence.ErrInDoubt, 10},
		{"in doubt and kept", persistencetest.DoubtKept(), persistence.ErrInDoubt, 15},
		{"in conflict", persistencetest.Fault{Before: persistence.ErrConflict}, persistence.ErrConflict, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := system(t)
			store := persistencetest.NewFaulty(persistence.NewMemory(), once(persistencetest.OpAppend, 1, c.fault))
			ran := 0
			ref := spawn(t, sys, wallet{then: func() { ran++ }}, persistence.Config[purse]{Journal: store})
			require.Equal(t, 10, ask(t, ref, deposit{Amount: 10}))
			_, err := actor.Ask(t.Context(), ref, deposit{Amount: 5})
			require.ErrorIs(t, err, c.is)
			var failure *persistence.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, persistence.Error{ID: id, Step: "persist", Seq: 1, Err: failure.Err}, *failure)
			require.Equal(t, c.after, ask(t, ref, balance{}))
			require.Equal(t, c.after+1, ask(t, ref, deposit{Amount: 1}))
			require.Equal(t, 2, ran, "effects ran for acknowledged events only")
			require.Equal(t, 2, store.Count(persistencetest.OpClaim), "it recovered by reading")
		})
	}
}

// SG-5, PS-1: an owner that was replaced stops, whatever its supervision says.
func TestFencedOwnerStops(t *testing.T) {
	first, second := actor.Epoch{Cluster: 1, Count: 1}, actor.Epoch{Cluster: 1, Count: 2}
	patient := actor.Supervise{Backoff: actor.Backoff{Min: time.Millisecond, Max: time.Millisecond}}
	t.Run("by its next write", func(t *testing.T) {
		sys, store := system(t), persistence.NewMemory()
		p := testkit.NewProbe(t, sys)
		actor.Subscribe[persistence.Failed](sys, p)
		old := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: first}, patient)
		require.Equal(t, 1, ask(t, old, deposit{Amount: 1}))
		now := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: second})
		require.Equal(t, 1, ask(t, now, balance{}))
		_, err := actor.Ask(t.Context(), old, deposit{Amount: 100})
		require.ErrorIs(t, err, persistence.ErrFenced)
		gone(t, sys, old)
		failed := testkit.ExpectAs[persistence.Failed](p)
		require.Equal(t, old.PID(), failed.Ref)
		require.Equal(t, id, failed.ID)
		require.ErrorIs(t, failed.Err, persistence.ErrFenced)
		require.Equal(t, 3, ask(t, now, deposit{Amount: 2}))
		require.Equal(t, []event{deposited{1}, deposited{2}}, stored(t, store))
	})
	t.Run("and its supervisor knows why, but can't keep it", func(t *testing.T) {
		sys, store := system(t), persistence.NewMemory()
		why := make(chan error, 10)
		old := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: first},
			actor.Supervise{Decide: func(err error) actor.Directive { why <- err; return actor.Restart }})
		require.Equal(t, 1, ask(t, old, deposit{Amount: 1}))
		_, err := store.Claim(t.Context(), id, second)
		require.NoError(t, err)
		old.Tell(deposit{Amount: 1})
		gone(t, sys, old)
		require.ErrorIs(t, <-why, persistence.ErrFenced)
		require.Empty(t, why)
	})
	t.Run("in its recovery", func(t *testing.T) {
		sys, store := system(t), persistence.NewMemory()
		_, err := store.Claim(t.Context(), id, second)
		require.NoError(t, err)
		gone(t, sys, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: first}, patient))
		gone(t, sys, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store}, patient))
	})
	t.Run("by its snapshot", func(t *testing.T) {
		sys, memory := system(t), persistence.NewMemory()
		reached, let := make(chan struct{}), make(chan struct{})
		store := persistencetest.NewFaulty(memory, once(persistencetest.OpSaveSnapshot, 0, persistencetest.Fault{
			Hold: func(context.Context) { close(reached); <-let },
		}))
		old := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 1, Epoch: first}, patient)
		require.Equal(t, 1, ask(t, old, deposit{Amount: 1}))
		<-reached
		_, err := memory.Claim(t.Context(), id, second)
		require.NoError(t, err)
		close(let)
		gone(t, sys, old)
	})
}

// F-18: with a backoff, an actor comes back when its journal does, and its
// commands are still there; without, a recovery that fails is the end.
func TestJournalAwayForAMinute(t *testing.T) {
	clock := testkit.NewClock()
	sys := testkit.New(t, actor.Config{Registry: registry(t), Clock: clock})
	store := persistencetest.NewFaulty(persistence.NewMemory(), always(persistencetest.OpClaim, persistencetest.Refuse()))
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, p)
	cfg := persistence.Config[purse]{Journal: store}
	// With less, two restarts would fit into one move of the clock.
	ref := spawn(t, sys, wallet{}, cfg, actor.Supervise{Backoff: actor.Backoff{Min: 10 * time.Second, Max: 10 * time.Second}})
	for range 6 {
		failed := testkit.ExpectAs[persistence.Failed](p)
		require.ErrorIs(t, failed.Err, persistence.ErrRecovery)
		require.ErrorIs(t, failed.Err, persistence.ErrUnavailable)
		p.Tell(ref, deposit{Amount: 1})
		advanceWhenPending(clock, 12*time.Second)
	}
	testkit.ExpectAs[persistence.Failed](p)
	store.Decide(nil)
	advanceWhenPending(clock, 12*time.Second)
	for n := range 6 {
		p.Expect(n + 1)
	}

	store.Decide(always(persistencetest.OpReplay, persistencetest.Refuse()))
	gone(t, sys, spawn(t, sys, wallet{}, cfg))
}

// advanceWhenPending moves the clock as soon as a timer waits for it.
func advanceWhenPending(clock *testkit.Clock, d time.Duration) {
	for clock.Pending() == 0 {
		yield()
	}
	clock.Advance(d)
}

// P006: a store that doesn't answer fails the recovery; one that is slow but
// gets on doesn't.
func TestTimeouts(t *testing.T) {
	clock := testkit.NewClock()
	sys := testkit.New(t, actor.Config{Registry: registry(t), Clock: clock})
	hang := persistencetest.Fault{Hold: func(ctx context.Context) { <-ctx.Done() }, Before: errors.New("interrupted")}
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, p)

	store := persistencetest.NewFaulty(persistence.NewMemory(), always(persistencetest.OpClaim, hang))
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, RecoveryTimeout: 3 * time.Second})
	advanceWhenPending(clock, 3*time.Second)
	gone(t, sys, ref)
	require.ErrorContains(t, testkit.ExpectAs[persistence.Failed](p).Err, "no answer of the store for 3s")

	let := make(chan struct{})
	store.Decide(func(o op, _ string, _ int) persistencetest.Fault {
		if o != persistencetest.OpClaim && o != persistencetest.OpReplay {
			return persistencetest.Fault{}
		}
		return persistencetest.Fault{Hold: func(context.Context) { let <- struct{}{}; <-let }}
	})
	ref = spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, RecoveryTimeout: 3 * time.Second})
	for range 2 { // the claim, the replay: each takes two seconds
		<-let
		advanceWhenPending(clock, 2*time.Second)
		let <- struct{}{}
	}
	require.Equal(t, 0, ask(t, ref, balance{}))

	store.Decide(always(persistencetest.OpAppend, hang))
	ref = spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, WriteTimeout: 4 * time.Second})
	require.Equal(t, 0, ask(t, ref, balance{}))
	p.Tell(ref, deposit{Amount: 1})
	advanceWhenPending(clock, 4*time.Second)
	require.ErrorContains(t, testkit.ExpectAs[actor.Failure](p).Err, "no answer of the store for 4s")
	require.ErrorContains(t, testkit.ExpectAs[persistence.Failed](p).Err, `persist of "wallet/ada" at event 0`)
}

// P007, P008: what can be known at the start is reported at the start.
func TestFailedStart(t *testing.T) {
	store := persistence.NewMemory()
	for name, c := range map[string]struct {
		receiver func() actor.Receiver[command]
		says     string
	}{
		"no id": {func() actor.Receiver[command] {
			return persistence.New(wallet{}, persistence.Config[purse]{Journal: store})
		}, "persistence id is empty"},
		"no journal": {func() actor.Receiver[command] { return persistence.New(wallet{}, persistence.Config[purse]{ID: id}) }, "set Config.Journal"},
		"no snapshots": {func() actor.Receiver[command] {
			return persistence.New(wallet{}, persistence.Config[purse]{ID: id, Journal: store, SnapshotEvery: 1})
		}, "set Config.Snapshots"},
		"negative": {func() actor.Receiver[command] {
			return persistence.New(wallet{}, persistence.Config[purse]{ID: id, Journal: store, SnapshotEvery: -1})
		}, "SnapshotEvery"},
		"no copy left": {func() actor.Receiver[command] {
			return persistence.New(wallet{}, persistence.Config[purse]{ID: id, Journal: store, DeleteEvents: true})
		}, "only copy"},
		"no behaviour": {func() actor.Receiver[command] {
			return persistence.New[purse, command, event](nil, persistence.Config[purse]{ID: id, Journal: store})
		}, "no behaviour"},
		"unknown event": {func() actor.Receiver[command] {
			return persistence.New(counter{}, persistence.Config[int]{ID: id, Journal: store})
		}, "counted"},
		"unknown states": {func() actor.Receiver[command] {
			return persistence.New(opaque{}, persistence.Config[hidden]{ID: id, Journal: store, Snapshots: store, SnapshotEvery: 1})
		}, "hidden"},
	} {
		t.Run(name, func(t *testing.T) {
			sys := system(t)
			started := make(chan error, 1)
			ref, err := actor.SpawnTyped(sys, "", c.receiver, actor.Supervise{Decide: func(err error) actor.Directive {
				started <- err
				return actor.Stop
			}})
			require.NoError(t, err)
			gone(t, sys, ref)
			require.ErrorContains(t, <-started, c.says)
		})
	}
}

// counter has an event type that nobody registered.
type counter struct {
	persistence.Effects[int, counted]
}

type counted struct{ N int }

func (c counter) Decide(int, command) persistence.Effect[int, counted] { return c.None() }
func (counter) Evolve(s int, _ counted) int                            { return s }

// opaque has a state type that nobody registered.
type opaque struct {
	persistence.Effects[hidden, event]
}

type hidden struct{ N int }

func (o opaque) Decide(hidden, command) persistence.Effect[hidden, event] { return o.None() }
func (opaque) Evolve(s hidden, _ event) hidden                            { return s }

// P008: an event that Evolve or the codec can't take is not stored, and a
// panic in Decide costs nothing but its command.
func TestBadCommandsStoreNothing(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
	require.Equal(t, 5, ask(t, ref, deposit{Amount: 5}))
	ref.Tell(depositAll{Amounts: []int{1, -1}})
	ref.Tell(explode{})
	require.Equal(t, 5, ask(t, ref, balance{}))
	require.Equal(t, []event{deposited{5}}, stored(t, store))

	bare := testkit.New(t, actor.Config{Registry: codec.NewRegistry()})
	poor := spawn(t, bare, wallet{}, persistence.Config[purse]{ID: "wallet/poor", Journal: store})
	_, err := actor.Ask(t.Context(), poor, deposit{Amount: 5})
	require.ErrorIs(t, err, codec.ErrUnregistered)
	highest, err := store.HighestSeq(t.Context(), "wallet/poor")
	require.NoError(t, err)
	require.Zero(t, highest)
}

// P008: recovery says which event it could not take.
func TestUnreadableEvents(t *testing.T) {
	reg := registry(t)
	for name, c := range map[string]struct {
		name    string
		payload []byte
		says    string
	}{
		"unknown name":            {"wallet.Removed.v1", nil, "event 2: "},
		"payload of another":      {"wallet.Deposited.v1", []byte{0xff, 0x00}, "event 2: "},
		"a type that is no event": {"wallet.Purse.v1", encoded(t, reg, purse{}), "which is no event"},
		"Evolve panics":           {"wallet.Deposited.v1", encoded(t, reg, deposited{-1}), "negative deposit"},
	} {
		t.Run(name, func(t *testing.T) {
			sys, store := system(t), persistence.NewMemory()
			require.NoError(t, store.Append(t.Context(), id, actor.Epoch{}, []persistence.Event{
				{Seq: 1, Name: "wallet.Deposited.v1", Payload: encoded(t, reg, deposited{1})},
				{Seq: 2, Name: c.name, Payload: c.payload},
			}))
			p := testkit.NewProbe(t, sys)
			actor.Subscribe[persistence.Failed](sys, p)
			ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store})
			gone(t, sys, ref)
			failed := testkit.ExpectAs[persistence.Failed](p)
			require.ErrorIs(t, failed.Err, persistence.ErrRecovery)
			require.ErrorContains(t, failed.Err, c.says)
		})
	}
}

// forgetful is a journal whose replays leave out the last event.
type forgetful struct{ *persistence.Memory }

func (f forgetful) Replay(ctx context.Context, id string, from, to uint64) iter.Seq2[persistence.Event, error] {
	return f.Memory.Replay(ctx, id, from, to-1)
}

// PS-2: recovery knows how many events there have to be.
func TestIncompleteReplay(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	require.NoError(t, store.Append(t.Context(), id, actor.Epoch{}, []persistence.Event{
		{Seq: 1, Name: "wallet.Deposited.v1", Payload: encoded(t, registry(t), deposited{1})},
		{Seq: 2, Name: "wallet.Deposited.v1", Payload: encoded(t, registry(t), deposited{1})},
	}))
	p := testkit.NewProbe(t, sys)
	actor.Subscribe[persistence.Failed](sys, p)
	gone(t, sys, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: forgetful{store}}))
	failed := testkit.ExpectAs[persistence.Failed](p)
	require.ErrorIs(t, failed.Err, persistence.ErrCorrupt)
	require.ErrorContains(t, failed.Err, "events 2 to 2 are not in the journal")
}

func encoded(t testing.TB, reg *codec.Registry, v any) []byte {
	t.Helper()
	_, b, err := reg.Encode(codec.Scope{Registry: reg}, nil, v)
	require.NoError(t, err)
	return b
}

// P010: at most so many recoveries run at the same time, the next one waits,
// and one that fails gives its permit back.
func TestPermits(t *testing.T) {
	sys, memory := system(t), persistence.NewMemory()
	inside, let := make(chan string, 10), make(chan struct{})
	store := persistencetest.NewFaulty(memory, func(o op, id string, n int) persistencetest.Fault {
		if o != persistencetest.OpClaim {
			return persistencetest.Fault{}
		}
		f := persistencetest.Fault{Hold: func(context.Context) { inside <- id; <-let }}
		if n == 0 {
			f.Before = persistence.ErrUnavailable
		}
		return f
	})
	permits := persistence.NewPermits(3)
	var refs []actor.Ref[command]
	for n := range 10 {
		refs = append(refs, spawn(t, sys, wallet{}, persistence.Config[purse]{ID: fmt.Sprint("w", n), Journal: store, Permits: permits}))
	}
	for range 3 {
		<-inside
	}
	require.Empty(t, inside, "three are in, the others wait")
	sys.StopActor(refs[9])
	close(let)
	alive := 0
	for _, ref := range refs {
		if _, err := actor.Ask(t.Context(), ref, balance{}); err == nil {
			alive++
		}
	}
	require.GreaterOrEqual(t, alive, 8, "all but the one that failed and the one that was stopped")
	require.Equal(t, 1, ask(t, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Permits: persistence.NewPermits(0)}), deposit{Amount: 1}))
}

// P014, and signals in general.
func TestSignals(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	p := testkit.NewProbe(t, sys)
	cfg := persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 2}
	w := wallet{signals: func(sig any) { p.PID().Tell(sig) }}
	ref := spawn(t, sys, w, cfg)
	p.Expect(persistence.RecoveryCompleted{})
	ref.Tell(deposit{Amount: 1})
	ref.Tell(deposit{Amount: 1})
	p.Expect(persistence.SnapshotSaved{Seq: 2})
	ref.Tell(deposit{Amount: 1})
	ref.PID().Tell(actor.ReceiveTimeout{})
	p.Expect(actor.ReceiveTimeout{})
	sys.StopActor(ref)
	gone(t, sys, ref)
	spawn(t, sys, w, cfg)
	p.Expect(persistence.RecoveryCompleted{Seq: 3, Snapshot: 2})
}
