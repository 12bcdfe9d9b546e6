package membership

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parse reads a state from words such as "a:up b:leaving* c:joining|b-c": the
// members with their status, an asterisk for those who have seen the state, and
// after the bar who holds whom for unreachable. Up-numbers go by place.
func parse(t *testing.T, text string) State {
	t.Helper()
	members, reach, _ := strings.Cut(text, "|")
	s := State{Created: 7}
	for i, word := range strings.Fields(members) {
		name, status, ok := strings.Cut(strings.TrimSuffix(word, "*"), ":")
		require.True(t, ok, word)
		m := Member{Node: node(name)}
		for st := Joining; st <= Down; st++ {
			if strings.ReplaceAll(st.String(), " ", "") == status {
				m.Status = st
			}
		}
		require.NotZero(t, m.Status, word)
		m.promised = uint64(i + 1)
		if m.Status != Joining && m.Status != WeaklyUp {
			m.UpNumber = uint64(i + 1)
		}
		s = s.with(m)
		if strings.HasSuffix(word, "*") {
			s = s.seenBy(m.Node)
		}
	}
	for _, pair := range strings.Fields(reach) {
		s = s.withReach(s.reach.Change(node(pair[:1]), node(pair[2:]), Unreachable))
	}
	return s
}

func node(name string) Node { return Node{name + ":2551", uint64(name[0])} }

func nodeNames(nodes []Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Addr[:1])
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func TestConvergence(t *testing.T) { // section 8.1 of the behaviour reference
	for _, c := range []struct {
		state     string
		self      string
		confirmed string
		want      bool
	}{
		{"", "a", "", true},
		{"a:up*", "a", "", true},
		{"a:up* b:up", "a", "", false},
		{"a:up* b:up*", "a", "", true},
		{"a:up* b:up* e:joining", "a", "", true},
		{"a:up* b:up* e:weaklyup", "a", "", true},
		{"a:up* b:up* e:down", "a", "", true},
		{"a:up* b:up* e:exiting", "a", "", true},
		{"a:up* b:up* c:leaving", "a", "", false},
		{"a:up* b:up* c:leaving", "a", "c", true},
		{"a:up* b:up* c:leaving|a-c", "a", "c", true},
		{"a:up* b:up*|b-a", "b", "", false},
		{"a:up* b:up*|b-a", "a", "", true}, // what others say of oneself is ignored
		{"a:up* b:up* e:down|e-b", "a", "", true},
		{"a:up* b:up* e:down|a-e", "a", "", true},
		{"a:up* b:up* e:exiting|a-e", "a", "", true},
		{"a:up* b:up* e:joining|a-e", "a", "", false},
		{"a:joining* b:joining", "a", "", false}, // nobody works yet
		{"a:joining* b:joining*", "a", "", true},
		{"a:exiting b:joining*", "b", "", false},
		{"a:exiting b:joining*", "b", "a", true},
		{"a:exiting b:joining*|b-a", "b", "", true},
	} {
		v := ViewOf(parse(t, c.state), node(c.self))
		if c.confirmed != "" {
			v.confirmed = []Node{node(c.confirmed)}
		}
		require.Equal(t, c.want, v.Converged(), "%+v", c)
	}
}

func TestLeader(t *testing.T) {
	for _, c := range []struct{ state, self, want string }{
		{"c:up e:up", "c", "c"},
		{"c:exiting e:up", "c", "e"},
		{"c:leaving e:up", "c", "c"},
		{"c:exiting", "c", "c"},
		{"c:up e:up|e-c", "e", "e"},
		{"c:up e:up|e-c", "c", "c"},
		{"b:weaklyup c:joining d:exiting e:up", "b", "e"},
		{"b:exiting c:joining d:weaklyup", "b", "d"},
		{"b:exiting c:joining d:joining", "b", "c"},
		{"c:down e:down", "c", ""},
		{"c:up d:down e:up|d-c", "e", "c"},
		{"a:weaklyup b:readyforshutdown c:leaving d:up", "d", "b"},
		{"a:exiting b:leaving c:preparingforshutdown d:up", "d", "b"},
	} {
		leader, ok := ViewOf(parse(t, c.state), node(c.self)).Leader()
		require.Equal(t, c.want != "", ok, "%+v", c)
		if ok {
			require.Equal(t, node(c.want), leader.Node, "%+v", c)
		}
	}
}

