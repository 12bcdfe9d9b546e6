package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestOneCulpritDoesNotFillTheLog(t *testing.T) {
	var f floods
	now := time.Unix(1000, 0)
	a, b := &cell{name: "a"}, &cell{name: "b"}
	logged := func(c *cell) (n int) {
		for range 1000 {
			if due, _ := f.take(floodOfFailures, c, now); due {
				n++
			}
		}
		return n
	}
	require.Equal(t, floodLogged, logged(a))
	require.Equal(t, floodLogged, logged(b), "another one's lines aren't lost")
	now = now.Add(floodWindow)
	due, unlogged := f.take(floodOfFailures, a, now)
	require.True(t, due)
	var out bytes.Buffer
	l := zerolog.New(&out)
	l.Info().Func(unlogged).Send()
	require.JSONEq(t, `{"level":"info","unlogged":990}`, out.String())
	all := 0
	for i := range 1000 {
		all += logged(&cell{name: fmt.Sprint(i)})
	}
	require.Equal(t, floodLoggedAll-1, all, "many culprits together")
	require.LessOrEqual(t, len(f.of), floodCulprits)
}

func TestARestartFloodIsLoggedAtALimitedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := zerolog.New(zerolog.SyncWriter(&out))
		sys, err := NewSystem("test", Config{Logger: &log})
		require.NoError(t, err)
		n := 0
		_, err = sys.Spawn("a", func() Actor {
			return Func(func(*Context) { panic("x") })
		})
		require.NoError(t, err)
		ref := sys.RefAt("", "/user/a")
		for range 1000 {
			ref.Tell(1)
		}
		synctest.Wait()
		n = bytes.Count(out.Bytes(), []byte("\n"))
		require.LessOrEqual(t, n, 2*floodLogged)
		_, err = sys.Spawn("b", func() Actor { return Func(func(ctx *Context) { ctx.Fail(errors.New("boom")) }) }, Supervise{MaxRestarts: -1})
		require.NoError(t, err)
		sys.RefAt("", "/user/b").Tell(1)
		synctest.Wait()
		require.Contains(t, out.String(), "/user/b")
		require.NoError(t, sys.Stop(context.Background()))
	})
}
