package actor_test

import (
	"context"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/bound"
)

// FuzzSelect parses selections: what one prints as is the same one, and to ask for its
// matches ends.
func FuzzSelect(f *testing.F) {
	for _, s := range []string{
		"/user/shop-*/till", "../x", "child", "/user/../system/*", "/", "//", "/user/a#7", "troupe://shop@a:1/user/x", "troupe://shop@a:1",
		"troupe://shop/user/*?", "/user/[a", "/user/a\\", "/****************a",
	} {
		f.Add(s)
	}
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, sys.Stop(context.Background())) })
	_, err = sys.Spawn("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		var s actor.Selection
		var err error
		bound.Allocation(t, 20*len(text), func() { s, err = sys.Select(text) }) // its elements are looked at one by one
		if err != nil {
			require.ErrorIs(t, err, actor.ErrBadName)
			return
		}
		again, err := sys.Select(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
		s.Tell("to whom it may concern")
	})
}