func TestLeaderActions(t *testing.T) {
	for _, c := range []struct{ state, self, confirmed, want string }{
		{"a:up* b:joining*", "a", "", "b:2551#62: joining → up"},
		{"a:up* b:joining", "a", "", ""},
		{"a:up* b:joining*", "b", "", ""},
		{"a:up* b:up c:joining*", "a", "", ""},
		{"a:up* b:leaving* c:joining*", "a", "", "b:2551#62: leaving → exiting, c:2551#63: joining → up"},
		{"a:up* b:exiting*", "a", "", ""},
		{"a:up* b:exiting*", "a", "b", "b:2551#62: exiting → removed"},
		{"a:up* b:exiting*|a-b", "a", "", "b:2551#62: exiting → removed"},
		{"a:up* b:down", "a", "", ""},
		{"a:up* b:down|a-b", "a", "", "b:2551#62: down → removed"},
		{"a:exiting* b:up*", "b", "a", "a:2551#61: exiting → removed"},
		{"a:exiting* b:exiting*", "b", "a", "a:2551#61: exiting → removed"},
		{"a:exiting* b:exiting*", "b", "", ""},
		{"a:preparingforshutdown* b:up* c:joining* d:readyforshutdown* e:leaving*", "a", "",
			"a:2551#61: preparing for shutdown → ready for shutdown, b:2551#62: up → preparing for shutdown, e:2551#65: leaving → exiting"},
		{"a:readyforshutdown* b:readyforshutdown", "a", "", ""},
	} {
		s := parse(t, c.state)
		s.Closing = strings.Contains(c.state, "shutdown")
		v := ViewOf(s, node(c.self))
		if c.confirmed != "" {
			v.confirmed = []Node{node(c.confirmed)}
		}
		var got []string
		for _, ch := range LeaderActions(v, Minimum{}) {
			got = append(got, ch.String())
		}
		require.Equal(t, c.want, strings.Join(got, ", "), "%+v", c)
	}
	t.Run("numbers are promised before they are given, and never twice", func(t *testing.T) {
		s := parse(t, "a:up* b:joining* c:joining* d:joining* e:joining*")
		s.LastUp = 9
		for i, promised := range []uint64{1, 0, 5, 6, 1} {
			s.members[i].promised = promised
		}
		s.members[0].UpNumber = 1
		changes := LeaderActions(ViewOf(s, node("a")), Minimum{})
		require.Equal(t, []Change{
			{node("b"), Joining, Joining, 10}, // had none
			{node("c"), Joining, Up, 5},
			{node("d"), Joining, Up, 6},
			{node("e"), Joining, Joining, 11}, // a is it
		}, changes)
		next := s.apply(node("a"), changes, 0)
		require.Equal(t, uint64(11), next.LastUp)
		e, _ := next.Member(node("e"))
		require.Equal(t, Joining, e.Status)
		require.Equal(t, uint64(11), e.promised)
		require.Equal(t, node("a"), e.promisedBy)
	})
	t.Run("minimum by role", func(t *testing.T) {
		v := ViewOf(parse(t, "a:up* b:joining*"), node("a"))
		require.Empty(t, LeaderActions(v, Minimum{Roles: map[string]int{"x": 1}}))
		require.Empty(t, LeaderActions(v, Minimum{Members: 3}))
		require.Len(t, LeaderActions(v, Minimum{Members: 2}), 1)
	})
}

// Whatever the history, of all who have the same value before them at most one
// finds that it leads and that all who matter have seen it.
func TestOneLeaderActsOnAValue(t *testing.T) { // MB-2
	acted := 0
	for seed := range uint64(3000) {
		for _, s := range history(rand.New(rand.NewPCG(seed, 6)), 4, 60) {
			for _, m := range s.members { // most have seen it
				if m.UID%7 != seed%7 {
					s = s.seenBy(m.Node)
				}
			}
			var who []Node
			for _, m := range s.members {
				if len(LeaderActions(ViewOf(s, m.Node), Minimum{})) > 0 {
					who = append(who, m.Node)
				}
			}
			require.LessOrEqual(t, len(who), 1, "seed %d: %v act on %v with %v", seed, who, s.members, s.reach.Records())
			acted += len(who)
		}
	}
	require.Greater(t, acted, 1000, "somebody acts")
}

