package remote

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/bound"
)

var (
	goldenSelf = identity{System: "shop", Addr: "10.0.0.1:2551", UID: 0x0102030405060708, Cluster: "c", Fingerprint: 9, FrameMax: 1 << 18}
	goldenPeer = identity{System: "shop", Addr: "10.0.0.2:2551", UID: 0x1112131415161718, FrameMax: 4096}
)

var (
	goldenNonce = [nonceSize]byte{1, 2, 3, 31: 32}
	goldenKeys  = func() *secretKeys {
		s, err := NewSecret([]byte("0123456789abcdef"))
		if err != nil {
			panic(err)
		}
		return s.material()
	}()
)

// goldenFrame is what is written today, and what has to be for ever.
type goldenFrame struct {
	got  []byte
	want string
}

// TestGolden holds the bytes of the protocol still, of every kind of frame: other
// releases speak it. What this one says is understood by [TestNodesOfEarlierVersions].
func TestGolden(t *testing.T) {
	kinds := map[frameKind]bool{}
	for _, table := range []map[string]goldenFrame{goldenGreetings(), goldenNumbers(), goldenEnvelopes(), goldenOfVersion3(), goldenMessages()} {
		for title, c := range table {
			t.Run(title, func(t *testing.T) { require.Equal(t, c.want, hex.EncodeToString(c.got)) })
			kinds[frameKind(bytes.TrimPrefix(c.got, []byte(magic))[frameHeader])] = true
		}
	}
	for kind := frameHello; kind <= frameTaken; kind++ {
		free := kind > frameProof && kind < framePosition
		require.NotEqual(t, free, kinds[kind], "frames of kind %d", kind)
	}
}

func goldenNumbers() map[string]goldenFrame {
	return map[string]goldenFrame{
		"position":        {appendNumber(nil, framePosition, 300), "0000000309ac02"},
		"ack":             {appendNumber(nil, frameAck, 300), "000000030cac02"},
		"nack":            {appendNumber(nil, frameNack, 300), "000000030dac02"},
		"ping":            {appendNumber(nil, framePing, 300), "000000030eac02"},
		"pong":            {appendNumber(nil, framePong, 300), "000000030fac02"},
		"credit":          {appendNumber(nil, frameCredit, 1<<20), "0000000413808040"},
		"table taken":     {appendNumber(nil, frameTaken, 1), "000000021601"},
		"goodbye":         {appendBare(nil, frameGoodbye), "0000000110"},
		"goodbye arrived": {appendBare(nil, frameGoodbyeAck), "0000000111"},
	}
}

