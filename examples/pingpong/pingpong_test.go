package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// All times are those of a bubble: they cost nothing, and a goroutine that is
// left at the end fails the test.

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		err  error
		want actor.Directive
	}{
		{errDropped, actor.Resume},
		{errHurt, actor.Escalate},
		{&actor.PanicError{Value: errRacket}, actor.Restart},
		{errors.New("something else"), actor.Restart},
	} {
		t.Run(c.err.Error(), func(t *testing.T) { require.Equal(t, c.want, decide(c.err)) })
	}
}

// firstHalf is what the audience hears until pong is hurt.
const firstHalf = `match begins
pong is there with a new racket
ping serves ball 1
pong returns ball 1; returned since the start: 1
ping serves ball 2
pong returns ball 2; returned since the start: 2
ping serves ball 3
pong drops the ball
ping gets no answer to ball 3, and serves the next
ping serves ball 4
pong returns ball 4; returned since the start: 3
ping serves ball 5
pong breaks the racket
pong is there with a new racket
ping gets no answer to ball 5, and serves the next
ping serves ball 6
pong breaks the racket
ping gets no answer to ball 6, and serves the next
ping serves ball 7
pong is there with a new racket
pong returns ball 7; returned since the start: 1
ping serves ball 8
pong returns ball 8; returned since the start: 2
ping serves ball 9
pong is hurt
`

func TestMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, play(testkit.New(t, config()), &out))
		require.Equal(t, firstHalf+
			"match has to begin again: child pong: is hurt\n"+
			firstHalf+
			"referee ends it: child pong: is hurt\n", sorted(texts(out.String())))
	})
}

// texts takes the times and the spaces out.
func texts(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		fmt.Fprintln(&b, strings.Join(fields[2:], " "))
	}
	return b.String()
}

// sorted brings the two players' first words into one order: they come onto the
// court at once.
func sorted(text string) string {
	return strings.ReplaceAll(text,
		"ping serves ball 1\npong is there with a new racket\n", "pong is there with a new racket\nping serves ball 1\n")
}

func TestBackoffGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		sys := testkit.New(t)
		pong, err := spawnPong(sys, newCommentary(&out, sys.Clock()))
		require.NoError(t, err)
		begun := time.Now()
		for attempt := range 3 {
			testkit.NewProbe(t, sys).Tell(pong, Ping{Ball: 5}) // breaks the racket
			next := testkit.NewProbe(t, sys)
			next.Tell(pong, Ping{Ball: 100}) // waits until there is a new one
			require.Equal(t, Pong{Ball: 100, Returned: 1}, next.Next())
			took := time.Since(begun)
			least := 200 * time.Millisecond << attempt
			require.GreaterOrEqual(t, took, least)
			require.LessOrEqual(t, took, least+least/5)
			begun = time.Now()
		}
	})
}

func TestInterruptedMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := testkit.New(t, config())
		time.AfterFunc(150*time.Millisecond, func() { sys.BeginStop("signal: interrupt") })
		var out bytes.Buffer
		require.NoError(t, play(sys, &out))
		require.Contains(t, out.String(), "serves ball 2")
		require.NotContains(t, out.String(), "serves ball 3")
	})
}
