package actor

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAsksOfOthersAreForgottenAndTheSameWhileHeld(t *testing.T) {
	var refs remoteRefs
	at := func(name string) Location { return Location{Addr: "b:1", Path: tempPrefix + name} }
	ref := func(name string) *process {
		return refs.intern(at(name), func() *process { return &process{t: &remoteTarget{}} })
	}
	held := ref("held")
	for n := range 10 * asksMax { // of which every other is answered
		name := strconv.Itoa(n)
		require.Same(t, ref(name), ref(name))
		if n%2 == 0 {
			refs.answered(at(name))
		}
		if n%asksMax == asksMax/2 {
			runtime.GC()
		}
	}
	require.LessOrEqual(t, len(refs.asks)+len(refs.older), 2*asksMax)
	require.Positive(t, refs.aged)
	require.Same(t, held, ref("held"), "though many others came that were not answered")
	runtime.KeepAlive(held)
}

func TestAgedAsksAreForgottenWhenNobodyHoldsThem(t *testing.T) {
	refs := &remoteRefs{}
	loc := Location{Addr: "b:1", Path: tempPrefix + "aged"}
	p := &process{t: &remoteTarget{}}
	refs.mu.Lock()
	refs.watch(loc, p)
	refs.aged++
	refs.mu.Unlock()
	refs.forget(loc)
	refs.mu.Lock()
	require.Equal(t, 1, refs.aged, "somebody holds it")
	refs.mu.Unlock()
	runtime.KeepAlive(p)
	p = nil
	runtime.GC()
	alive := func() bool {
		refs.mu.Lock()
		defer refs.mu.Unlock()
		return refs.m[loc].Value() != nil
	}
	for alive() { // a collection may find it in a register
		runtime.GC()
	}
	refs.forget(loc)
	refs.forget(loc)
	refs.mu.Lock()
	defer refs.mu.Unlock()
	require.Zero(t, refs.aged)
	require.Empty(t, refs.m)
}

func TestWhatTakesMoreThanOneMessageIsNoAsk(t *testing.T) {
	require.True(t, passing("/temp/1z"))
	require.False(t, passing("/temp/~1z"))
	require.False(t, passing("/user/temp/1z"))
}
