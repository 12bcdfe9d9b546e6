package actor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

type urgent int

func (urgent) ControlMessage() {}

// held spawns an actor whose first message keeps it busy until release is
// closed; what comes after that waits in its mailbox.
func held(t *testing.T, sys *actor.System, m actor.Mailbox) (r *recorder, pid actor.PID, release chan struct{}) {
	t.Helper()
	r, release = newRecorder(), make(chan struct{})
	busy := make(chan struct{})
	first := true
	pid = spawn(t, sys, "", func(ctx *actor.Context) {
		if first {
			first = false
			close(busy)
			<-release
			return
		}
		r.Receive(ctx)
	}, m)
	pid.Tell("hold")
	<-busy
	return r, pid, release
}

func TestMailboxes(t *testing.T) {
	for _, c := range []struct {
		title   string
		mailbox actor.Mailbox
		send    []any
		want    []any
		dropped uint64
	}{
		{"A169: priorities, equal ones in order", actor.Mailbox{Priority: func(m any) int { return m.(int) / 10 }},
			[]any{31, 12, 32, "panics", 11, 20}, []any{12, 11, 20, 31, 32, "panics"}, 0},
		{"A168: the smallest first, the flush last", actor.Mailbox{Priority: func(m any) int { return m.(int) }},
			[]any{1000, 5, 3, 9, 1, 7, 2, 8, 6, 4}, []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 1000}, 0},
		{"A168: the smallest first, bounded", actor.Mailbox{Max: 5, Priority: func(m any) int { return m.(int) }},
			[]any{1000, 5, 3, 4, 1, 2}, []any{1, 3, 4, 5, 1000}, 1},
		{"A170: control messages first", actor.Mailbox{}, []any{1, urgent(1), 2, urgent(2)}, []any{urgent(1), urgent(2), 1, 2}, 0},
		{"A163: one too many is refused", actor.Mailbox{Max: 2}, []any{1, 2, 3}, []any{1, 2}, 1},
		{"the oldest makes room", actor.Mailbox{Max: 2, Overflow: actor.DropOldest}, []any{1, 2, 3, 4}, []any{3, 4}, 2},
		{"the oldest of the lowest priority makes room", actor.Mailbox{Max: 2, Overflow: actor.DropOldest},
			[]any{urgent(1), 1, 2}, []any{urgent(1), 2}, 1},
	} {
		t.Run(c.title, func(t *testing.T) {
			sys := newSystem(t)
			r, pid, release := held(t, sys, c.mailbox)
			for _, m := range c.send {
				pid.Tell(m)
			}
			close(release)
			require.Equal(t, c.want, r.next(t, len(c.want)))
			require.Equal(t, c.dropped, sys.Dropped(actor.DropMailboxFull))
		})
	}
}

// A165: the sender waits as long as it was told to, and goes on when there is room.
func TestBlockedSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newSystem(t)
		r, pid, release := held(t, sys, actor.Mailbox{Max: 1, Overflow: actor.BlockSender, Wait: 10 * time.Second})
		require.NoError(t, pid.TryTell(1))
		begun := time.Now()
		require.ErrorIs(t, pid.TryTell(2), actor.ErrMailboxFull)
		require.Equal(t, 10*time.Second, time.Since(begun))
		time.AfterFunc(3*time.Second, func() { close(release) })
		require.NoError(t, pid.TryTell(3))
		require.Equal(t, 13*time.Second, time.Since(begun))
		require.Equal(t, []any{1, 3}, r.next(t, 2))
	})
}
