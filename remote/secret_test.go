package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

const canary = "a secret that must not be seen anywhere"

func testSecret(t testing.TB, text string) Secret {
	s, err := NewSecret([]byte(text))
	require.NoError(t, err)
	return s
}

func TestSecretNeverPrints(t *testing.T) {
	s := testSecret(t, canary)
	cfg := Config{Secrets: []Secret{s}}
	holder := struct{ hidden Config }{cfg}
	var texts []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, cfg.Secrets), fmt.Sprintf(verb, holder))
	}
	j, err := json.Marshal(map[string]any{"cfg": cfg.Secrets, "one": s})
	require.NoError(t, err)
	texts = append(texts, string(j), s.String())
	for _, text := range texts {
		require.NotContains(t, text, "secret that must")
		for _, key := range [][]byte{[]byte(canary), s.material().dialer, s.material().acceptor} {
			require.NotContains(t, text, fmt.Sprintf("%x", key[:8]))
			require.NotContains(t, text, strings.Trim(fmt.Sprint(key[:8]), "[]"))
		}
	}
}

func TestSecretMustBeStrong(t *testing.T) {
	for title, c := range map[string]struct{ text, want string }{
		"fifteen bytes":           {"0123456789abcde", "at least 16"},
		"nothing":                 {"", "at least 16"},
		"few letters again":       {"abcdabcdabcdabcdabcd", "easily guessed"},
		"sixteen different bytes": {"0123456789abcdef", ""},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := NewSecret([]byte(c.text))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(canary+"\n"), 0o600))
	s, err := ReadSecret(path)
	require.NoError(t, err)
	require.Equal(t, testSecret(t, canary).material(), s.material(), "the end of the line does not count")
	_, err = ReadSecret(path + "x")
	require.ErrorContains(t, err, "read secret")
	require.ErrorContains(t, Config{Secrets: []Secret{{}}}.Validate(), "zero value")
	require.ErrorContains(t, Config{Secrets: []Secret{s, s, s}}.Validate(), "at most 2")
}

// guarded is a node that demands secrets.
func guarded(t *testing.T, cfg Config) *Remote {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet, Registry: codec.NewRegistry()})
	require.NoError(t, err)
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = 2 * time.Second
	}
	r, err := Start(sys, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, sys.Stop(ctx))
	})
	return r
}

// wireEnd is a hand-made end of a connection.
type wireEnd struct {
	t    *testing.T
	c    net.Conn
	cut  frames
	got  [][]byte
	over bool
}

func newWireEnd(t *testing.T, c net.Conn) *wireEnd {
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	t.Cleanup(func() { _ = c.Close() })
	return &wireEnd{t: t, c: c, cut: frames{max: frameMaxGreet}}
}

func knockAt(t *testing.T, r *Remote) *wireEnd {
	c, err := net.Dial("tcp", r.Addr())
	require.NoError(t, err)
	return newWireEnd(t, c)
}

func (w *wireEnd) write(b []byte) { _, _ = w.c.Write(b) } // what comes of it is read

// read returns the next frame, nil at the end.
func (w *wireEnd) read() []byte {
	b := make([]byte, 4096)
	for len(w.got) == 0 && !w.over {
		n, err := w.c.Read(b)
		if w.over = err != nil; w.over {
			require.NotContains(w.t, err.Error(), "timeout", "the other end closes the connection")
		}
		require.NoError(w.t, w.cut.feed(b[:n], func(f []byte) error {
			w.got = append(w.got, append([]byte(nil), f...))
			return nil
		}))
	}
	if len(w.got) == 0 {
		return nil
	}
	f := w.got[0]
	w.got = w.got[1:]
	return f
}

func (w *wireEnd) readKind(kind frameKind) []byte {
	w.t.Helper()
	f := w.read()
	require.NotNil(w.t, f, "the connection ended")
	require.Equal(w.t, kind, frameKind(f[0]))
	return f[1:]
}

// requireRefused requires a refusal (0: none), and then the end.
func (w *wireEnd) requireRefused(code refusalCode) {
	w.t.Helper()
	if code != 0 {
		r, err := readRefusal(w.readKind(frameRefuse))
		require.NoError(w.t, err)
		require.Equal(w.t, code, r.Code, r.Text)
		require.Zero(w.t, r.UID, "a stranger learns nothing")
		require.NotContains(w.t, r.Text, "test-cluster")
	}
	require.Nil(w.t, w.read(), "nothing follows")
}

