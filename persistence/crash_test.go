package persistence_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/testkit"
)

// harm is a way in which a call of the store goes wrong.
type harm struct {
	name  string
	fault func() persistencetest.Fault
}

var harms = []harm{
	{"refused", persistencetest.Refuse},
	{"in doubt, lost", persistencetest.DoubtLost},
	{"in doubt, kept", persistencetest.DoubtKept},
	{"broken off", func() persistencetest.Fault {
		return persistencetest.Fault{Yield: 1, After: fmt.Errorf("broke off: %w", persistence.ErrInDoubt)}
	}},
}

// script gives the wallet commands and keeps books: what was acknowledged
// must be in the journal (PS-2), what was refused must not, and what is in
// doubt may or may not be (PS-3).
type script struct {
	t       *testing.T
	sys     *actor.System
	store   *persistencetest.Faulty
	cfg     persistence.Config[purse]
	ref     actor.Ref[command]
	settled []event // stored, in this order
}

func newScript(t *testing.T, store *persistencetest.Faulty) *script {
	s := &script{t: t, sys: system(t), store: store}
	s.cfg = persistence.Config[purse]{Journal: store, Snapshots: store, SnapshotEvery: 3, DeleteEvents: true}
	return s
}

// start (re)starts the actor, as a shard would.
func (s *script) start() {
	s.ref = spawn(s.t, s.sys, wallet{}, s.cfg, actor.Supervise{MaxRestarts: -1}) // every failure ends it
}

// stop waits until nothing of the actor is under way any more.
func (s *script) stop() {
	s.sys.StopActor(s.ref)
	gone(s.t, s.sys, s.ref)
}

func (s *script) deposit(amount int) {
	_, err := actor.Ask(s.t.Context(), s.ref, deposit{Amount: amount})
	if err == nil || errors.Is(err, persistence.ErrInDoubt) && s.highest() > uint64(len(s.settled)) {
		s.settled = append(s.settled, deposited{amount})
	}
	require.Equal(s.t, uint64(len(s.settled)), s.highest(), "after deposit %d: %v", amount, err)
	if err != nil {
		s.stop()
		s.start()
	}
}

func (s *script) highest() uint64 {
	highest, err := s.store.Journal.HighestSeq(s.t.Context(), id)
	require.NoError(s.t, err)
	return highest
}

// verify recovers without faults and compares with the books.
func (s *script) verify() {
	s.stop()
	s.store.Decide(nil)
	s.start()
	want := persistencetest.Replay[purse, command, event](wallet{}, s.settled...)
	require.Equal(s.t, want, ask(s.t, s.ref, look{}))
}

// PS-2, PS-3, PS-4, PS-5, PS-8: the store goes wrong in every way at every
// step of a life with snapshots, deletions and restarts.
func TestStoreFailsAtEveryStep(t *testing.T) {
	for _, which := range []op{
		persistencetest.OpClaim, persistencetest.OpReplay, persistencetest.OpLoadSnapshot, persistencetest.OpAppend,
		persistencetest.OpSaveSnapshot, persistencetest.OpDeleteTo, persistencetest.OpDeleteSnapshots,
	} {
		for _, h := range harms {
			for n := range 12 {
				t.Run(fmt.Sprintf("%s %d %s", which, n, h.name), func(t *testing.T) {
					s := newScript(t, persistencetest.NewFaulty(persistence.NewMemory(), once(which, n, h.fault())))
					s.start()
					for amount := range 14 {
						s.deposit(amount + 1)
						if amount%5 == 4 {
							s.stop()
							s.start()
						}
					}
					s.verify()
				})
			}
		}
	}
}

// P021: random failures, and the books still agree.
func TestStoreFailsAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, seed))
			s := newScript(t, persistencetest.NewFaulty(persistence.NewMemory(), func(op, string, int) persistencetest.Fault {
				if random.IntN(10) > 0 {
					return persistencetest.Fault{}
				}
				return harms[random.IntN(len(harms))].fault()
			}))
			s.start()
			for amount := range 60 {
				s.deposit(amount + 1)
			}
			s.verify()
		})
	}
}

// Two actors that both think that they own the id, one under an older epoch:
// the older one's writes are refused, and nothing acknowledged is lost.
func TestTwoOwners(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	random := rand.New(rand.NewPCG(7, 7))
	var acknowledged []event
	epoch := actor.Epoch{Cluster: 1}
	owners := []actor.Ref[command]{spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: epoch})}
	for amount := range 300 {
		if random.IntN(20) == 0 {
			epoch = epoch.Next()
			owners = append(owners, spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: epoch}))
		}
		owner := owners[random.IntN(len(owners))]
		if _, err := actor.Ask(t.Context(), owner, deposit{Amount: amount}); err == nil {
			acknowledged = append(acknowledged, deposited{amount})
		}
	}
	require.Equal(t, acknowledged, stored(t, store))
	require.Greater(t, len(acknowledged), 20)
	last := testkit.Must(actor.Ask(t.Context(), owners[len(owners)-1], look{}))
	require.Equal(t, len(acknowledged), len(last.History))
}