func goldenEnvelopes() map[string]goldenFrame {
	to := actor.Location{System: "shop", Addr: goldenPeer.Addr, UID: goldenPeer.UID, Path: "/user/a", ID: 300}
	here := actor.Location{System: "shop", Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/b", ID: 2}
	anyUID := actor.Location{System: "shop", Addr: goldenSelf.Addr, Path: "/user/b"}
	elsewhere := actor.Location{System: "shop", Addr: "x:1", UID: 3, Path: "/user/c", ID: 4}
	user := func(to, from actor.Location) []byte {
		return endFrame(append(appendUser(nil, goldenSelf, to, from, "m"), 0xaa, 0xbb), 0)
	}
	return map[string]goldenFrame{
		"user, to one incarnation": {user(to, here), "000000210a0311121314151617180" + "72f757365722f61ac02072f757365722f6202016daabb"},
		"user, to any, from any":   {user(actor.Location{Path: "/p"}, anyUID), "000000130a0a022f7000072f757365722f6200016daabb"},
		"user, from a third node":  {user(actor.Location{Path: "/p"}, elsewhere), "000000240a04022f70000473686f7003783a310000000000000003072f757365722f6304016daabb"},
		"user, from nobody":        {user(actor.Location{Path: "/p"}, actor.Location{}), "0000000a0a00022f7000016daabb"},
		"system":                   {appendSystem(nil, systemFrame{Seq: 1, Kind: actor.SystemTerminated, After: 2, ToUID: 3, ToPath: "/t", ToID: 4, FromAnyUID: true, FromPath: "/f", FromID: 5}, 2), "000000150b0103020000000000000003022f740401022f6605"},
	}
}

func goldenGreetings() map[string]goldenFrame {
	return map[string]goldenFrame{
		"hello": {appendHello(nil, hello{Version: 1, Oldest: 1, Lane: laneOrdinary, From: goldenSelf, To: goldenPeer.Addr}),
			"545250310000003a010101010473686f700d31302e302e302e313a3235353101020304050607080163000000000000000980801" +
				"00d31302e302e302e323a32353531"},
		"welcome": {append([]byte(magic), appendWelcome(nil, welcome{Version: 1, From: goldenPeer})...),
			"5452503100000028020" + "10473686f700d31302e302e302e323a3235353111121314151617180000000000000000008020"},
		"hello of version 2": {appendHello(nil, hello{Version: 2, Oldest: 1, From: goldenPeer, To: "b:1", Features: featureSecret, Nonce: goldenNonce}),
			"545250310000004f010201000473686f700d31302e302e302e323a323535311112131415161718000000000000000000802003623a31010102030000000000000000000000000000000000000000000000000000000020"},
		"welcome of version 2": {appendWelcome(nil, welcome{Version: 2, From: goldenPeer, Features: 3}),
			"0000002902020473686f700d31302e302e302e323a323535311112131415161718000000000000000000802003"},
		"challenge": {appendChallenge(nil, challenge{Version: 2, Nonce: goldenNonce}),
			"0000002204020102030000000000000000000000000000000000000000000000000000000020"},
		"proof": {appendProof(nil, (&session{goldenKeys, transcriptOf([]byte("hello"), []byte("challenge"), []byte("binding"))}).dialerProof()),
			"00000021058a3d9a3bcb3e50c3a07e28bb75b70c6fb09748055d22f2edb39949e539957a27"},
		"welcome with its proof": {sealed(appendWelcome(nil, welcome{Version: 2, From: goldenPeer}), &session{goldenKeys, transcript{1}}),
			"0000004902020473686f700d31302e302e302e323a323535311112131415161718000000000000000000802000c9a952a0f505a5371b2223de0ae886f2c1cb12791eb6fc0531bdad6f03d1e8a3"},
		"refusal": {append([]byte(magic), appendRefusal(nil, refusal{Code: refusedGone, UID: 1, Text: "no"})...), "545250310000000d0304000000000000000" + "1026e6f"},
	}
}

// cut feeds b in random pieces and returns the frames.
func cut(f *frames, b []byte, rnd *rand.Rand) (got []string, err error) {
	for len(b) > 0 && err == nil {
		n := min(len(b), 1+rnd.IntN(1+rnd.IntN(40)))
		err = f.feed(b[:n], func(frame []byte) error {
			got = append(got, string(frame))
			return nil
		})
		b = b[n:]
	}
	return got, err
}

func TestFramesInAnyPieces(t *testing.T) { // R002
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		b := []byte(magic)
		var want []string
		for range rnd.IntN(20) {
			body := make([]byte, rnd.IntN(100))
			for i := range body {
				body[i] = byte(rnd.IntN(256))
			}
			start := len(b)
			b = endFrame(append(beginFrame(b, frameUser), body...), start)
			want = append(want, string(rune(frameUser))+string(body))
		}
		f := &frames{max: 200}
		got, err := cut(f, b, rnd)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Empty(t, f.partial)
	}
}

func TestFramesRefuse(t *testing.T) {
	for title, c := range map[string]struct {
		in   string
		want error
	}{
		"another protocol":        {"GET / HTTP/1.1", errMagic},
		"a magic that ends wrong": {"TRP2", errMagic},
		"a frame too large":       {magic + "\x00\x00\x00\xc9", errFrameSize},
		"a frame of 4 GB":         {magic + "\xff\xff\xff\xff", errFrameSize},
		"a frame of nothing":      {magic + "\x00\x00\x00\x00", errFrame},
	} {
		t.Run(title+" => refused by length, nothing allocated for it", func(t *testing.T) {
			for seed := range uint64(20) {
				f := &frames{max: 200}
				_, err := cut(f, []byte(c.in), rand.New(rand.NewPCG(seed, 1)))
				require.ErrorIs(t, err, c.want)
				require.LessOrEqual(t, cap(f.partial), 64)
			}
		})
	}
}

