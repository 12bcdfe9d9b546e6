package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
)

// part is a member with what it declares.
type part struct {
	role, version string
	declares      []Declaration
}

func sharded(name, role, shards string) Declaration {
	return Declaration{Kind: "sharding", Name: name, Role: role, Everywhere: true, Must: []membership.Setting{{Key: "Role", Value: role}, {Key: "Shards", Value: shards}}}
}

func proxy(d Declaration) Declaration { d.Proxy = true; return d }

// accords lets nodes, oldest first, hear of each other until nobody has more to say, and
// returns what each of them finds after some seconds.
func accords(t *testing.T, parts ...part) (all []*accord, differs [][]difference) {
	t.Helper()
	v := viewOfParts(parts)
	for i, p := range parts {
		a := newAccord(v.ByAge("")[i].Node)
		for _, d := range p.declares {
			require.NoError(t, a.declare(d))
		}
		all = append(all, a)
	}
	by := map[membership.Node]*accord{}
	for _, a := range all {
		mine := v
		mine.Self = a.self
		a.setView(mine)
		by[a.self] = a
	}
	messages := 0
	var tell func(from *accord, to membership.Node)
	tell = func(from *accord, to membership.Node) {
		messages++
		require.Less(t, messages, 100, "they never stop")
		if by[to].heard(overTheWire(t, from.profile(to))) {
			tell(by[to], from.self)
		}
	}
	for _, a := range all {
		mine := v
		mine.Self = a.self
		for _, n := range a.due(membership.HeartbeatTargets(mine, 9)) {
			tell(a, n)
		}
		require.Empty(t, a.due(membership.HeartbeatTargets(mine, 9)))
	}
	now := time.Unix(1000, 0)
	for _, a := range all {
		first, _ := a.look(now)
		require.Empty(t, first, "what has just begun may end at once")
		found, agrees := a.look(now.Add(nobodyFor))
		require.Empty(t, agrees)
		again, _ := a.look(now.Add(time.Hour))
		require.Empty(t, again, "once per change")
		differs = append(differs, found)
	}
	return all, differs
}

func overTheWire(t *testing.T, m profile) (got profile) {
	t.Helper()
	b, err := m.AppendWire(codec.Scope{}, nil)
	require.NoError(t, err)
	require.NoError(t, got.DecodeWire(codec.Scope{}, b))
	return got
}

// viewOfParts makes the view of members that are Up, oldest first.
func viewOfParts(parts []part) membership.View {
	var members []membership.Member
	for i, p := range parts {
		m := membership.Member{Node: membership.Node{Addr: fmt.Sprintf("n%d:1", i+1), UID: uint64(i + 1)}, Status: membership.Up, UpNumber: uint64(i + 1), AppVersion: p.version}
		if p.role != "" {
			m.Roles = []string{p.role}
		}
		members = append(members, m)
	}
	return membership.ViewOf(membership.Assemble(7, members), members[0].Node)
}

