package membership

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// samples has one message of every type, the same in every run.
func samples(t testing.TB) []Message {
	a, b := Node{"a:2551", 0x0102030405060708}, Node{"10.0.0.2:2552", 2}
	s := formed(Member{Node: a, Roles: []string{"entity", "web"}}, 1_700_000_000_000_000_007)
	s = s.with(Member{Node: a, Status: Up, UpNumber: 1, Roles: []string{"entity", "web"}})
	s = s.with(Member{Node: b, Status: Joining, Roles: []string{"web"}, AppVersion: "1.2.3"}).changedBy(a)
	s = s.withReach(s.reach.Change(a, b, Unreachable)).changedBy(a)
	s = s.with(Member{Node: Node{"z:1", 9}, Status: Down}).without(Node{"z:1", 9}, 1_700_000_000_000_000_009).seenBy(b)
	checkInvariants(t, s)
	return []Message{
		InitJoin{a, "shop", true, []Setting{{"downing", "keep-majority"}, {"x", ""}}},
		InitJoinAck{a, "shop", "no", []Setting{{"downing", "keep-majority"}}}, InitJoinNack{b, true},
		Join{b, "shop", []string{"entity", "web"}, "1.2.3"},
		Welcome{a, b, s}, Gossip{b, a, s}, Gossip{b, a, State{}},
		Digest{a, b, 7, 0xdead, 0xbeef}, Seen{a, b, 7, 0xdead, nil}, Seen{a, b, 7, 0xdead, []byte{5}},
		Delta{b, a, s.Created, 0xdead, 0xbeef, []byte{3}, []int{0, 2}, s}, Recent{b, a, 7, []uint64{0xbeef, 0xdead}}, Recent{b, a, 7, nil},
		ExitingConfirmed{a, b, 7}, Farewell{a, b, 7}, Hail{a, b, "shop", 7}, Rival{a, b, 7, Node{"z:1", 9}, 8, true},
	}
}

func registry(t testing.TB) *codec.Registry {
	t.Helper()
	reg := codec.NewRegistry()
	require.NoError(t, Register(reg))
	return reg
}

func TestMessagesOnTheWire(t *testing.T) {
	reg := registry(t)
	golden := filepath.Join("testdata", "messages.golden")
	var text string
	for _, m := range samples(t) {
		typ, err := reg.Of(m)
		require.NoError(t, err)
		require.True(t, typ.Control(), "%T travels on the control connection", m)
		body, err := typ.Append(codec.Scope{}, nil, m)
		require.NoError(t, err)
		got, err := typ.Decode(codec.Scope{}, body)
		require.NoError(t, err, "%T", m)
		again, err := typ.Append(codec.Scope{}, nil, got)
		require.NoError(t, err)
		require.Equal(t, body, again, "%T", m)
		if g, ok := m.(Gossip); ok {
			require.True(t, g.State.equal(got.(Gossip).State))
		}
		for cut := range body { // a truncated message is an error, never half a message
			_, err := typ.Decode(codec.Scope{}, body[:cut])
			require.Error(t, err, "%T cut at %d", m, cut)
		}
		text += fmt.Sprintf("%s %s\n", typ.Name(), hex.EncodeToString(body))
	}
	if *rewrite {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "the wire form has changed: old nodes won't understand it")
}

func TestStatesOfHistoriesSurviveTheWire(t *testing.T) {
	for seed := range uint64(200) {
		for _, s := range history(rand.New(rand.NewPCG(seed, 9)), 4, 50) {
			body, err := Gossip{node("a"), node("b"), s}.AppendWire(codec.Scope{}, nil)
			require.NoError(t, err)
			var got Gossip
			require.NoError(t, got.DecodeWire(codec.Scope{}, body))
			require.True(t, s.equal(got.State), "seed %d", seed)
			require.Equal(t, s.digest(), got.State.digest())
		}
	}
}

// FuzzMessages: whatever decodes keeps every invariant and encodes again.
func FuzzMessages(f *testing.F) {
	reg := registry(f)
	names := []string{}
	for _, m := range samples(f) {
		typ, err := reg.Of(m)
		require.NoError(f, err)
		body, err := typ.Append(codec.Scope{}, nil, m)
		require.NoError(f, err)
		f.Add(len(names), body)
		names = append(names, typ.Name())
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		typ, err := reg.Named(names[uint(which)%uint(len(names))])
		require.NoError(t, err)
		var msg any
		bound.Allocation(t, len(body), func() { msg, err = typ.Decode(codec.Scope{}, body) })
		if err != nil {
			return
		}
		switch m := msg.(type) {
		case Gossip:
			checkInvariants(t, m.State)
		case Welcome:
			checkInvariants(t, m.State)
		}
		again, err := typ.Append(codec.Scope{}, nil, msg)
		require.NoError(t, err)
		_, err = typ.Decode(codec.Scope{}, again)
		require.NoError(t, err)
	})
}

// TestHostileMessages feeds a member what a broken or malicious peer may send.
func TestHostileMessages(t *testing.T) {
	w := newWorld(t, 1)
	w.form("a", "b")
	a, b := w.nodes[addrOf("a")], w.nodes[addrOf("b")]
	before := a.core.state
	stranger := Node{"evil:1", 66}
	for name, m := range map[string]Message{
		"gossip of another cluster":       Gossip{b.node, a.node, formed(Member{Node: a.node}, 99)},
		"gossip of a stranger":            Gossip{stranger, a.node, before},
		"gossip for an older incarnation": Gossip{b.node, Node{a.node.Addr, 1}, before},
		"gossip without this node":        Gossip{b.node, a.node, formed(Member{Node: b.node}, before.Created)},
		"farewell of a stranger":          Farewell{stranger, a.node, before.Created},
		"farewell of another cluster":     Farewell{b.node, a.node, 99},
		"exit of a stranger":              ExitingConfirmed{stranger, a.node, before.Created},
		"exit of one that is up":          ExitingConfirmed{b.node, a.node, before.Created},
		"join of another cluster":         Join{stranger, "other", nil, ""},
		"join with this node's address":   Join{Node{a.node.Addr, 5}, "test", nil, ""},
		"welcome when in":                 Welcome{b.node, a.node, before},
		"ack when in":                     InitJoinAck{b.node, "test", "no", nil},
		"nack when in":                    InitJoinNack{b.node, false},
		"hail of a member for another":    Hail{b.node, a.node, "test", 99},
		"hail of another name":            Hail{stranger, a.node, "other", 99},
		"hail for an older incarnation":   Hail{stranger, Node{a.node.Addr, 1}, "test", 99},
		"rival by a stranger":             Rival{stranger, a.node, before.Created, stranger, 99, true},
		"rival that is younger":           Rival{b.node, a.node, before.Created, stranger, before.Created + 1, true},
		"seen of something else":          Seen{b.node, a.node, before.Created, 1, nil},
	} {
		w.step(a, Received{m})
		require.Nil(t, a.ended, name)
		require.True(t, before.equal(a.core.state), name)
		require.Empty(t, a.core.confirmed, name)
	}
}
