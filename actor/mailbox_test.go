package actor

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMailboxAgainstSlice runs random operations on a mailbox and on a slice: in
// turns, during which messages are popped, and between them.
func TestMailboxAgainstSlice(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var m mailbox
		var twin []any
		most := []int{0, 50}[seed%2]
		if most > 0 {
			m.state.Store(counted)
		}
		inTurn, receptive := false, true
		popped := uint64(0)
		for i := range 2000 {
			switch n := random.IntN(20); {
			case n < 10 || seed > 190 && i < 1500:
				env := envelope{msg: i}
				if m.rouse(env) {
					require.True(t, !inTurn && receptive && len(twin) == 0)
					twin, inTurn = append(twin, i), true
					continue
				}
				err := m.push(env, most)
				if most > 0 && len(twin) >= most {
					require.ErrorIs(t, err, ErrMailboxFull)
					continue
				}
				require.NoError(t, err)
				twin = append(twin, i)
				due := m.makeDue(held)
				require.Equal(t, !inTurn && receptive, due)
				inTurn = inTurn || due
			case n < 11 && !receptive && !inTurn: // a signal
				require.True(t, m.makeDue(0))
				inTurn, receptive = true, true
			case n < 17 && inTurn:
				env, ok := m.pop()
				require.Equal(t, len(twin) > 0, ok)
				if ok {
					require.Equal(t, twin[0], env.msg)
					twin = twin[1:]
					popped++
				}
			case n < 18 && inTurn:
				m.prepend([]envelope{{msg: -i}, {msg: i}})
				twin = append([]any{-i, i}, twin...)
			case inTurn:
				receptive = random.IntN(5) > 0
				over := m.settle(receptive, uint32(popped-m.handled()))
				require.Equal(t, !receptive || len(twin) == 0, over)
				require.Equal(t, popped, m.handled())
				inTurn = !over
			}
			require.Equal(t, inTurn, m.busy())
			if m.hasFirst {
				require.Equal(t, len(twin), m.length()+1)
			} else {
				require.Equal(t, len(twin), m.length())
			}
			require.Equal(t, len(twin) > 0, m.any())
		}
		rest := m.close()
		require.Len(t, rest, len(twin))
		require.False(t, m.rouse(envelope{}))
		require.ErrorIs(t, m.push(envelope{}, 0), ErrStopped)
	}
}

func TestMailboxKeepsEverySendersOrder(t *testing.T) {
	var m mailbox
	var senders sync.WaitGroup
	const each = 5000
	for s := range 4 {
		senders.Go(func() {
			for i := range each {
				_ = m.push(envelope{msg: [2]int{s, i}}, 0)
			}
		})
	}
	next := [4]int{}
	for got := 0; got < 4*each; {
		env, ok := m.pop()
		if !ok {
			continue
		}
		got++
		v := env.msg.([2]int)
		require.Equal(t, next[v[0]], v[1])
		next[v[0]]++
	}
	senders.Wait()
}

func TestMailboxCostsNoAllocation(t *testing.T) {
	var m mailbox
	msg := any("message")
	for range 64 {
		_ = m.push(envelope{msg: msg}, 0)
		m.pop()
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = m.push(envelope{msg: msg}, 0)
		_ = m.push(envelope{msg: msg}, 0)
		m.pop()
		m.pop()
	}))
}
