package actor

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAsksOfOthersAreForgottenAndTheSameWhileHeld(t *testing.T) {
	var refs remoteRefs
	at := func(n int) Location {
		return Location{Addr: "b:1", Path: tempPrefix + strconv.Itoa(n), ID: uint64(n)}
	}
	ref := func(n int) *process { return refs.intern(at(n), func() *process { return targetAt(at(n)) }) }
	held := ref(-1)
	for n := range 10 * asksMax { // of which every other is answered
		require.Same(t, ref(n), ref(n))
		if n%2 == 0 {
			refs.answered(at(n))
		}
		if n%asksMax == asksMax/2 {
			runtime.GC()
		}
	}
	require.LessOrEqual(t, len(refs.asks)+len(refs.older), 2*asksMax)
	require.Positive(t, refs.aged)
	require.Same(t, held, ref(-1), "though many others came that were not answered")
	runtime.KeepAlive(held)
}

// targetAt is an actor of another node.
func targetAt(loc Location) *process {
	t := &remoteTarget{loc: loc}
	t.process = process{t: t}
	return &t.process
}

func TestAsksOfANodeThatClaimsTheIncarnationOfAnother(t *testing.T) {
	var refs remoteRefs
	honest := Location{Addr: "b:1", UID: 7, Path: tempPrefix + "1", ID: 1}
	liar := honest
	liar.Addr = "c:1"
	first := refs.intern(honest, func() *process { return targetAt(honest) })
	second := refs.intern(liar, func() *process { return targetAt(liar) })
	require.NotSame(t, first, second, "an answer to one is none to the other")
	require.Same(t, second, refs.intern(liar, nil))
	require.Equal(t, honest, refs.intern(honest, func() *process { return targetAt(honest) }).t.location())
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
	require.True(t, IsAsk("/temp/1z"))
	require.False(t, IsAsk("/temp/~1z"))
	require.False(t, IsAsk("/user/temp/1z"))
}
