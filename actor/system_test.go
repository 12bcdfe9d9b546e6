package actor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// journal takes log lines from many goroutines.
type journal struct {
	mu    sync.Mutex
	lines []map[string]any
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fields := map[string]any{}
	if err := json.NewDecoder(bytes.NewReader(line)).Decode(&fields); err != nil {
		return 0, err
	}
	j.lines = append(j.lines, fields)
	return len(line), nil
}

// about returns the lines with the message.
func (j *journal) about(message string) (lines []map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		if l["message"] == message {
			lines = append(lines, l)
		}
	}
	return lines
}

func loggedSystem(t *testing.T) (*actor.System, *journal) {
	t.Helper()
	j := &journal{}
	log := zerolog.New(j)
	sys, err := actor.NewSystem("test", actor.Config{Logger: &log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	return sys, j
}

func TestSystemNames(t *testing.T) { // A030
	for name, good := range map[string]bool{
		"": false, "  ": false, "-shop": false, "_shop": false, "my.shop": false, "my shop": false, "shöp": false, "shop/a": false,
		strings.Repeat("a", 65): false,
		"shop":                  true, "9": true, "my-shop": true, "my_shop-2_": true, "SHOP": true,
	} {
		quiet := zerolog.Nop()
		sys, err := actor.NewSystem(name, actor.Config{Logger: &quiet})
		if !good {
			require.ErrorIs(t, err, actor.ErrBadName, name)
			continue
		}
		require.NoError(t, err, name)
		require.NoError(t, sys.Stop(context.Background()))
	}
}

// A031: a dead letter is one line with its type, from where, to where, why, and
// which one it is.
func TestDeadLettersAreLogged(t *testing.T) {
	sys, j := loggedSystem(t)
	dead := spawn(t, sys, "dead", func(*actor.Context) {})
	require.NoError(t, actor.GracefulStop(t.Context(), dead))
	dead.Tell("nobody's")
	turn(t, watcherOf(t, sys, newRecorder()), func(ctx *actor.Context) { ctx.Tell(dead, 7) })
	lines := j.about("dead letter")
	require.Len(t, lines, 2)
	require.Subset(t, lines[0], map[string]any{"level": "info", "type": "string", "from": "troupe:nobody", "to": dead.String(),
		"reason": "actor stopped", "total": 1.0})
	require.Contains(t, lines[1]["from"], "troupe://test/user/")
	require.Subset(t, lines[1], map[string]any{"type": "int", "total": 2.0})
}

// A266: after the tenth line there is silence for a while; then the count goes on.
func TestDeadLettersDoNotFloodTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys, j := loggedSystem(t)
		letters, office := spawnRecorder(t, sys, "office")
		actor.Subscribe[actor.DeadLetter](sys, office)
		lose := func(n int) {
			for range n {
				sys.RefAt("", "/user/nobody").Tell("lost")
			}
		}
		lose(15)
		lines := j.about("dead letter")
		require.Len(t, lines, 10)
		require.NotContains(t, lines[8], "quiet")
		require.Contains(t, lines[9], "quiet")
		time.Sleep(5 * time.Minute)
		lose(2)
		lines = j.about("dead letter")[10:]
		require.Len(t, lines, 2)
		require.Subset(t, lines[0], map[string]any{"total": 16.0, "unlogged": 5.0})
		require.NotContains(t, lines[1], "unlogged")
		require.EqualValues(t, 17, sys.Dropped(actor.DropStopped))
		require.Len(t, letters.next(t, 17), 17, "all of them are published")
	})
}

// A267: they are logged as long as the system is about to stop; and never after.
func TestDeadLettersOfTheEnd(t *testing.T) {
	j := &journal{}
	log := zerolog.New(j)
	sys, err := actor.NewSystem("test", actor.Config{Logger: &log})
	require.NoError(t, err)
	dead := spawn(t, sys, "dead", func(*actor.Context) {})
	require.NoError(t, actor.GracefulStop(t.Context(), dead))
	require.NoError(t, sys.OnStop(actor.PhaseServiceStop, "late", func(context.Context) error { dead.Tell("late"); return nil }))
	require.NoError(t, sys.Stop(context.Background()))
	require.Len(t, j.about("dead letter"), 1)
	dead.Tell("too late")
	require.Len(t, j.about("dead letter"), 1)
	require.EqualValues(t, 2, sys.Dropped(actor.DropStopped))
}

// A033, A307: what a system says of its end, before, and after.
func TestStoppedGate(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	require.False(t, sys.Stopped().IsOpen())
	require.False(t, sys.Stopping())
	told := make(chan struct{})
	sys.Stopped().Notify(func() { close(told) })
	require.NoError(t, sys.Stop(context.Background()))
	<-told
	require.True(t, sys.Stopped().IsOpen())
	require.True(t, sys.Stopping())
	late := false
	sys.Stopped().Notify(func() { late = true }) // A034: not lost
	require.True(t, late)
}

// A024, A041: the hooks of an actor run, however soon the system stops; after the
// end nothing can be spawned, told or asked.
func TestBeginningAndEnd(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	require.Empty(t, sys.Addr(), "a system of one process has no address")
	r := newRecorder()
	pid, err := sys.Spawn("first", func() actor.Actor { return &hooked{r: r} })
	require.NoError(t, err)
	pid.Tell("at once")
	require.NoError(t, sys.Stop(context.Background()))
	seen := r.next(t, 0)
	require.Equal(t, "PreStart", seen[0])
	require.Equal(t, "PostStop", seen[len(seen)-1], "the hooks of one that was stopped at once run")
	_, err = sys.Spawn("late", func() actor.Actor { return &hooked{r: r} })
	require.ErrorIs(t, err, actor.ErrStopped)
	_, err = sys.Internal().Spawn("late", func() actor.Actor { return &hooked{r: r} })
	require.ErrorIs(t, err, actor.ErrStopped)
	require.ErrorIs(t, pid.TryTell("late"), actor.ErrStopped)
	_, err = actor.AskAs[int](t.Context(), pid, any("late"))
	require.True(t, errors.Is(err, actor.ErrDeadLetter) || errors.Is(err, actor.ErrStopped), err)
}

// A059: what can't be spawned fails at the call, and nothing is left of it.
func TestSpawnsThatFail(t *testing.T) {
	sys := newSystem(t)
	nop := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	for _, c := range []struct{ name, want string }{
		{"a b", `character ' ' at 1`}, // A142
		{"ok/", `character '/' at 2`},
		{"$given", "leading $"},
		{strings.Repeat("x", 513), "513 characters"},
	} {
		_, err := sys.Spawn(c.name, nop)
		require.ErrorIs(t, err, actor.ErrBadName)
		require.ErrorContains(t, err, c.want)
	}
	_, err := sys.Spawn("unbounded", nop, actor.Bounded(0))
	require.NoError(t, err)
	n := 0
	for range sys.Tree() {
		n++
	}
	require.Equal(t, 3, n, "the guardians and the one that could be")
}
