package persistence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/testkit"
)

// With VerifyOwner nobody hears anything of an owner of the past: neither what
// was, nor a refusal on the grounds of what was.
func TestAnOwnerOfThePastDoesNotAnswerFromMemory(t *testing.T) {
	for name, request := range map[string]actor.Request[int]{
		"a question":                    balance{},
		"a command without effect":      depositAll{},
		"a command that is refused":     withdraw{Amount: 100},
		"a command that leads to event": deposit{Amount: 1},
	} {
		t.Run(name, func(t *testing.T) {
			sys, store := system(t), persistence.NewMemory()
			failures := testkit.NewProbe(t, sys)
			actor.Subscribe[persistence.Failed](sys, failures)
			ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: actor.Epoch{Cluster: 1}, VerifyOwner: true})
			require.Equal(t, 10, ask(t, ref, deposit{Amount: 10}))
			require.Equal(t, 10, ask(t, ref, balance{}), "the owner of today answers")
			_, err := store.Claim(t.Context(), id, actor.Epoch{Cluster: 2})
			require.NoError(t, err)

			_, err = actor.Ask(t.Context(), ref, request)
			require.ErrorIs(t, err, persistence.ErrFenced)
			gone(t, sys, ref)
			require.ErrorIs(t, failures.Next().(persistence.Failed).Err, persistence.ErrFenced)
		})
	}
}

// Without VerifyOwner, the default, what needs no event is answered from memory.
func TestWhatIsAnsweredFromMemoryByDefault(t *testing.T) {
	sys, store := system(t), persistence.NewMemory()
	ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, Epoch: actor.Epoch{Cluster: 1}})
	require.Equal(t, 10, ask(t, ref, deposit{Amount: 10}))
	_, err := store.Claim(t.Context(), id, actor.Epoch{Cluster: 2})
	require.NoError(t, err)
	require.Equal(t, 10, ask(t, ref, balance{}))
	_, err = actor.Ask(t.Context(), ref, deposit{Amount: 1})
	require.ErrorIs(t, err, persistence.ErrFenced)
}

// A store that can't say who the owner is fails the actor as any other call of
// the store does, and says that nothing is in doubt.
func TestOwnershipThatCannotBeVerifiedIsAFailure(t *testing.T) {
	for _, fault := range []persistencetest.Fault{persistencetest.Refuse(), persistencetest.DoubtLost()} {
		sys := system(t)
		store := persistencetest.NewFaulty(persistence.NewMemory(), once(persistencetest.OpAppend, 1, fault))
		ref := spawn(t, sys, wallet{}, persistence.Config[purse]{Journal: store, VerifyOwner: true})
		require.Equal(t, 10, ask(t, ref, deposit{Amount: 10}))
		_, err := actor.Ask(t.Context(), ref, balance{})
		require.ErrorIs(t, err, persistence.ErrUnavailable)
		require.NotErrorIs(t, err, persistence.ErrInDoubt, "there was nothing to store")
		require.Equal(t, 10, ask(t, ref, balance{}), "it came back by reading")
	}
}