func TestMergePicksTheLaterStatus(t *testing.T) {
	a := parse(t, "a:up c:leaving e:joining f:preparingforshutdown g:weaklyup h:down")
	b := parse(t, "a:joining c:up e:up f:up g:joining h:readyforshutdown")
	for _, m := range []State{Merge(a, b), Merge(b, a)} {
		var got []string
		for _, x := range m.Members() {
			got = append(got, x.Addr[:1]+":"+x.Status.String())
		}
		require.Equal(t, []string{"a:up", "c:leaving", "e:up", "f:preparing for shutdown", "g:weakly up", "h:down"}, got)
		require.Empty(t, m.SeenBy(), "nobody has seen what is new")
	}
}

func TestStatusTable(t *testing.T) {
	all := []Status{Removed, Joining, WeaklyUp, Up, PreparingForShutdown, ReadyForShutdown, Leaving, Exiting, Down}
	for _, from := range all {
		for _, to := range all {
			ok := from.CanBecome(to)
			if ok && to != Removed {
				require.Greater(t, to, from, "%v → %v: a merge takes the larger", from, to)
			}
			if to == Removed {
				require.Equal(t, from != Removed, ok, "%v → removed", from)
			}
			if to == Down && from != Removed && from != Down {
				require.True(t, ok, "%v → down", from)
			}
		}
		require.NotContains(t, from.String(), "status")
	}
	require.False(t, Joining.CanBecome(Exiting))
	require.False(t, Up.CanBecome(Exiting))
	require.Equal(t, "status 9", Status(9).String())
}

func TestWhatTheDownedHaveSeenCountsNoMore(t *testing.T) { // section 8.1
	s := parse(t, "a:up* b:up* c:up*")
	s = s.apply(node("a"), []Change{{node("b"), Up, Down, 0}}, 0)
	require.Equal(t, []Node{node("a"), node("c")}, s.SeenBy())
}

func TestVClock(t *testing.T) { // section 8.2
	clock := func(text string) VClock {
		var c VClock
		for _, ch := range text {
			c = c.Bump(node(string(ch)))
		}
		return c
	}
	for _, c := range []struct {
		a, b string
		want Order
	}{
		{"", "", Same},
		{"ab", "ba", Same},
		{"aab", "aabc", Before},
		{"a", "b", Concurrent},
		{"aab", "aac", Concurrent},
		{"bb", "abbc", Before},
		{"abbc", "bb", After},
		{"ab", "aa", Concurrent},
		{"", "a", Before},
	} {
		require.Equal(t, c.want, clock(c.a).Compare(clock(c.b)), "%+v", c)
	}
	merged := clock("aabb").Merge(clock("cd"))
	require.Equal(t, 4, merged.Len())
	require.Equal(t, After, merged.Compare(clock("aabb")))
	require.Equal(t, After, merged.Compare(clock("cd")))
	require.Equal(t, uint64(3), clock("aaab").Merge(clock("abb")).Count(node("a")))
	pruned := clock("ab").Keep(func(n Node) bool { return n != node("a") })
	require.Zero(t, pruned.Count(node("a")))
	require.Equal(t, Concurrent, pruned.Bump(node("b")).Compare(clock("ab")))
}