func TestHandshakeRoundTrip(t *testing.T) {
	for _, lane := range []laneKind{laneControl, laneOrdinary, laneProbe, laneLarge, ordinaryLane(3)} {
		h := hello{Version: 4, Oldest: 1, Lane: lane, From: goldenSelf, To: "b:1", LargeMax: 1 << 20}
		b := appendHello(nil, h)[len(magic)+frameHeader+1:]
		got, err := readHello(append(b, "a newer version's field"...))
		require.NoError(t, err)
		require.Equal(t, h, got)
		for n := range b {
			_, err := readHello(b[:n])
			require.Error(t, err, "truncated")
		}
	}
	w := welcome{Version: 1, From: goldenPeer}
	got, err := readWelcome(appendWelcome(nil, w)[frameHeader+1:], protocolVersion)
	require.NoError(t, err)
	require.Equal(t, w, got)
	_, err = readWelcome(appendWelcome(nil, welcome{Version: 3, From: goldenPeer})[frameHeader+1:], 2)
	require.ErrorContains(t, err, "was not offered")
	r := refusal{Code: refusedBusy, UID: 4, Text: "busy"}
	gotR, err := readRefusal(appendRefusal(nil, r)[frameHeader+1:])
	require.NoError(t, err)
	require.Equal(t, r, gotR)
}

func TestJudge(t *testing.T) { // R023
	good := hello{Version: 1, Oldest: 1, From: goldenPeer, To: goldenSelf.Addr}
	good.From.Cluster = goldenSelf.Cluster
	self := goldenSelf
	self.Can.Version = protocolVersion
	_, ok := judge(self, good)
	require.True(t, ok)
	for title, c := range map[string]struct {
		change func(*hello)
		code   refusalCode
		text   string
	}{
		"a future version":    {func(h *hello) { h.Version, h.Oldest = 9, 8 }, refusedVersion, "8 to 9 there"},
		"for another address": {func(h *hello) { h.To = "other:1" }, refusedAddress, "this node is 10.0.0.1:2551, not other:1"},
		"of another cluster":  {func(h *hello) { h.From.Cluster = "x" }, refusedCluster, `the other to "x"`},
		"of this very system": {func(h *hello) { h.From.UID = goldenSelf.UID }, refusedSelf, "itself"},
	} {
		t.Run("a hello "+title+" => refused, and told why", func(t *testing.T) {
			h := good
			c.change(&h)
			r, ok := judge(self, h)
			require.False(t, ok)
			require.Equal(t, c.code, r.Code)
			require.Contains(t, r.Text, c.text)
		})
	}
	w := welcome{Version: 1, From: goldenPeer}
	w.From.Cluster = goldenSelf.Cluster
	_, ok = confirm(goldenSelf, goldenPeer.Addr, w)
	require.True(t, ok)
	for title, c := range map[string]struct {
		addr  string
		w     welcome
		cause Cause
		text  string
	}{
		"as somebody else":   {"alias:1", w, CauseAddress, "is known as 10.0.0.2:2551: write that address instead, or set Advertise to alias:1 there"},
		"of another cluster": {goldenPeer.Addr, welcome{From: goldenPeer}, CauseCluster, `this node to "` + goldenSelf.Cluster + `"`},
		"of this very node":  {"alias:1", welcome{From: goldenSelf}, CauseSelf, "is this very node, which is known as " + goldenSelf.Addr},
	} {
		t.Run("an answer "+title+" => told in the words of this node", func(t *testing.T) {
			no, ok := confirm(goldenSelf, c.addr, c.w)
			require.False(t, ok)
			cause, text := no.cause(goldenSelf, c.addr)
			require.Equal(t, c.cause, cause)
			require.Contains(t, text, c.text)
		})
	}
}

