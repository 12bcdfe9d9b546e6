package actor

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMailboxAgainstSlice runs random operations on a mailbox and on a slice.
func TestMailboxAgainstSlice(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		m := mailbox{most: []int{0, 50}[seed%2]}
		var twin []any
		for i := range 2000 {
			switch n := random.IntN(20); {
			case n < 10 || seed > 190 && i < 1500:
				err := m.push(envelope{msg: i})
				if m.most > 0 && len(twin) >= m.most {
					require.ErrorIs(t, err, ErrMailboxFull)
					continue
				}
				require.NoError(t, err)
				twin = append(twin, i)
			case n < 19:
				env, ok := m.pop()
				require.Equal(t, len(twin) > 0, ok)
				if ok {
					require.Equal(t, twin[0], env.msg)
					twin = twin[1:]
				}
			default:
				m.prepend([]envelope{{msg: -i}, {msg: i}})
				twin = append([]any{-i, i}, twin...)
			}
			require.Equal(t, len(twin), m.length())
			require.Equal(t, len(twin) > 0, m.arrived.Load() > 0 || m.rest())
		}
		rest := m.close()
		require.Len(t, rest, len(twin))
		require.ErrorIs(t, m.push(envelope{}), ErrStopped)
	}
}

func TestMailboxKeepsEverySendersOrder(t *testing.T) {
	var m mailbox
	var senders sync.WaitGroup
	const each = 5000
	for s := range 4 {
		senders.Go(func() {
			for i := range each {
				_ = m.push(envelope{msg: [2]int{s, i}})
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
		_ = m.push(envelope{msg: msg})
		m.pop()
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = m.push(envelope{msg: msg})
		_ = m.push(envelope{msg: msg})
		m.pop()
		m.pop()
	}))
}