func TestReachability(t *testing.T) { // section 8.3
	a, b, c := node("a"), node("b"), node("c")
	var r Reachability
	require.True(t, r.Change(a, b, Reachable).equal(r), "the healthy cluster needs no records")
	r = r.Change(b, c, Unreachable)
	require.True(t, r.Change(b, c, Unreachable).equal(r))
	healed := r.Change(b, c, Reachable)
	require.Empty(t, healed.Records())
	require.Equal(t, uint64(2), healed.Version(b), "the version outlives the record")
	require.Empty(t, r.Merge(healed).Records(), "the older word doesn't come back")
	require.True(t, r.Merge(healed).equal(healed.Merge(r)))

	ended := r.Change(b, c, Terminated)
	require.True(t, ended.Change(b, c, Reachable).equal(ended), "terminated is final")
	require.Equal(t, Terminated, ended.Change(a, c, Unreachable).Worst(c))
	require.Equal(t, Unreachable, r.Worst(c))
	require.Equal(t, Reachable, r.Worst(a))
	require.Equal(t, Reachable, r.WithoutObservers(func(n Node) bool { return n == b }).Worst(c))
	require.Zero(t, r.Keep(func(n Node) bool { return n != b }).Version(b))
	require.Empty(t, r.Keep(func(n Node) bool { return n != c }).Records())
}

func TestHeartbeatRing(t *testing.T) { // section 8.5
	s := parse(t, "a:up b:up c:up d:up e:up f:up|b-a b-d b-e")
	for self, want := range map[string]string{"a": "bcdf", "b": "cdef", "c": "bdef", "d": "abcef", "e": "abcf", "f": "abc"} {
		require.Equal(t, want, nodeNames(HeartbeatTargets(ViewOf(s, node(self)), 3)), "from %s", self)
	}
	require.Equal(t, "bcdef", nodeNames(HeartbeatTargets(ViewOf(s, node("a")), 5)))
	require.Empty(t, HeartbeatTargets(ViewOf(parse(t, "a:up"), node("a")), 3))
	require.Empty(t, HeartbeatTargets(ViewOf(s, node("x")), 3), "who is no member watches nobody")
	t.Run("everybody is watched by somebody, whatever is unreachable", func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			x := s
			for range r.IntN(8) {
				x = x.withReach(x.reach.Change(x.members[r.IntN(6)].Node, x.members[r.IntN(6)].Node, Unreachable))
			}
			watched := map[Node]bool{}
			for _, m := range x.members {
				for _, n := range HeartbeatTargets(ViewOf(x, m.Node), 2) {
					require.NotEqual(t, m.Node, n)
					watched[n] = true
				}
			}
			require.Len(t, watched, 6)
		}
	})
}

func TestGossipTargets(t *testing.T) { // section 8.6
	v := ViewOf(parse(t, "a:up* b:up* c:up d:up e:down|a-d b-c"), node("a"))
	var all, unseen []Node
	for _, m := range gossipTargets(v) {
		all = append(all, m.Node)
	}
	for _, m := range unseenTargets(v, gossipTargets(v)) {
		unseen = append(unseen, m.Node)
	}
	require.Equal(t, "bce", nodeNames(all), "own word alone rules out d; b's word about c doesn't count")
	require.Equal(t, "c", nodeNames(unseen))
	r := rand.New(rand.NewPCG(1, 1))
	hits := 0
	for range 1000 {
		m, ok := roundTarget(r, v)
		require.True(t, ok)
		if m.Node == node("c") {
			hits++
		}
	}
	require.InDelta(t, 866, hits, 50, "80 of 100 go to c, and a third of the rest")
	_, ok := roundTarget(r, ViewOf(parse(t, "a:up*"), node("a")))
	require.False(t, ok)
}