func TestNodesCompareWhatTheyDeclare(t *testing.T) {
	ent := sharded("ent", "", "128")
	clerk := Declaration{Kind: "singleton", Name: "clerk", Everywhere: true}
	clrk := Declaration{Kind: "singleton", Name: "clrk", Everywhere: true}
	lenient := Declaration{Kind: "cluster", Name: "c", Should: []membership.Setting{{Key: "Heartbeat.Every", Value: "1s"}}}
	slow := Declaration{Kind: "cluster", Name: "c", Should: []membership.Setting{{Key: "Heartbeat.Every", Value: "9s"}}}
	for _, c := range []struct {
		title string
		nodes []part
		says  []string // by each node, in part; "": nothing
		wrong []bool
	}{
		{"all alike", []part{{declares: []Declaration{ent}}, {declares: []Declaration{ent}}}, []string{"", ""}, []bool{false, false}},
		{
			"another number of shards on one of three",
			[]part{{declares: []Declaration{ent}}, {declares: []Declaration{ent}}, {declares: []Declaration{sharded("ent", "", "64")}}},
			[]string{`sharding "ent" has different settings: Shards is 128 on this node (n1:1), and 64 on n3:1; give all nodes the same`, "64 on n3:1", "Shards is 64 on this node (n3:1), and 128 on n1:1, 128 on n2:1"},
			[]bool{false, false, true},
		},
		{
			"of two the younger is the odd one",
			[]part{{declares: []Declaration{ent}}, {declares: []Declaration{sharded("ent", "", "64")}}},
			[]string{"64 on n2:1", "128 on n1:1"},
			[]bool{false, true},
		},
		{
			"another role",
			[]part{{"x", "", []Declaration{sharded("ent", "x", "1")}}, {"x", "", []Declaration{sharded("ent", "x", "1")}}, {"x", "", []Declaration{sharded("ent", "", "1")}}},
			[]string{`Role is x on this node (n1:1), and "" on n3:1`, `"" on n3:1`, `Role is "" on this node (n3:1), and x on n1:1`},
			[]bool{false, false, true},
		},
		{
			"not started on one of three",
			[]part{{declares: []Declaration{ent}}, {declares: []Declaration{ent}}, {}},
			[]string{`sharding "ent" was started on this node (n1:1) and not on n3:1: start it under this name on all members`, "not on n3:1", `was started on n1:1, n2:1 and not on this node (n3:1)`},
			[]bool{false, false, true},
		},
		{
			"not needed where the role is another",
			[]part{{"x", "", []Declaration{sharded("ent", "x", "1")}}, {"y", "", nil}},
			[]string{"", ""},
			[]bool{false, false},
		},
		{
			"in a rolling update what is new is missing on the old nodes, which do their part",
			[]part{{"", "1.0", nil}, {"", "1.1", []Declaration{ent}}, {"", "1.1", []Declaration{ent}}},
			[]string{"not on this node (n1:1)", "not on n1:1", "not on n1:1"},
			[]bool{false, false, false},
		},
		{
			"a role that nobody has",
			[]part{{"x", "", []Declaration{sharded("ent", "ghost", "1")}}},
			[]string{`sharding "ent" is for members with the role "ghost", which no member has: nobody runs it; correct the role, or start nodes with it`},
			[]bool{true},
		},
		{
			"a downing role that nobody has",
			[]part{{"x", "", []Declaration{{Kind: kindDowning, Name: "keep-majority", Role: "ghost"}}}},
			[]string{`downing strategy "keep-majority" is for members with the role "ghost", which no member has: nobody has a say`},
			[]bool{true},
		},
		{
			"only proxies", []part{{declares: []Declaration{proxy(ent)}}, {declares: []Declaration{proxy(ent)}}},
			[]string{`sharding "ent" only sends, on all members that could run it`, "only sends"},
			[]bool{true, true},
		},
		{"a proxy and a host", []part{{declares: []Declaration{proxy(ent)}}, {declares: []Declaration{ent}}}, []string{"", ""}, []bool{false, false}},
		{
			"settings that should be the same",
			[]part{{declares: []Declaration{lenient}}, {declares: []Declaration{lenient}}, {declares: []Declaration{slow}}},
			[]string{"9s on n3:1", "9s on n3:1", "Heartbeat.Every is 9s on this node"},
			[]bool{false, false, false},
		},
		{
			"a name with a slip",
			[]part{{declares: []Declaration{clerk}}, {declares: []Declaration{clerk}}, {declares: []Declaration{clrk}}},
			[]string{`singleton "clerk" was started on this node`, `singleton "clerk" was started on this node`, `singleton "clerk" was started on n1:1, n2:1 and not on this node (n3:1)`},
			[]bool{false, false, true},
		},
	} {
		t.Run(c.title, func(t *testing.T) {
			all, differs := accords(t, c.nodes...)
			for i := range c.nodes {
				require.Equal(t, c.wrong[i], len(all[i].faults()) > 0, "node %d: %v", i+1, differs[i])
				text := ""
				for _, d := range differs[i] {
					text += d.text + "\n"
				}
				if c.says[i] == "" {
					require.Empty(t, text, "node %d", i+1)
				}
				require.Contains(t, text, c.says[i], "node %d", i+1)
			}
		})
	}
}

func TestADifferenceThatEndsIsToldOnce(t *testing.T) {
	all, differs := accords(t, part{declares: []Declaration{sharded("ent", "", "128")}}, part{declares: []Declaration{sharded("ent", "", "64")}})
	require.Len(t, differs[1], 1)
	require.NoError(t, all[1].declare(sharded("ent", "", "128")))
	now := time.Unix(5000, 0)
	found, agrees := all[1].look(now)
	require.Empty(t, found)
	require.Len(t, agrees, 1)
	require.Empty(t, all[1].faults())
	require.Equal(t, []membership.Node{all[0].self}, all[1].due([]membership.Node{all[0].self}), "the other one is to know")
	require.True(t, all[0].heard(all[1].profile(all[0].self)))
	_, agrees = all[0].look(now)
	require.Len(t, agrees, 1)
}

func TestProfilesAreBounded(t *testing.T) {
	a := newAccord(membership.Node{Addr: "a:1", UID: 1})
	for i := range declarationsMax {
		require.NoError(t, a.declare(Declaration{Kind: "k", Name: fmt.Sprintf("%04d", i)}))
	}
	require.ErrorContains(t, a.declare(Declaration{Kind: "k", Name: "x"}), "declarations are allowed")
	require.False(t, a.heard(profile{From: membership.Node{Addr: "stranger:1", UID: 9}, Digest: 1}), "no member")
	b, err := profile{From: a.self, Digest: 1, Declarations: []Declaration{{Kind: "b", Name: "b"}, {Kind: "a", Name: "a"}}}.AppendWire(codec.Scope{}, nil)
	require.NoError(t, err)
	var m profile
	require.ErrorContains(t, m.DecodeWire(codec.Scope{}, b), "out of bounds or of order")
	for cut := range b {
		require.Error(t, m.DecodeWire(codec.Scope{}, b[:cut]))
	}
	require.ErrorContains(t, Declaration{Kind: "k"}.check(), "want 1 to")
	require.ErrorContains(t, Declaration{Kind: "k", Name: "n", Must: make([]membership.Setting, 17)}.check(), "at most")
}
