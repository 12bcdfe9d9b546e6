package remote

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/bound"
)

// tableOf is the table of some receivers, senders and names, as it is received.
func tableOf(t testing.TB, version uint64, keys [tableKinds][]string) *sendTable {
	t.Helper()
	var reader tableReader
	var table *sendTable
	eachFrame(appendTable(nil, version, keys), func(kind frameKind, frame []byte) {
		require.Equal(t, frameTable, kind)
		require.LessOrEqual(t, len(frame)-frameHeader, frameMaxGreet, "it fits the way back")
		require.Nil(t, table, "the last frame is the last")
		var err error
		table, err = reader.frame(frame[frameHeader+1:])
		require.NoError(t, err)
	})
	return table
}

func targetKey(to actor.Location) string { return string(appendTargetKey(nil, to)) }
func senderKey(from actor.Location) string {
	return string(appendSenderKey(nil, goldenSelf, from))
}

func TestMessagesInAllForms(t *testing.T) { // R001
	senders := []actor.Location{
		{}, {System: "shop", Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/b", ID: 2}, {System: "shop", Addr: goldenSelf.Addr, Path: "/user/b"},
		{System: "shop", Addr: "x:1", UID: 3, Path: "/user/c", ID: 4}, {System: "shop", Path: "/entity/account/alice"},
	}
	for bits := range 8 {
		for _, uid := range []uint64{0, 7} {
			for _, from := range senders {
				to := actor.Location{Path: "/user/a", ID: 300, UID: uid}
				var keys [tableKinds][]string
				for kind, key := range []string{targetKey(to), senderKey(from), "name"} {
					if bits&(1<<kind) != 0 {
						keys[kind] = []string{key}
					}
				}
				table := tableOf(t, 5, keys)
				frame := endFrame(append(appendMessage(nil, goldenSelf, &form{version: 3, table: table}, to, from, 0, "name"), "body"...), 0)
				m, err := readMessage(frame[frameHeader+1:])
				require.NoError(t, err)
				require.Equal(t, bits&1 != 0, m.Flags&targetForm == targetIndex)
				require.Equal(t, bits&2 != 0, m.Flags&senderForm == senderIndex)
				require.Equal(t, bits&4 != 0, m.Flags&nameIndex != 0)
				require.NoError(t, table.literal(&m))
				e, err := m.envelope()
				require.NoError(t, err)
				require.Equal(t, uid, e.TargetUID)
				require.Equal(t, "/user/a 300 name body", fmt.Sprintf("%s %d %s %s", e.Path, e.ID, e.Name, e.Body))
				require.Equal(t, from, e.From.location(goldenSelf))
				if bits > 0 {
					require.Error(t, (*sendTable)(nil).literal(&message{Flags: frame[frameHeader+1]}), "an index without a table")
				}
				again, err := readUser(e.append(nil)[frameHeader+1:])
				require.NoError(t, err)
				require.Equal(t, from, again.From.location(goldenSelf), "as older versions have it")
				require.Equal(t, e.Path, again.Path)
				require.Equal(t, e.Body, again.Body)
			}
		}
	}
}

// TestTally is a table of what comes to what gets an index (R080, R082).
func TestTally(t *testing.T) {
	come := func(y *tally, words ...string) ([tableKinds][]string, bool) {
		for _, w := range words {
			name, n, _ := strings.Cut(w, "*")
			var times int
			_, _ = fmt.Sscan(n, &times)
			for range times {
				y.literal(tableNames, []byte(name))
			}
		}
		return y.choose()
	}
	y := newTally(2)
	_, news := come(y, "a*3", "b*2")
	require.False(t, news, "what comes seldom gets none")
	keys, news := come(y, "a*5", "b*9", "c*4")
	require.True(t, news)
	require.Equal(t, []string{"b", "a"}, keys[tableNames], "the most frequent first, so many as there may be")
	y.adopt(keys)
	y.used[tableNames][0], y.used[tableNames][1] = 50, 1
	keys, news = come(y, "d*3")
	require.False(t, news, "nothing new is frequent enough: %v", keys)
	keys, news = come(y, "d*60")
	require.True(t, news)
	require.Equal(t, []string{"d", "b"}, keys[tableNames], "the lowest gives way")
	y.adopt(keys)
	_, news = come(y)
	require.False(t, news)
	_, news = come(newTally(0), "a*100")
	require.False(t, news, "0 switches it off")

	t.Run("first after 64 messages, then more and more seldom", func(t *testing.T) {
		y, dues := newTally(1), []int{}
		for n := range 200_000 {
			if y.due() {
				dues = append(dues, n+1)
				y.choose()
			}
		}
		require.Equal(t, []int{64, 320, 1344, 5440, 21824, 54592, 87360, 120128, 152896, 185664}, dues)
	})
	t.Run("however many come: bounded", func(t *testing.T) {
		y := newTally(tableMax)
		for n := range 100_000 {
			for range tallyLeast {
				y.literal(n%2, fmt.Appendf(nil, "%0400d", n))
			}
			y.literal(tableNames, make([]byte, tableKeyMax+1))
		}
		require.Empty(t, y.counts[tableNames])
		require.Len(t, y.counts[tableTargets], tallyMax)
		keys, _ := y.choose()
		size := 0
		for _, k := range append(keys[0], keys[1]...) {
			size += len(k)
		}
		require.LessOrEqual(t, size, tableBytesMax)
		require.LessOrEqual(t, len(appendTable(nil, 1, keys)), backMax/2)
	})
}

func TestTablesAreChecked(t *testing.T) { // R081
	entries := func(kind byte, keys ...string) []byte {
		b := []byte{1, kind}
		for _, k := range keys {
			b = append(append(b, byte(len(k))), k...)
		}
		return b
	}
	for title, frames := range map[string][][]byte{
		"a kind that there isn't":        {{1, 4}},
		"fewer entries than it says":     {entries(tableNames, "a"), {1, tableKinds, 0, 0, 2}},
		"the rest of another version":    {entries(tableNames, "a"), {2, tableKinds, 0, 0, 1}},
		"a target that is none":          {entries(tableTargets, "\x02x")},
		"a target and more":              {entries(tableTargets, targetKey(actor.Location{Path: "/a"})+"x")},
		"a sender that is none":          {entries(tableSenders, "\x14")},
		"an empty key":                   {entries(tableNames, "")},
		"cut off":                        {{1, tableNames, 9, 'a'}},
		"more entries than there may be": {entries(tableNames, strings.Split(strings.Repeat("x", 257), "")...)},
	} {
		t.Run(title+" => refused", func(t *testing.T) {
			var reader tableReader
			var err error
			for _, f := range frames {
				require.NoError(t, err)
				_, err = reader.frame(f)
			}
			require.Error(t, err)
		})
	}
}

// TestTablesEndWithTheirStream: what waits was written by indexes, of several tables
// even; on the next stream it goes out by name (R034).
func TestTablesEndWithTheirStream(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		l := newLane(laneOrdinary, 1<<20, nil)
		o := &outbound{conn: &silentConn{}}
		l.open(o, goldenPeer, &form{version: 3})
		var sent []string
		send := func(n int) {
			to, from := actor.Location{Path: fmt.Sprintf("/user/%d", n)}, actor.Location{Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/x"}
			f := l.form.Load()
			body := fmt.Sprint(len(sent))
			require.True(t, l.put(endFrame(append(appendMessage(nil, goldenSelf, f, to, from, 0, "m"), body...), 0), f, false).ok)
			sent = append(sent, fmt.Sprintf("%s %s %s", to.Path, from.Path, body))
		}
		for version := range uint64(1 + rnd.IntN(4)) {
			for range rnd.IntN(5) {
				send(rnd.IntN(6))
			}
			if rnd.IntN(4) == 0 {
				for len(l.take(o)) > 0 {
				}
				sent = nil
			}
			var keys [tableKinds][]string
			for n := range rnd.IntN(6) {
				keys[tableTargets] = append(keys[tableTargets], targetKey(actor.Location{Path: fmt.Sprintf("/user/%d", 5-n)}))
			}
			keys[tableNames] = []string{"m"}
			l.adopt(o, tableOf(t, version+1, keys))
			l.adopt(&outbound{}, tableOf(t, 99, keys)) // of another stream
		}
		send(1)
		if seed%2 == 0 {
			waiting, dropped := l.close()
			require.True(t, waiting)
			require.Empty(t, dropped)
			require.Equal(t, bareForm, l.form.Load())
			send(2)
		} else {
			l.close()
		}
		version := uint64(2 + rnd.IntN(2))
		l.open(o, goldenPeer, &form{version: version})
		require.Equal(t, framePosition, frameKind(handed(l, o)[frameHeader]))
		var got []string
		eachFrame(handed(l, o), func(kind frameKind, frame []byte) {
			require.Equal(t, map[uint64]frameKind{2: frameUser, 3: frameMessage}[version], kind)
			e, err := envelopeOf(kind, frame[frameHeader+1:])
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%s %s %s", e.Path, e.From.Path, e.Body))
		})
		require.Equal(t, sent, got, "seed %d", seed)
	}
}

func TestWhatGrowsWithoutItsTableIsBounded(t *testing.T) {
	l := newLane(laneOrdinary, 1000, nil)
	o := &outbound{conn: &silentConn{}}
	l.open(o, goldenPeer, &form{version: 3})
	to := actor.Location{Path: "/user/" + strings.Repeat("x", 300)}
	l.adopt(o, tableOf(t, 1, [tableKinds][]string{{targetKey(to)}}))
	f := l.form.Load()
	n := 0
	for l.put(endFrame(appendMessage(nil, goldenSelf, f, to, actor.Location{}, 0, "m"), 0), f, false).ok {
		n++
	}
	_, dropped := l.close()
	require.LessOrEqual(t, l.pending.bytes, 2000)
	require.Equal(t, n, len(dropped)+int(l.pending.messages), "what isn't kept is said")
	require.NotEmpty(t, dropped)
}

func TestBodiesAreCompressed(t *testing.T) {
	f := &form{version: 3, s2: 1 << 10}
	start := appendMessage(nil, goldenSelf, f, actor.Location{Path: "/a"}, actor.Location{}, 0, "m")
	at := len(start)
	text := []byte(strings.Repeat("all work and no play makes Jack a dull boy, and "+fmt.Sprint(at), 40))
	b, scratch := f.compress(append(start, text...), at, nil)
	require.Less(t, len(b), at+len(text)/2)
	require.NotZero(t, b[frameHeader+1]&bodyS2)
	m, err := readMessage(endFrame(b, 0)[frameHeader+1:])
	require.NoError(t, err)
	body, err := unpack(m.Body, 1<<20)
	require.NoError(t, err)
	require.Equal(t, text, body)
	_, err = unpack(m.Body, len(text)-1)
	require.ErrorIs(t, err, errFrameSize)

	for title, body := range map[string][]byte{
		"a short one":                          text[:1<<10-1],
		"one that doesn't get shorter":         randomBytes(4096),
		"one that gets suspiciously much so":   make([]byte, 1<<20),
		"one of a form that doesn't have that": nil,
	} {
		t.Run(title+" => as it is", func(t *testing.T) {
			f := f
			if body == nil {
				body, f = text, bareForm
			}
			start := appendMessage(nil, goldenSelf, f, actor.Location{Path: "/a"}, actor.Location{}, 0, "m")
			b, _ := f.compress(append(bytes.Clone(start), body...), len(start), scratch)
			require.Equal(t, append(start, body...), b)
		})
	}
	for title, packed := range map[string][]byte{
		"a bomb":                     {0x80, 0x80, 0x80, 0x80, 0x04, 0, 1, 2},
		"a length that is too large": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"nothing":                    {},
		"garbage":                    {200, 1, 2, 3},
	} {
		t.Run(title+" => refused", func(t *testing.T) {
			_, err := unpack(packed, 1<<30)
			require.Error(t, err)
		})
	}
}

func randomBytes(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.IntN(256))
	}
	return b
}