func TestEnvelopeRoundTrip(t *testing.T) { // R001
	locations := []actor.Location{
		{}, {System: "shop", Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/b", ID: 2}, {System: "shop", Addr: goldenSelf.Addr, Path: "/user/b"},
		{System: "shop", Addr: "x:1", UID: 3, Path: "/user/c", ID: 4}, {System: "shop", Path: "/entity/account/alice"},
	}
	for _, uid := range []uint64{0, 7} {
		for _, from := range locations {
			t.Run(fmt.Sprintf("to uid %d from %v", uid, from), func(t *testing.T) {
				to := actor.Location{Path: "/user/a", ID: 300, UID: uid}
				b := append(appendUser(nil, goldenSelf, to, from, "name"), "body"...)[frameHeader+1:]
				e, err := readUser(b)
				require.NoError(t, err)
				require.Equal(t, uid, e.TargetUID)
				require.Equal(t, uid, targetUID(frameUser, b))
				require.Equal(t, "/user/a", string(e.Path))
				require.Equal(t, uint64(300), e.ID)
				require.Equal(t, "name", string(e.Name))
				require.Equal(t, "body", string(e.Body))
				require.Equal(t, from, e.From.location(goldenSelf))
			})
		}
	}
}

func TestLane(t *testing.T) { // R005
	l := newLane(laneOrdinary, 200, nil)
	frame := func(uid uint64, path string) []byte {
		return endFrame(appendMessage(nil, goldenSelf, bareForm, actor.Location{UID: uid, Path: path}, actor.Location{}, 0, "m"), 0)
	}
	require.Equal(t, put{ok: true, demand: true}, l.put(frame(0, "/a"), bareForm, false), "the first asks for a stream")
	require.Equal(t, put{ok: true}, l.put(frame(7, "/b"), bareForm, false), "the others don't")
	require.True(t, l.write(appendBare(nil, frameGoodbye)))
	l.put(frame(8, "/c"), bareForm, false)
	require.Equal(t, put{}, l.put(make([]byte, 200), bareForm, false), "the bound holds")
	require.Equal(t, put{stale: true}, l.put(frame(0, "/a"), &form{}, false), "written for another stream")
	require.Equal(t, uint64(3), l.position())
	require.Len(t, l.drop(7), 1)
	messages, size := l.load()
	require.Equal(t, 2, messages)
	require.Equal(t, l.pending.bytes, size)
	waiting, _ := l.close()
	require.True(t, waiting, "messages wait for the next stream")
	l.pending.each(func(kind frameKind, _ []byte) { require.NotEqual(t, frameGoodbye, kind, "it was for the last stream") })
	require.Len(t, l.drop(0), 2)
	require.False(t, l.idle(), "nothing came meanwhile")
	require.True(t, l.put(frame(0, "/d"), bareForm, false).demand)
	require.True(t, l.idle(), "something came meanwhile")
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte(magic+"\x00\x00\x00\x01\x10"), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		bound.Allocation(t, len(b), func() { _ = (&frames{max: 1 << 20}).feed(b, func([]byte) error { return nil }) })
		whole := &frames{max: 1000}
		var want []string
		wantErr := whole.feed(b, func(frame []byte) error { want = append(want, string(frame)); return nil })
		pieces := &frames{max: 1000}
		got, err := cut(pieces, b, rand.New(rand.NewPCG(seed, 1)))
		require.Equal(t, want, got)
		require.Equal(t, wantErr == nil, err == nil)
		require.LessOrEqual(t, len(pieces.partial), 1000+frameHeader)
	})
}

func FuzzProtocol(f *testing.F) {
	f.Add(appendHello(nil, hello{Version: 1, Oldest: 1, From: goldenSelf, To: "b"})[len(magic)+frameHeader+1:])
	f.Add(appendSystem(nil, systemFrame{Seq: 1, ToPath: "/t"}, 3)[frameHeader+1:])
	f.Add(appendUser(nil, goldenSelf, actor.Location{Path: "/p", UID: 3}, actor.Location{Path: "/q", Addr: "x"}, "m")[frameHeader+1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		bound.Allocation(t, 3*len(b), func() { // each reads it once
			_, _ = readHello(b)
			_, _ = readSystem(b, protocolVersion)
			_, _ = readUser(b)
		})
		if h, err := readHello(b); err == nil {
			again, err := readHello(appendHello(nil, h)[len(magic)+frameHeader+1:])
			require.NoError(t, err)
			require.Equal(t, h, again)
		}
		if s, err := readSystem(b, 3); err == nil {
			again, err := readSystem(appendSystem(nil, s, 3)[frameHeader+1:], 3)
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
		if c, err := readChallenge(b, protocolVersion); err == nil {
			again, err := readChallenge(appendChallenge(nil, c)[frameHeader+1:], protocolVersion)
			require.NoError(t, err)
			require.Equal(t, c, again)
		}
		s := &session{goldenKeys, transcript{1}}
		_, ok := s.proven(frameWelcome, b)
		require.False(t, ok, "nobody guesses a proof")
		if e, err := readUser(b); err == nil {
			require.LessOrEqual(t, len(e.Path)+len(e.Body)+len(e.From.Raw)+len(e.Name), len(b))
		}
	})
}
