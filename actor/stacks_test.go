package actor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestStacksAreDue(t *testing.T) {
	at := time.Unix(0, 0)
	var s stacks
	here, there := panicPlace{"a", 1}, panicPlace{"a", 2}
	require.True(t, s.due(here, at), "the first")
	require.False(t, s.due(here, at.Add(stackEvery-1)), "a moment later")
	require.True(t, s.due(there, at), "another place")
	require.True(t, s.due(panicPlace{"b", 1}, at), "another type of actor")
	require.True(t, s.due(here, at.Add(stackEvery)), "a while later")
	require.False(t, s.due(here, at.Add(2*stackEvery-1)), "counted from the last that was logged")
	for n := range 10 * stackPlaces {
		s.due(panicPlace{"c", uintptr(n)}, at)
		require.LessOrEqual(t, len(s.logged), stackPlaces)
	}
}

// panicker panics at the place that it is told.
type panicker struct {
	done   chan struct{}
	counts map[string]int // nobody makes it
}

func (p panicker) Receive(ctx *Context) {
	switch ctx.Message() {
	case "done":
		close(p.done)
	case "nil map":
		p.counts["a"] = 1
	case "value":
		panic("a value")
	case "error":
		panic(errors.New("an error"))
	}
}

// TestAPoisonMessageDoesNotFloodTheLog: the first failures have their lines, the stack of each
// place comes once.
func TestAPoisonMessageDoesNotFloodTheLog(t *testing.T) {
	var log bytes.Buffer
	logger := zerolog.New(zerolog.SyncWriter(&log))
	sys, err := NewSystem("test", Config{Logger: &logger, Clock: stillClock{}})
	require.NoError(t, err)
	done := make(chan struct{})
	poisoned, err := sys.Spawn("poisoned", func() Actor { return panicker{done: done} })
	require.NoError(t, err)
	const times = 5
	for range times {
		for _, m := range []string{"nil map", "value", "error"} {
			poisoned.Tell(m)
		}
	}
	poisoned.Tell("done")
	<-done
	require.NoError(t, sys.Stop(context.Background()))
	require.Equal(t, floodLogged, strings.Count(log.String(), `"message":"actor failed"`), log.String())
	require.Equal(t, 3, strings.Count(log.String(), `"stack":`), log.String())
}

// stillClock stands still, but for what is to happen after a time.
type stillClock struct{ RealClock }

func (stillClock) Now() time.Time { return time.Unix(0, 0) }