func goldenMessages() map[string]goldenFrame {
	to := actor.Location{System: "shop", Addr: goldenPeer.Addr, UID: goldenPeer.UID, Path: "/user/a", ID: 300}
	here := actor.Location{System: "shop", Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/b", ID: 2}
	keys := [tableKinds][]string{{targetKey(to)}, {senderKey(here)}, {"m"}}
	message := func(f *form, to, from actor.Location) []byte {
		return endFrame(append(appendMessage(nil, goldenSelf, f, to, from, 0, "m"), 0xaa, 0xbb), 0)
	}
	return map[string]goldenFrame{
		"to one incarnation": {message(bareForm, to, here), "00000021140511121314151617" + "18072f757365722f61ac02072f757365722f6202016daabb"},
		"to any, from any":   {message(bareForm, actor.Location{Path: "/p"}, actor.Location{Addr: goldenSelf.Addr, Path: "/user/b"}), "000000131408022f7000072f757365722f6200016daabb"},
		"from a third node":  {message(bareForm, actor.Location{Path: "/p"}, actor.Location{System: "shop", Addr: "x:1", UID: 3, Path: "/user/c", ID: 4}), "00000024140c022f70000473686f7003783a310000000000000003072f757365722f6304016daabb"},
		"from nobody":        {message(bareForm, actor.Location{Path: "/p"}, actor.Location{}), "0000000a1400022f7000016daabb"},
		"by index":           {message(&form{version: 3, table: newSendTable(1, keys)}, to, here), "000000071432000000aabb"},
		"table": {appendTable(nil, 1, keys), "0000001715010013011112131415161718072f757365722f61ac02" + "0000000e1501010a04072f757365722f6202" +
			"00000005150102016d" + "00000006150103010101"},
		"with a trace":           {endFrame(append(appendTrace(appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/p"}, actor.Location{}, 0, "m"), "00-ab"), 0xaa, 0xbb), 0), "000000121480022f7000016d" + "07010530302d6162" + "aabb"},
		"the same for version 2": {message(&form{version: 2}, actor.Location{Path: "/p"}, actor.Location{}), "0000000a0a00022f7000016daabb"},
	}
}

// TestGoldenCompressed: what was once compressed can be unpacked for ever, whoever
// compresses it better today.
func TestGoldenCompressed(t *testing.T) {
	frame, err := hex.DecodeString("000000101440022f7000016d6400611101150053")
	require.NoError(t, err)
	e, err := envelopeOf(frameMessage, frame[:20][frameHeader+1:])
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("a", 100), string(e.Body))
}

func FuzzMessage(f *testing.F) {
	keys := [tableKinds][]string{{targetKey(actor.Location{Path: "/a"})}, {senderKey(actor.Location{})}, {"m"}}
	f.Add(endFrame(append(appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/a", UID: 3}, actor.Location{Path: "/b", Addr: "x"}, 0, "m"), "body"...), 0)[frameHeader+1:])
	f.Add([]byte{allIndexed, 0, 0, 0, 1, 2})
	f.Add(appendTrace(appendMessage(nil, goldenSelf, bareForm, actor.Location{Path: "/a"}, actor.Location{}, 0, "m"), "00-ab")[frameHeader+1:])
	table := newSendTable(1, keys)
	f.Fuzz(func(t *testing.T, b []byte) {
		bound.Allocation(t, len(b), func() {
			if m, err := readMessage(b); err == nil && table.literal(&m) == nil {
				_, _ = m.envelope()
			}
		})
		m, err := readMessage(b)
		if err != nil {
			return
		}
		if table.literal(&m) != nil {
			return
		}
		e, err := m.envelope()
		require.NoError(t, err, "what was read is sound")
		again, err := readMessage(m.append(nil)[frameHeader+1:])
		require.NoError(t, err)
		require.Equal(t, m.Flags, again.Flags)
		require.Equal(t, string(m.Body), string(again.Body))
		e2, err := again.envelope()
		require.NoError(t, err)
		require.Equal(t, string(e.Path), string(e2.Path))
		require.Equal(t, string(e.Name), string(e2.Name))
		require.Equal(t, string(e.Trace), string(e2.Trace))
		require.LessOrEqual(t, len(e.Trace), actor.TraceMax)
		if m.Flags&bodyS2 != 0 {
			if body, err := unpack(m.Body, 1<<20); err == nil {
				require.LessOrEqual(t, len(body), 64<<10+64*len(b))
			}
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add(appendTable(nil, 1, [tableKinds][]string{{targetKey(actor.Location{Path: "/a"})}, {senderKey(actor.Location{})}, {"m"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		bound.Allocation(t, len(b), func() {
			var reader tableReader
			fs := &frames{greeted: true, max: frameMaxGreet}
			_ = fs.feed(b, func(frame []byte) error { _, err := reader.frame(frame[1:]); return err })
		})
		var reader tableReader
		fs := &frames{greeted: true, max: frameMaxGreet}
		_ = fs.feed(b, func(frame []byte) error {
			table, err := reader.frame(frame[1:])
			require.LessOrEqual(t, reader.bytes, tableBytesMax+frameMaxGreet)
			if table != nil {
				again := tableOf(t, table.version, table.keys)
				require.Equal(t, table.keys, again.keys)
			}
			return err
		})
	})
}