func guest(to *Remote) hello {
	return hello{Version: 2, Oldest: 1, Lane: laneOrdinary, To: to.Addr(), Features: featureSecret, Nonce: [nonceSize]byte{1, 2, 3},
		From: identity{System: "test", Addr: "127.0.0.1:1", UID: 77, Cluster: "test-cluster", FrameMax: 4096}}
}

func helloBody(h hello) []byte { return appendHello(nil, h)[len(magic)+frameHeader+1:] }

// TestHandshakeAttacks tries to get in without the secret. Covers the rows
// "handshake replay, reflection, downgrade, wrong id" of the bad inputs.
func TestHandshakeAttacks(t *testing.T) {
	good, bad := testSecret(t, canary), testSecret(t, "something else that is long enough")
	r := guarded(t, Config{Secrets: []Secret{good}, Cluster: "test-cluster"})
	var recorded []byte
	type exchange struct {
		w     *wireEnd
		hello hello
		said  transcript
	}
	for _, c := range []struct {
		title  string
		change func(*hello) // before it is said
		answer func(e exchange) []byte
		code   refusalCode
	}{
		{title: "the right proof", answer: func(e exchange) []byte {
			recorded = appendProof(nil, (&session{good.material(), e.said}).dialerProof())
			return recorded
		}},
		{title: "that proof again", answer: func(exchange) []byte { return recorded }, code: refusedSecret},
		{title: "a proof by another secret", answer: func(e exchange) []byte {
			return appendProof(nil, (&session{bad.material(), e.said}).dialerProof())
		}, code: refusedSecret},
		{title: "the proof of the other role", answer: func(e exchange) []byte {
			return appendProof(nil, (&session{&secretKeys{good.material().acceptor, good.material().dialer}, e.said}).dialerProof())
		}, code: refusedSecret},
		{title: "what an acceptor would say", answer: func(e exchange) []byte {
			return appendProof(nil, (&session{good.material(), e.said}).acceptorProof(frameProof, nil))
		}, code: refusedSecret},
		{title: "a proof cut short", answer: func(e exchange) []byte {
			return appendProof(nil, (&session{good.material(), e.said}).dialerProof()[:proofSize-1])
		}, code: refusedSecret},
		{title: "a proof and more", answer: func(e exchange) []byte {
			return appendProof(nil, append((&session{good.material(), e.said}).dialerProof(), 0))
		}, code: refusedSecret},
		{title: "an empty proof", answer: func(exchange) []byte { return appendProof(nil, nil) }, code: refusedSecret},
		{title: "no proof but a message", answer: func(exchange) []byte {
			return endFrame(appendUser(nil, identity{}, actor.Location{Path: "/user/x"}, actor.Location{}, "m"), 0)
		}},
		{title: "no proof but a system message", answer: func(exchange) []byte {
			return appendSystem(nil, systemFrame{Seq: 1, Kind: actor.SystemTerminated, ToPath: "/user/x"}, 2)
		}},
		{title: "no proof but another hello", answer: func(e exchange) []byte { return appendHello(nil, e.hello)[len(magic):] }},
		{title: "no proof but a goodbye", answer: func(exchange) []byte { return appendBare(nil, frameGoodbye) }},
		{title: "a hello of version 1", change: func(h *hello) { h.Version = 1 }, code: refusedSecret},
		{title: "a hello that offers no proof", change: func(h *hello) { h.Features = 0 }, code: refusedSecret},
		{title: "a hello of another cluster", change: func(h *hello) { h.From.Cluster = "x" }, code: refusedCluster},
		{title: "a hello for another address", change: func(h *hello) { h.To = "x:1" }, code: refusedAddress},
		{title: "its own hello back", change: func(h *hello) { h.From.UID = r.self.UID }, code: refusedSelf},
	} {
		t.Run(c.title, func(t *testing.T) {
			h := guest(r)
			if c.change != nil {
				c.change(&h)
			}
			w := knockAt(t, r)
			w.write(appendHello(nil, h))
			if c.answer == nil {
				w.requireRefused(c.code)
				return
			}
			said := transcriptOf(helloBody(h), w.readKind(frameChallenge), nil)
			w.write(c.answer(exchange{w, h, said}))
			if c.title == "the right proof" {
				body, ok := (&session{good.material(), said}).proven(frameWelcome, w.readKind(frameWelcome))
				require.True(t, ok, "the answer is proved")
				answer, err := readWelcome(body, protocolVersion)
				require.NoError(t, err)
				require.Equal(t, r.self.UID, answer.From.UID)
				return
			}
			w.requireRefused(c.code)
		})
	}
}

