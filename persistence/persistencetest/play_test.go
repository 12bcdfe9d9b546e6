package persistencetest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
)

// door counts who passes; while it is shut people wait.
type door struct {
	persistence.Effects[doorState, string]
	impure *int // makes Decide and Evolve depend on something else
}

type doorState struct {
	Shut   bool
	Passed []string
}

func (door) Begin() doorState { return doorState{Passed: []string{"nobody"}} }

func (d door) Decide(s doorState, c string) persistence.Effect[doorState, string] {
	switch {
	case c == "open":
		return d.Persist(c).ThenUnstash()
	case c == "lock up":
		return d.Persist("shut").Reply("locked").ThenStop()
	case c == "count":
		return d.None().ReplyWith(func(s doorState) any { return len(s.Passed) })
	case s.Shut:
		return d.Stash()
	case c == "lucky" && d.impure != nil:
		*d.impure++
		return d.Persist(string(rune('a' + *d.impure)))
	}
	return d.Persist(c)
}

func (d door) Evolve(s doorState, e string) doorState {
	switch {
	case e == "open":
		s.Shut = false
	case e == "shut":
		s.Shut = true
	case e == "moody" && d.impure != nil:
		*d.impure++
		s.Passed = append(s.Passed[:len(s.Passed):len(s.Passed)], string(rune('a'+*d.impure)))
	default:
		s.Passed = append(s.Passed[:len(s.Passed):len(s.Passed)], e)
	}
	return s
}

func TestPlay(t *testing.T) {
	p := persistencetest.Play(t, door{}, "ann", "shut", "bob", "cid", "count", "open", "dan", "count", "lock up", "eve")
	require.Equal(t, doorState{Shut: true, Passed: []string{"nobody", "ann", "bob", "cid", "dan"}}, p.State)
	require.Equal(t, []string{"ann", "shut", "open", "bob", "cid", "dan", "shut"}, p.Events)
	require.Len(t, p.Steps, 11, "the stashed ones twice, the last not at all")
	require.True(t, p.Steps[2].Stashed)
	require.Equal(t, []any{2}, p.Steps[4].Replies)
	require.Equal(t, []any{5}, p.Steps[9].Replies)
	require.True(t, p.Steps[10].Stopped)
	require.Equal(t, []any{"locked"}, p.Steps[10].Replies)
}

func TestPlayCatchesImpureBehaviours(t *testing.T) {
	for name, c := range map[string]string{"lucky": "Decide is not pure", "moody": "Evolve is not pure"} {
		caught := catch(func(t testing.TB) { persistencetest.Play(t, door{impure: new(int)}, name) })
		require.Len(t, caught, 1)
		require.Contains(t, caught[0], c)
	}
}