func TestDiff(t *testing.T) { // section 8.7 and 1.16
	words := func(before, after State) []string {
		var out []string
		for _, e := range Diff(ViewOf(before, node("a")), ViewOf(after, node("a"))) {
			out = append(out, e.String())
		}
		return out
	}
	one := parse(t, "a:up b:up")
	t.Run("from nothing", func(t *testing.T) {
		require.Equal(t, []string{"up a:2551#61", "up b:2551#62", "leader a:2551#61"}, words(State{}, one))
	})
	t.Run("same", func(t *testing.T) { require.Empty(t, words(one, one)) })
	t.Run("removed and joined again in one step", func(t *testing.T) {
		again := Node{"b:2551", 0x99}
		next := one.without(node("b"), 1).with(Member{Node: again, Status: Up, UpNumber: 3})
		require.Equal(t, []string{"removed b:2551#62 (was up)", "up b:2551#99"}, words(one, next))
	})
	t.Run("unreachable and back, never about oneself", func(t *testing.T) {
		bad := parse(t, "a:up b:up|a-b b-a")
		require.Equal(t, []string{"unreachable b:2551#62"}, words(one, bad))
		require.Equal(t, []string{"reachable b:2551#62"}, words(bad, one))
	})
	t.Run("every status", func(t *testing.T) {
		require.Equal(t, []string{
			"joined b:2551#62", "weakly up c:2551#63", "left d:2551#64", "exited e:2551#65", "downed f:2551#66",
		}, words(parse(t, "a:up"), parse(t, "a:up b:joining c:weaklyup d:leaving e:exiting f:down")))
	})
	t.Run("leaders of roles", func(t *testing.T) {
		m := Member{Node: node("b"), Status: Up, UpNumber: 2, Roles: []string{"r"}}
		require.Equal(t, []string{"leader of r b:2551#62"}, words(one, one.with(m)))
		require.Equal(t, []string{"leader of r nobody"}, words(one.with(m), one))
	})
	t.Run("a new up-number is told", func(t *testing.T) {
		m, _ := one.Member(node("b"))
		m.UpNumber = 9
		require.Equal(t, []string{"up b:2551#62"}, words(one, one.with(m)))
	})
}

func TestOrderOfNodes(t *testing.T) {
	sorted := []string{"a:9", "a:10", "a.b:1", "b:1", "b:2"}
	for i, x := range sorted {
		for j, y := range sorted {
			require.Equal(t, i < j, CompareAddr(x, y) < 0, "%s %s", x, y)
			require.Equal(t, i == j, CompareAddr(x, y) == 0, "%s %s", x, y)
		}
	}
	require.Negative(t, Node{"a:1", 1}.Compare(Node{"a:1", 2}))
	for _, bad := range []string{"", "a", ":1", "a:", "a:0", "a:65536", "a b:1", "a/b:1", strings.Repeat("x", 300) + ":1"} {
		require.Error(t, ValidAddr(bad), bad)
	}
	for _, good := range []string{"localhost:1", "10.0.0.1:2551", "[::1]:2551", "is_valid.org:80"} {
		require.NoError(t, ValidAddr(good), good)
	}
}

func TestAge(t *testing.T) {
	s := parse(t, "b:up a:up c:joining d:down")
	v := ViewOf(s, node("a"))
	oldest, ok := v.Oldest("")
	require.True(t, ok)
	require.Equal(t, node("b"), oldest.Node)
	require.Equal(t, []Node{node("b"), node("a")}, []Node{v.ByAge("")[0].Node, v.ByAge("")[1].Node})
	require.Len(t, v.ByAge(""), 2)
	joining, _ := s.Member(node("c"))
	require.True(t, oldest.Older(joining), "who was never up is the youngest")
	_, ok = v.Oldest("nobody has it")
	require.False(t, ok)
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	_, err := New(Config{})
	for _, want := range []string{"Self: address", "UID is 0", "Cluster", "Rand is nil"} {
		require.ErrorContains(t, err, want)
	}
	good := Config{Self: Node{"a:1", 1}, Cluster: "c", Rand: rand.New(rand.NewPCG(1, 1))}
	_, err = New(good)
	require.NoError(t, err)
	for want, spoil := range map[string]func(*Config){
		"listed twice":       func(c *Config) { c.Seeds = []string{"a:1", "a:1"} },
		"want host:port":     func(c *Config) { c.Seeds = []string{"a"} },
		"GossipEvery":        func(c *Config) { c.GossipEvery = -1 },
		"FormQuorum 3":       func(c *Config) { c.Seeds, c.FormQuorum = []string{"a:1"}, 3 },
		"role \"\"":          func(c *Config) { c.Roles = []string{""} },
		"roles: at most 32":  func(c *Config) { c.Roles = names(33) },
		"Settings: \"\"":     func(c *Config) { c.Settings = []Setting{{"", "x"}} },
		"settings, at most ": func(c *Config) { c.Settings = make([]Setting, 129) },
	} {
		bad := good
		spoil(&bad)
		_, err := New(bad)
		if want == "settings, at most " {
			want = "129 of them, at most 128"
		}
		require.ErrorContains(t, err, want)
	}
}