// TestHandshakeChangedOnTheWay puts somebody between two who know the secret.
func TestHandshakeChangedOnTheWay(t *testing.T) {
	good := testSecret(t, canary)
	r := guarded(t, Config{Secrets: []Secret{good}, Cluster: "test-cluster"})
	for title, change := range map[string]func(*hello){
		"another name":     func(h *hello) { h.From.Addr = "127.0.0.1:2" },
		"another uid":      func(h *hello) { h.From.UID = 78 },
		"another stream":   func(h *hello) { h.Lane = laneControl },
		"a higher version": func(h *hello) { h.Version = 9 },
		"another oldest":   func(h *hello) { h.Oldest = 2 },
		"more features":    func(h *hello) { h.Features |= 1 << 9 },
		"another nonce":    func(h *hello) { h.Nonce[31] ^= 1 },
		"another limit":    func(h *hello) { h.From.FrameMax++ },
	} {
		t.Run(title+" => refused", func(t *testing.T) {
			said := guest(r) // what the dialer said, and proves
			changed := said
			change(&changed)
			w := knockAt(t, r)
			w.write(appendHello(nil, changed))
			challenge := w.readKind(frameChallenge)
			w.write(appendProof(nil, (&session{good.material(), transcriptOf(helloBody(said), challenge, nil)}).dialerProof()))
			w.requireRefused(refusedSecret)
		})
	}
	t.Run("another connection below => refused", func(t *testing.T) {
		w := knockAt(t, r)
		w.write(appendHello(nil, guest(r)))
		w.write(appendProof(nil, (&session{good.material(), transcriptOf(helloBody(guest(r)), w.readKind(frameChallenge), []byte("exporter"))}).dialerProof()))
		w.requireRefused(refusedSecret)
	})
}

// TestFalseAcceptors answers a node that dials without knowing its secret.
func TestFalseAcceptors(t *testing.T) {
	good := testSecret(t, canary)
	for title, play := range map[string]func(w *wireEnd, h hello){
		"a welcome without a challenge": func(w *wireEnd, h hello) { w.welcome(h, nil) },
		"a challenge, then an unproven welcome": func(w *wireEnd, h hello) {
			w.challenge()
			w.readKind(frameProof)
			w.welcome(h, nil)
		},
		"the dialer's own proof back": func(w *wireEnd, h hello) {
			w.challenge()
			w.welcome(h, w.readKind(frameProof))
		},
		"a proof by another secret": func(w *wireEnd, h hello) {
			said := transcriptOf(helloBody(h), w.challenge(), nil)
			w.readKind(frameProof)
			b := appendWelcome(nil, welcome{Version: 2, From: identity{System: "test", Addr: h.To, UID: 5, FrameMax: 4096}})
			b = sealed(b, &session{testSecret(w.t, "something else that is long enough").material(), said})
			w.write(b)
		},
		"a second challenge": func(w *wireEnd, _ hello) {
			w.challenge()
			w.readKind(frameProof)
			w.write(appendChallenge(nil, challenge{Version: 2}))
		},
		"a verdict without proof": func(w *wireEnd, _ hello) {
			w.write(append([]byte(magic), appendRefusal(nil, refusal{Code: refusedGone, UID: 5})...))
		},
		"a verdict after a challenge without proof": func(w *wireEnd, _ hello) {
			w.challenge()
			w.readKind(frameProof)
			w.write(appendRefusal(nil, refusal{Code: refusedGone, UID: 5}))
		},
		"a challenge of a version not offered": func(w *wireEnd, _ hello) {
			w.write(append([]byte(magic), appendChallenge(nil, challenge{Version: protocolVersion + 1})...))
		},
	} {
		t.Run(title+" => nothing more is said to it", func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer func() { _ = l.Close() }()
			r := guarded(t, Config{Secrets: []Secret{good}})
			r.sys.RefAt(l.Addr().String(), "/user/x").TellFrom(nil, actor.PID{}) //nolint:errcheck // it only makes the node dial
			r.Link(actor.Location{Addr: l.Addr().String()}).SendSystem(actor.SystemMessage{Kind: actor.SystemWatch,
				To: r.sys.RefAt(l.Addr().String(), "/user/x"), From: r.sys.RefAt(r.Addr(), "/user/y")})
			c, err := l.Accept()
			require.NoError(t, err)
			w := newWireEnd(t, c)
			h, err := readHello(w.readKind(frameHello))
			require.NoError(t, err)
			play(w, h)
			require.Nil(t, w.read(), "it closes the connection and says nothing")
			require.Zero(t, r.Peer(l.Addr().String()))
		})
	}
}

