package remote

import (
	"context"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

// FuzzAnswers reads bytes as each of the frames that an acceptor may answer with, and
// those that are numbers: what can be read can be written, and is read again as it was.
func FuzzAnswers(f *testing.F) {
	f.Add(appendWelcome(nil, welcome{Version: 3, From: goldenPeer, Features: 6, LargeMax: 1 << 20})[frameHeader+1:])
	f.Add(appendChallenge(nil, challenge{Version: 2, Nonce: goldenNonce})[frameHeader+1:])
	f.Add(appendRefusal(nil, refusal{Code: refusedGone, UID: 1, Text: "no"})[frameHeader+1:])
	f.Add(appendNumber(nil, frameAck, 300)[frameHeader+1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		bound.Allocation(t, 6*len(b), func() { // each reads it once
			for newest := range uint64(protocolVersion + 1) {
				_, _ = readWelcome(b, newest)
			}
			_, _ = readChallenge(b, protocolVersion)
			_, _ = readRefusal(b)
			_, _ = readNumber(b)
		})
		if w, err := readWelcome(b, protocolVersion); err == nil {
			again, err := readWelcome(appendWelcome(nil, w)[frameHeader+1:], protocolVersion)
			require.NoError(t, err)
			require.Equal(t, w, again)
		}
		if r, err := readRefusal(b); err == nil {
			again, err := readRefusal(appendRefusal(nil, r)[frameHeader+1:])
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
		if n, err := readNumber(b); err == nil {
			again, err := readNumber(appendNumber(nil, frameAck, n)[frameHeader+1:])
			require.NoError(t, err)
			require.Equal(t, n, again)
		}
	})
}

// FuzzOrder reads orders to start actors.
func FuzzOrder(f *testing.F) {
	quiet := zerolog.Nop()
	reg := codec.NewRegistry()
	sys, err := actor.NewSystem("shop", actor.Config{Logger: &quiet, Registry: reg})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, sys.Stop(context.Background())) })
	owner := sys.RefOf(actor.Location{System: "shop", Addr: "a:1", UID: 3, Path: "/user/b", ID: 4})
	for _, o := range []Order{{Kind: "echo"}, {Kind: "echo", Args: "loud"}, {Kind: "echo", Args: "loud", Owner: owner}} {
		b, err := o.AppendWire(sys.Scope(), nil)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o, again Order
		var err error
		bound.Allocation(t, len(b), func() { err = o.DecodeWire(sys.Scope(), b) })
		if err != nil {
			return
		}
		b, err = o.AppendWire(sys.Scope(), nil)
		require.NoError(t, err)
		require.NoError(t, again.DecodeWire(sys.Scope(), b))
		require.Equal(t, o, again)
	})
}

// FuzzUnpack unpacks compressed bodies: what can't be unpacked costs no more than what
// came, what can costs what it is, and both are bounded in proportion.
func FuzzUnpack(f *testing.F) {
	const most = 1 << 20
	f.Add(s2.Encode(nil, []byte(strings.Repeat("a", 100))))
	f.Add(s2.Encode(nil, []byte("nothing comes twice")))
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x04, 0, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		costs := len(b)
		if n, err := s2.DecodedLen(b); err == nil && n <= min(most, unpackedMax(len(b))) {
			costs += n
		}
		bound.Allocation(t, costs, func() { _, _ = unpack(b, most) })
		out, err := unpack(b, most)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(out), min(most, unpackedMax(len(b))))
		again, err := unpack(s2.Encode(nil, out), max(most, len(out)))
		if err == nil { // this encoder may do better than is put up with
			require.Equal(t, string(out), string(again))
		}
	})
}

// fitsTwin is fits for those who don't mind slices.
func fitsTwin(pattern, path string) bool {
	want, names := strings.Split(pattern[1:], "/"), strings.Split(path[1:], "/")
	for k, w := range want {
		switch {
		case k >= len(names) || names[k] == "":
			return false
		case w == "**":
			return true
		case w != "*" && w != names[k]:
			return false
		}
	}
	return len(want) == len(names)
}

// FuzzPaths asks for the zone of a path that a peer names, and whether it fits a
// pattern: no way of writing a path leads from one zone into another.
func FuzzPaths(f *testing.F) {
	for _, c := range [][2]string{
		{"/user/api/*", "/user/api/x"}, {"/user/**", "/user/a/b"}, {"/user/a", "/user//a"}, {"/user/*", "/user/"}, {"/user/*", "/user/../system/x"},
		{"/*", "/user"}, {"/user/*/x", "/user/spawned"}, {"/**", "/temp/7"}, {"/a", "a"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		a := Access{}
		if checkPatterns([]string{pattern}) == nil {
			a.Exported = []string{pattern}
		}
		var z zone
		bound.Allocation(t, len(path), func() { z = a.zoneOf(path) })
		canonical := strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.HasSuffix(path, "/")
		if !canonical {
			require.Equal(t, zoneInternal, z)
			return
		}
		switch {
		case path == "/user" || path == spawnedPath:
			require.Equal(t, zoneGuardian, z)
		case a.Exported != nil && fitsTwin(pattern, path):
			require.Equal(t, zoneExported, z)
		default:
			require.NotEqual(t, zoneExported, z)
			require.Equal(t, z == zoneUser, strings.HasPrefix(path, "/user/"))
			require.Equal(t, z == zoneReply, strings.HasPrefix(path, "/temp/"))
		}
	})
}

// FuzzAddress reads what peers and configurations give as an address.
func FuzzAddress(f *testing.F) {
	for _, a := range []string{"10.0.0.1:2551", "[::1]:2551", "node-1.shop:0", "a", ":1", "[::1", "a:b:c", "\x00:1", strings.Repeat("x", addrMax+1) + ":1"} {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, addr string) {
		bound.Allocation(t, 3*len(addr), func() { // it is quoted in the error
			_, _ = Config{}.advertised(addr)
			_ = Config{}.exposed(addr, false)
			_ = beyond(addr)
			_ = hostOf(addr)
		})
		if (Config{Listen: addr}).Validate() == nil && addr != "" {
			require.True(t, plain(addr, addrMax))
		}
		said := printable(addr)
		require.LessOrEqual(t, len(said), 4*textMax+len("…"))
		require.NotContains(t, said, "\n")
		require.NotContains(t, said, "\x1b")
		if beyond(addr) {
			require.Error(t, Config{}.exposed(addr, false), "nobody gets in from elsewhere without proving anything")
		}
	})
}
