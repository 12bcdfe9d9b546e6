package actor

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync/atomic"
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
			loc := at(n)
			refs.answered(&loc)
		}
		if n%asksMax == asksMax/2 {
			runtime.GC()
		}
	}
	refs.mu.Lock() // collections go on
	require.Len(t, refs.asks.places, asksMax)
	require.Positive(t, refs.aged, "at least the one that is held")
	refs.mu.Unlock()
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

// TestHeldAsksAreThoseThatWereNotAnswered: the table and a map agree, but for what had to
// give way.
func TestHeldAsksAreThoseThatWereNotAnswered(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		var table heldAsks
		twin := map[Location]*remoteTarget{}
		giveWay := func(other *remoteTarget) {
			require.Same(t, other, twin[other.loc])
			delete(twin, other.loc)
		}
		var all []Location
		for range 1 + rnd.IntN(3*asksFirst) {
			id := rnd.Uint64()
			if rnd.IntN(4) == 0 {
				id %= 16 // somebody draws numbers that are near each other
			}
			loc := Location{Addr: "b:1", UID: rnd.Uint64N(2), Path: tempPrefix + strconv.FormatUint(id, 36), ID: id}
			all = append(all, loc)
			if table.find(&loc) == nil {
				target := &remoteTarget{loc: loc}
				table.hold(target, giveWay)
				twin[loc] = target
			}
			if other := all[rnd.IntN(len(all))]; rnd.IntN(2) == 0 {
				table.remove(&other)
				delete(twin, other)
			}
		}
		for _, loc := range all {
			require.Same(t, twin[loc], table.find(&loc))
		}
	}
}

func TestNamesOfTempsLeadToThem(t *testing.T) {
	temps := temps{numbers: rand.NewChaCha8([32]byte{1})}
	require.Nil(t, temps.get(1), "nothing has a name")
	rnd := rand.New(rand.NewPCG(1, 2))
	type named struct {
		p  *process
		id *atomic.Uint64
	}
	var all, gone []named
	for _, want := range []int{tempsFirst, 3 * tempsKept, 10, 0, 1} {
		for len(all) < want {
			one := named{&process{}, &atomic.Uint64{}}
			n := temps.name(one.p, one.id)
			require.Equal(t, n, temps.name(one.p, one.id), "it has that name already")
			all = append(all, one)
		}
		for len(all) > want {
			k, last := rnd.IntN(len(all)), len(all)-1
			temps.release(all[k].id)
			temps.release(all[k].id) // without harm
			gone = append(gone, all[k])
			all[k], all = all[last], all[:last]
		}
		require.Equal(t, want, temps.count)
		for _, one := range all {
			require.Same(t, one.p, temps.get(one.id.Load()))
		}
		for _, one := range gone {
			require.Nil(t, temps.get(one.id.Load()))
		}
	}
	require.Len(t, temps.slots, tempsFirst, "what many needed was given back")
}