func (w *wireEnd) challenge() []byte {
	b := appendChallenge(nil, challenge{Version: 2, Nonce: [nonceSize]byte{9}})
	w.write(append([]byte(magic), b...))
	return b[frameHeader+1:]
}

func (w *wireEnd) welcome(h hello, proof []byte) {
	b := appendWelcome(nil, welcome{Version: 2, From: identity{System: "test", Addr: h.To, UID: 5, FrameMax: 4096}})
	if proof == nil {
		b = append([]byte(magic), b...)
	} else {
		b = endFrame(append(b, proof...), 0)
	}
	w.write(b)
}

// TestVersionBeforeThis speaks to a node as a release of version 1 does.
func TestVersionBeforeThis(t *testing.T) {
	r := guarded(t, Config{Cluster: "test-cluster"})
	h := guest(r)
	h.Version = 1
	w := knockAt(t, r)
	w.write(appendHello(nil, h))
	body := w.readKind(frameWelcome)
	answer, err := readWelcome(body, protocolVersion)
	require.NoError(t, err)
	require.Equal(t, uint64(1), answer.Version)
	require.Equal(t, appendWelcome(nil, answer)[frameHeader+1:], body, "and nothing that version 1 has not")
}

func TestBindPolicy(t *testing.T) {
	s := []Secret{testSecret(t, canary)}
	for title, c := range map[string]struct {
		cfg    Config
		bound  string
		secure bool
		want   string
	}{
		"loopback":                                {Config{}, "127.0.0.1:1", false, ""},
		"loopback of IPv6":                        {Config{}, "[::1]:1", false, ""},
		"all interfaces":                          {Config{}, "[::]:1", false, "neither TLS nor a secret"},
		"one interface":                           {Config{}, "10.0.0.1:1", false, "neither TLS nor a secret"},
		"one interface, plaintext alone":          {Config{Plaintext: true}, "10.0.0.1:1", false, "neither TLS nor a secret"},
		"one interface with a secret":             {Config{Secrets: s}, "10.0.0.1:1", false, "set TCP.TLS, or Plaintext"},
		"one interface, a secret, plaintext":      {Config{Secrets: s, Plaintext: true}, "10.0.0.1:1", false, ""},
		"one interface with TLS":                  {Config{}, "10.0.0.1:1", true, ""},
		"a name, of a network in memory":          {Config{}, "a:1", false, ""},
		"an IPv4 address written as one of IPv6":  {Config{}, "[::ffff:10.0.0.1]:1", false, "neither TLS nor a secret"},
		"loopback written as an address of IPv6 ": {Config{}, "[::ffff:127.0.0.1]:1", false, ""},
	} {
		t.Run(title, func(t *testing.T) {
			err := c.cfg.exposed(c.bound, c.secure)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet, Registry: codec.NewRegistry()})
	require.NoError(t, err)
	_, err = Start(sys, Config{Listen: "0.0.0.0:0", Advertise: "127.0.0.1:1"})
	require.ErrorContains(t, err, "neither TLS nor a secret")
	require.NoError(t, sys.Stop(context.Background()))
}

func TestPrintable(t *testing.T) {
	require.Equal(t, `a\nb\x1b[31m`, printable("a\nb\x1b[31m"))
	require.Equal(t, strings.Repeat("x", textMax)+"…", printable(strings.Repeat("x", 5000)))
}
