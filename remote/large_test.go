package remote

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/bound"
)

// silentConn is a connection that does nothing.
type silentConn struct{ flushes int }

func (*silentConn) Start(Handler) {}
func (c *silentConn) Flush()      { c.flushes++ }
func (*silentConn) Close()        {}
func (*silentConn) Peer() string  { return "there:1" }

func largeMessage(n int) []byte {
	return endFrame(append(appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/a"}, actor.Location{}, 0, "m"), make([]byte, n)...), 0)
}

// TestLargeMessagesOverAStream sends messages of all sizes through both halves: they
// come out whole and in order, and never more is under way than was granted.
func TestLargeMessagesOverAStream(t *testing.T) { // R043
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		l := &largeLane{max: 64 << 20}
		a := newAssembly(8 << 20)
		o := &outbound{conn: &silentConn{}}
		l.open(o, identity{FrameMax: frameMaxGreet << rnd.IntN(8)}, bareForm)
		var sent, got [][]byte
		for range 8 {
			frame := largeMessage(1 + rnd.IntN(1<<(4+rnd.IntN(18))))
			require.Equal(t, put{ok: true}, l.put(frame, false))
			sent = append(sent, frame[frameHeader:])
		}
		pos := handed(l, o)
		require.Equal(t, framePosition, frameKind(pos[frameHeader]))
		for steps := 0; len(got) < len(sent); steps++ {
			require.Less(t, steps, 1_000_000)
			b := handed(l, o)
			if len(b) == 0 {
				a.reserved = true // there is room now
				n, due := a.grant()
				require.True(t, due, "seed %d: the sender waits and is told nothing", seed)
				l.credit(o, n)
				continue
			}
			require.Equal(t, framePart, frameKind(b[frameHeader]))
			message, err := a.part(b[frameHeader+1:])
			require.NoError(t, err)
			require.LessOrEqual(t, l.sent-a.got, uint64(largeWindow))
			if message != nil {
				got = append(got, bytes.Clone(message))
			}
			if n, due := a.grant(); due {
				l.credit(o, n)
			}
		}
		require.Equal(t, sent, got)
		require.Empty(t, handed(l, o))
	}
}

func TestAMessageCutOffBeginsAnewOnTheNextStream(t *testing.T) {
	l := &largeLane{max: 64 << 20}
	frame := largeMessage(100 << 10)
	require.Equal(t, put{ok: true, demand: true}, l.put(frame, false), "the first asks for a stream")
	first, second := &outbound{conn: &silentConn{}}, &outbound{conn: &silentConn{}}
	l.open(first, identity{FrameMax: frameMaxDefault}, bareForm)
	handed(l, first)
	require.Len(t, handed(l, first), frameHeader+1+1+3+partMax)
	require.Empty(t, handed(l, first), "the credit is used up")
	require.Empty(t, l.drop(0), "a message of which the receiver has a part stays")
	waiting, _ := l.close()
	require.True(t, waiting)
	require.Empty(t, handed(l, first), "that stream is over")
	l.open(second, identity{FrameMax: frameMaxDefault}, bareForm)
	l.credit(first, 1<<30)
	handed(l, second)
	a := newAssembly(1 << 20)
	message, err := a.part(handed(l, second)[frameHeader+1:])
	require.NoError(t, err)
	require.Nil(t, message)
	require.Empty(t, handed(l, second), "the credit of the first stream does not count")
	l.credit(second, 1<<20)
	a.granted = 1 << 20
	message, err = a.part(handed(l, second)[frameHeader+1:])
	require.NoError(t, err)
	require.Equal(t, frame[frameHeader:], message)
	waiting, _ = l.close()
	require.False(t, waiting)
}

func TestLargeLaneIsBounded(t *testing.T) {
	l := &largeLane{max: 1000}
	require.False(t, l.put(make([]byte, 1001), false).ok, "bytes")
	l.max = 1 << 20
	for range largeCountMax {
		require.True(t, l.put(largeMessage(1), false).ok)
	}
	require.False(t, l.put(largeMessage(1), false).ok, "messages")
	require.Len(t, l.drop(0), largeCountMax)
	require.Zero(t, l.bytes)
	require.False(t, l.idle())
}

func TestAssemblyRefuses(t *testing.T) {
	part := func(flags byte, total uint64, n int) []byte {
		b := []byte{flags}
		if flags&partFirst != 0 {
			b = binary.AppendUvarint(b, total)
		}
		return append(b, make([]byte, n)...)
	}
	for title, c := range map[string]struct {
		parts [][]byte
		want  error
	}{
		"a message that is too large":         {[][]byte{part(partFirst, 1001, 1)}, errFrameSize},
		"a message of nothing":                {[][]byte{part(partFirst, 0, 0)}, errFrameSize},
		"a message that does not begin":       {[][]byte{part(0, 0, 1)}, errFrame},
		"a message that begins twice":         {[][]byte{part(partFirst, 10, 1), part(partFirst, 10, 1)}, errFrame},
		"a message that goes on too long":     {[][]byte{part(partFirst, 10, 5), part(0, 0, 6)}, errFrame},
		"a message that ends too early":       {[][]byte{part(partFirst, 10, 5), part(partLast, 0, 4)}, errFrame},
		"a message that does not say its end": {[][]byte{part(partFirst, 10, 5), part(0, 0, 5)}, errFrame},
		"an empty part":                       {[][]byte{part(partFirst, 10, 0)}, errFrame},
		"more than was granted":               {[][]byte{part(partFirst, 1000, 900), part(0, 0, 99)}, errFrame},
	} {
		t.Run(title, func(t *testing.T) {
			a := newAssembly(1000)
			a.granted = 950
			var err error
			for _, p := range c.parts {
				require.NoError(t, err)
				_, err = a.part(p)
			}
			require.ErrorIs(t, err, c.want)
			require.LessOrEqual(t, cap(a.buf), 2048)
		})
	}
}

func TestBudgetServesInLine(t *testing.T) {
	var order []string
	note := func(name string) func() { return func() { order = append(order, name) } }
	b := &budget{free: 10}
	require.True(t, b.reserve(1, 8, note("never")))
	require.False(t, b.reserve(2, 5, note("second")))
	require.False(t, b.reserve(3, 1, note("third")), "nobody overtakes")
	require.False(t, b.reserve(4, 9, note("fourth")))
	require.Empty(t, order)
	b.release(8)
	require.Equal(t, []string{"second", "third"}, order)
	require.True(t, b.withdraw(4))
	require.False(t, b.withdraw(4))
	b.release(6)
	require.Equal(t, 10, b.free)
	require.Equal(t, []string{"second", "third"}, order)
}

func TestPathPatterns(t *testing.T) { // R043
	for pattern, c := range map[string]struct{ yes, no []string }{
		"/user/a":    {[]string{"/user/a"}, []string{"/user", "/user/a/b", "/user/b", ""}},
		"/user/*":    {[]string{"/user/a", "/user/b"}, []string{"/user", "/user/a/b", "/user/"}},
		"/user/*/b":  {[]string{"/user/a/b"}, []string{"/user/b", "/user/a/c"}},
		"/user/a/**": {[]string{"/user/a/b", "/user/a/b/c"}, []string{"/user/a", "/user/b/c"}},
	} {
		require.NoError(t, checkPatterns([]string{pattern}))
		for _, path := range c.yes {
			require.True(t, fits(pattern, path), "%s %s", pattern, path)
		}
		for _, path := range c.no {
			require.False(t, fits(pattern, path), "%s %s", pattern, path)
		}
	}
	require.ErrorContains(t, checkPatterns([]string{"user"}), "absolute")
	require.ErrorContains(t, checkPatterns([]string{"/a/**/b"}), "at the end only")
	require.ErrorContains(t, checkPatterns(make([]string, 65)), "at most 64")
}

// TestOrdinaryLanes: a pair has one lane, whatever its refs name; many pairs use all.
func TestOrdinaryLanes(t *testing.T) { // R042
	r := &Remote{limits: limits{lanes: 5}}
	used := map[laneKind]bool{}
	for n := range 200 {
		to, from := actor.Location{Path: "/user/" + string(rune('a'+n))}, actor.Location{Path: "/user/x"}
		lane := r.ordinaryLane(to, from)
		to.ID, from.ID, to.UID = 7, 8, 9
		require.Equal(t, lane, r.ordinaryLane(to, from))
		used[lane] = true
		again, ok := laneOf(lane.stream(), uint64(lane.index()))
		require.True(t, ok)
		require.Equal(t, lane, again)
	}
	require.Len(t, used, 5)
	_, ok := laneOf(streamLarge, 1)
	require.False(t, ok)
	_, ok = laneOf(streamOrdinary, ordinaryMax)
	require.False(t, ok)
}

// goldenOfVersion3 is what version 3 added.
func goldenOfVersion3() map[string]goldenFrame {
	l := &largeLane{max: 1 << 20}
	l.put(largeMessage(2), false)
	o := &outbound{conn: &silentConn{}}
	l.open(o, identity{FrameMax: frameMaxGreet}, bareForm)
	handed(l, o)
	return map[string]goldenFrame{
		"hello of version 3": {appendHello(nil, hello{Version: 3, Oldest: 1, Lane: ordinaryLane(2), From: goldenPeer, To: "b:1", Features: 6, Nonce: goldenNonce, LargeMax: 1 << 20}),
			"5452503100000053010301010473686f700d31302e302e302e323a323535311112131415161718000000000000000000802003623a3106010203000000000000000000000000000000000000000000000000000000002002808040"},
		"welcome of version 3": {appendWelcome(nil, welcome{Version: 3, From: goldenPeer, Features: 6, LargeMax: 1 << 20}),
			"0000002c02030473686f700d31302e302e302e323a323535311112131415161718000000000000000000802006808040"},
		"system of version 3": {appendSystem(nil, systemFrame{Seq: 1, Kind: actor.SystemTerminated, After: 2, ToUID: 3, ToPath: "/t", ToID: 4, FromPath: "/f", FromID: 5, Lane: 6, AfterLarge: 7}, 3),
			"000000170b0103020000000000000003022f740400022f66050607"},
		"part": {handed(l, o), "0000000d1203" + "0a14" + "00022f6100016d0000"},
	}
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte{0, 3, partFirst | partLast, 1, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		bound.Allocation(t, len(b), func() { parts(b, func(*assembly) {}) })
		parts(b, func(a *assembly) { require.LessOrEqual(t, len(a.buf), 1000) })
	})
}

// parts gives an assembly what is in b, each part behind its length, and looks at it
// after each.
func parts(b []byte, look func(*assembly)) {
	a := newAssembly(1000)
	for len(b) >= 2 {
		n := min(int(b[0])<<8+int(b[1]), len(b)-2)
		part := b[2 : 2+n]
		b = b[2+n:]
		if _, err := a.part(part); err != nil {
			return
		}
		look(a)
		a.grant()
	}
}
