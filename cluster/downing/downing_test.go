package downing

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
)

func node(name string) membership.Node {
	return membership.Node{Addr: name + ":2551", UID: uint64(name[0])}
}

// ages and roles of the cast, as in section 8.9 of the behaviour reference: e
// is the oldest.
var (
	ages  = map[string]uint64{"a": 5, "b": 4, "c": 3, "d": 2, "e": 1, "f": 5, "g": 6}
	roles = map[string][]string{"a": {"3"}, "b": {"1", "3"}, "c": {"2"}, "d": {"1", "2", "3"}, "e": {"2"}}
)

var statuses = map[string]membership.Status{
	"": membership.Up, "j": membership.Joining, "w": membership.WeaklyUp,
	"l": membership.Leaving, "x": membership.Exiting, "d": membership.Down,
}

// member reads a word such as "a", "bj" (joining) or "cl" (leaving).
func member(t *testing.T, word string) membership.Member {
	t.Helper()
	name := word[:1]
	status, ok := statuses[word[1:]]
	require.True(t, ok, word)
	m := membership.Member{Node: node(name), Status: status, UpNumber: ages[name], Roles: roles[name]}
	if m.UpNumber == 0 {
		m.UpNumber = uint64(name[0])
	}
	if status == membership.Joining || status == membership.WeaklyUp {
		m.UpNumber = 0
	}
	return m
}

// sides reads "{a b} | {c d e}".
func sides(text string) [][]string {
	var out [][]string
	for _, side := range strings.Split(text, "|") {
		out = append(out, strings.Fields(strings.Trim(strings.TrimSpace(side), "{}")))
	}
	return out
}

// view is what the nodes of the side at own see: words with another status in
// seen replace those of the text.
func view(t *testing.T, text [][]string, own int, seen, broken string) membership.View {
	t.Helper()
	var members []membership.Member
	var cut [][2]membership.Node
	for i, side := range text {
		for _, word := range side {
			for _, other := range strings.Fields(seen) {
				if other[:1] == word[:1] {
					word = other
				}
			}
			if word[1:] == "-" { // not known there
				continue
			}
			members = append(members, member(t, word))
			for j, against := range text {
				for _, o := range against {
					if i != j {
						cut = append(cut, [2]membership.Node{node(word[:1]), node(o[:1])})
					}
				}
			}
		}
	}
	for _, pair := range strings.Fields(broken) {
		cut = append(cut, [2]membership.Node{node(pair[:1]), node(pair[1:])})
	}
	return membership.ViewOf(membership.Assemble(7, members, cut...), node(text[own][0][:1]))
}

// survivors lets every side decide by itself and returns who isn't downed by
// the own side.
func survivors(t *testing.T, s Strategy, text, seen, broken string) string {
	t.Helper()
	var left []string
	all := sides(text)
	for i, side := range all {
		their := ""
		if i > 0 {
			their = seen // the first side has seen everything
		}
		d := s.Decide(view(t, all, i, their, broken))
		for _, word := range side {
			m := member(t, word)
			if m.Status != membership.Exiting && m.Status != membership.Down && !slices.Contains(d.Down, m.Node) {
				left = append(left, word[:1])
			}
		}
	}
	slices.Sort(left)
	return "{" + strings.Join(left, " ") + "}"
}

func TestStrategies(t *testing.T) { // section 8.9, B6
	majority, oldest := KeepMajority{}, KeepOldest{}
	for _, c := range []struct {
		strategy Strategy
		// text is the sides and who survives; seen is what the other sides
		// see differently; broken are links inside of sides.
		text, seen, broken string
	}{
		{majority, "{a c e} | {b d} => {a c e}", "", ""},
		{majority, "{a b} | {c d e} => {c d e}", "", ""},
		{majority, "{b} | {a c} => {a c}", "", ""},
		{majority, "{a b} | {c d} => {a b}", "", ""},
		{majority, "{a} | {b} => {a}", "", ""},
		{majority, "{a b} | {c d} | {e} => {}", "", ""},
		{majority, "{a b} | {c d} | {e f g} => {}", "", ""},
		{majority, "{a b c d} | {e} | {f} => {a b c d}", "", ""},
		{majority, "{aj c} | {b d e} => {b d e}", "", ""}, // joining has no say
		{majority, "{aw c} | {b d e} => {b d e}", "", ""},
		{majority, "{aj c} | {b d} => {}", "", ""}, // if a were up by now, its side would be kept
		{KeepMajority{Role: "3"}, "{a b} | {c d e} => {a b}", "", ""},
		{KeepMajority{Role: "2"}, "{a d e} | {b c} => {a d e}", "", ""},
		{KeepMajority{Role: "2"}, "{a e} | {b c} => {b c}", "", ""}, // 1 to 1: c is the lowest with the role
		{KeepMajority{Role: "9"}, "{a b} | {c} => {}", "", ""},
		// One side may not have seen the other's last change.
		{majority, "{a b f g} | {c d e} => {a b f g}", "fj gj", ""},
		{majority, "{a b f} | {c d e} => {a b f}", "fj", ""},
		{majority, "{a b} | {c d e fj} => {c d e f}", "", ""},
		{majority, "{al b ej} | {c d} => {c d}", "ax e-", ""},
		// Links broken inside of a side.
		{majority, "{a b} => {a}", "", "ab"},
		{majority, "{a b c} => {a c}", "", "ab"}, // B3 asks for c alone: see decisions
		{majority, "{a b c d e} => {c d e}", "", "ab ac bc ae bd"},
		{majority, "{a b c} | {d e} => {}", "", "bc"}, // no three can all talk; B1, B2 ask for a alone: see decisions
		{majority, "{a b c d} | {e} => {a b c}", "", "ad"},
		{majority, "{a b c d e} => {a b c}", "", "ad ae bd be"}, // F-10: c is the bridge
		{majority, "{a b c} => {}", "", "ab ac bc"},
		{oldest, "{a e} | {b c d} => {a e}", "", ""},
		{oldest, "{e} | {a b c d} => {a b c d}", "", ""},
		{KeepOldest{EvenIfAlone: true}, "{e} | {a b c d} => {e}", "", ""},
		{oldest, "{a} | {b} => {b}", "", ""},
		{KeepOldest{Role: "2"}, "{a e} | {b c d} => {b c d}", "", ""},
		{KeepOldest{Role: "9"}, "{a e} | {b c d} => {}", "", ""},
		{oldest, "{a b d} | {c ex} => {a b d}", "el", ""},
		{oldest, "{a el} | {b c d} => {}", "", ""},
		{oldest, "{d} | {a b c} | {e f} => {e f}", "", ""},
		{oldest, "{e} | {a b cl} => {a b c}", "", ""},
		{oldest, "{e} | {a bl cl dl} => {}", "", ""},
		{oldest, "{aj e} | {b c d} => {}", "", ""},
		{KeepOldest{EvenIfAlone: true}, "{aj e} | {b c d} => {a e}", "", ""},
		{oldest, "{a b e} => {a e}", "", "ab"},
		{StaticQuorum{Size: 3}, "{a c e} | {b d} => {a c e}", "", ""},
		{StaticQuorum{Size: 3}, "{a b} | {c d} => {}", "", ""},
		{StaticQuorum{Size: 3}, "{a b c} | {d e f} => {}", "", ""}, // too many members
		{StaticQuorum{Size: 3}, "{a b c} | {d ej fj} => {a b c}", "", ""},
		{StaticQuorum{Size: 3}, "{a b cl} | {d} => {a b c}", "", ""},
		{StaticQuorum{Size: 3}, "{a b cx} | {d e} => {}", "", ""},
		{StaticQuorum{Size: 5}, "{a} | {b c d e f} => {b c d e f}", "", ""},
		{All{}, "{a c e} | {b d} => {}", "", ""},
		{Off{}, "{a c e} | {b d} => {a b c d e}", "", ""},
	} {
		text, want, _ := strings.Cut(c.text, " => ")
		title := fmt.Sprintf("%v: %s", c.strategy, c.text)
		t.Run(title, func(t *testing.T) {
			require.Equal(t, want, survivors(t, c.strategy, text, c.seen, c.broken))
		})
	}
}

func TestNothingIsDecidedWhileAllTalk(t *testing.T) {
	for _, s := range []Strategy{KeepMajority{}, KeepOldest{}, StaticQuorum{Size: 3}, All{}, Off{}} {
		require.Equal(t, Decision{}, s.Decide(view(t, sides("{a b c}"), 0, "", "")))
		require.Equal(t, Decision{}, s.Decide(view(t, sides("{a b cd}"), 0, "", "ac")), "c is down already")
		require.NoError(t, Validate(s))
	}
	require.ErrorContains(t, Validate(StaticQuorum{}), "want at least 1")
	require.ErrorContains(t, Validate(All{StableAfter: -1}), "StableAfter is negative")
}

// TestCleanPartitionKeepsAtMostOneSide is SB-1 and SB-2 on random partitions
// in which both sides know the same statuses.
func TestCleanPartitionKeepsAtMostOneSide(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		n := r.IntN(9) + 2
		parts := make([][]string, r.IntN(3)+2)
		for i := range n {
			word := string(rune('a'+i)) + []string{"", "", "", "j", "l", "w"}[r.IntN(6)]
			at := r.IntN(len(parts))
			parts[at] = append(parts[at], word)
		}
		parts = slices.DeleteFunc(parts, func(p []string) bool { return len(p) == 0 })
		if len(parts) < 2 {
			continue
		}
		for _, s := range []Strategy{KeepMajority{}, KeepOldest{}, KeepOldest{EvenIfAlone: true}, StaticQuorum{Size: n/2 + 1}} {
			alive := 0
			for i, part := range parts {
				d := s.Decide(view(t, parts, i, "", ""))
				kept := slices.DeleteFunc(slices.Clone(part), func(w string) bool { return slices.Contains(d.Down, node(w[:1])) })
				if len(kept) > 0 {
					alive++
					require.Len(t, kept, len(part), "a clean side stays together: %v in %v", s, parts)
				}
			}
			require.LessOrEqual(t, alive, 1, "%v keeps several of %v", s, parts)
		}
	}
}

// TestLateWordOfTheOtherSideDoesNoHarm is SB-4: before a partition was
// complete, members of the other side accused some of ours.
func TestLateWordOfTheOtherSideDoesNoHarm(t *testing.T) {
	v := view(t, sides("{a b c} | {d e}"), 0, "", "da db dc ea eb ec")
	d := KeepMajority{}.Decide(v)
	require.Equal(t, []membership.Node{node("d"), node("e")}, d.Down)
	require.Equal(t, DownOthers, d.Verdict)
	require.Contains(t, d.String(), "down the others [d:2551 e:2551]: 3 of 5 can all talk to each other")
}

// dumbLargest tries every subset.
func dumbLargest(g *graph) []bool {
	var best []bool
	for bits := range 1 << len(g.members) {
		set := make([]bool, len(g.members))
		ok := true
		for i := range set {
			set[i] = bits&(1<<i) != 0
			for _, j := range g.broken[i] {
				ok = ok && (!set[i] || j > i || !set[j])
			}
		}
		if !ok {
			continue
		}
		if best == nil || g.weight(set) > g.weight(best) || g.weight(set) == g.weight(best) && g.better(set, best) {
			best = set
		}
	}
	return best
}

func TestLargestAgreesWithItsTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := r.IntN(9) + 1
		var words []string
		broken := ""
		for i := range n {
			words = append(words, string(rune('a'+i))+[]string{"", "", "j"}[r.IntN(3)])
		}
		for range r.IntN(2 * n) {
			broken += fmt.Sprintf(" %c%c", 'a'+r.IntN(n), 'a'+r.IntN(n))
		}
		g := newGraph(view(t, [][]string{words}, 0, "", broken), "")
		got, ok := g.largest(nil, nil)
		require.True(t, ok)
		require.Equal(t, dumbLargest(g), got, "%v broken:%s", words, broken)
	}
}

func TestLargePartitionIsDecidedAtOnce(t *testing.T) {
	var members []membership.Member
	var cut [][2]membership.Node
	for i := range 200 {
		m := membership.Member{Node: membership.Node{Addr: fmt.Sprintf("n%03d:1", i), UID: uint64(i + 1)}, Status: membership.Up, UpNumber: uint64(i + 1)}
		for _, o := range members {
			if i >= 120 && o.UID <= 120 {
				cut = append(cut, [2]membership.Node{o.Node, m.Node})
			}
		}
		members = append(members, m)
	}
	v := membership.ViewOf(membership.Assemble(1, members, cut...), members[0].Node)
	require.Len(t, KeepMajority{}.Decide(v).Down, 80)
}

func TestSearchWithoutEndDownsAll(t *testing.T) {
	// A ring of broken links has as many largest groups as one can wish for.
	var members []membership.Member
	var cut [][2]membership.Node
	for i := range 90 {
		members = append(members, membership.Member{Node: membership.Node{Addr: fmt.Sprintf("n%03d:1", i), UID: uint64(i + 1)}, Status: membership.Up, UpNumber: uint64(i + 1)})
	}
	for i := range members {
		cut = append(cut, [2]membership.Node{members[i].Node, members[(i+1)%len(members)].Node})
	}
	d := KeepMajority{}.Decide(membership.ViewOf(membership.Assemble(1, members, cut...), members[0].Node))
	require.Equal(t, DownAll, d.Verdict)
	require.Contains(t, d.Why, "too many broken links")
}

func TestTimingBySize(t *testing.T) {
	for n, want := range map[int]time.Duration{3: 5 * time.Second, 10: 5 * time.Second, 11: 7 * time.Second, 51: 10 * time.Second, 101: 15 * time.Second} {
		require.Equal(t, want, Timing{}.stableAfter(n), "%d members", n)
	}
	require.Equal(t, 8750*time.Millisecond, Timing{}.unstableAfter(3))
	require.Equal(t, 3*time.Second, Timing{StableAfter: time.Second, UnstableFor: 2 * time.Second}.unstableAfter(3))
}

func TestResolver(t *testing.T) { // SB-3, F-06
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	whole := view(t, sides("{a b c}"), 0, "", "")
	cut := view(t, sides("{a b} | {c}"), 0, "", "")
	t.Run("decides once nothing has changed for long enough", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		require.Empty(t, r.Step(at(0), whole).Down)
		require.True(t, r.Next().IsZero())
		require.Empty(t, r.Step(at(1), cut).Down)
		require.Equal(t, at(6), r.Next())
		require.Empty(t, r.Step(at(5.9), cut).Down)
		require.Equal(t, []membership.Node{node("c")}, r.Step(at(6), cut).Down)
		require.Equal(t, at(11), r.Next(), "if nothing comes of it, it decides again")
	})
	t.Run("healing in time", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		r.Step(at(0), cut)
		require.Empty(t, r.Step(at(4), whole).Down)
		require.True(t, r.Next().IsZero())
		r.Step(at(5), cut)
		require.Equal(t, at(10), r.Next())
	})
	t.Run("every change starts the wait anew", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		r.Step(at(0), cut)
		more := view(t, sides("{a b} | {c}"), 0, "", "ba")
		require.Empty(t, r.Step(at(4), more).Down)
		require.Equal(t, at(9), r.Next())
		up := view(t, sides("{a b d} | {c}"), 0, "", "ba")
		require.Empty(t, r.Step(at(8), up).Down)
		require.Equal(t, at(13), r.Next())
		r.Step(at(9), view(t, sides("{a b dl} | {c}"), 0, "", "ba"))
		require.Equal(t, at(13), r.Next(), "leaving is no change that matters")
	})
	t.Run("only the leader decides, and one that becomes it later at once", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		b := view(t, sides("{b a c d e}"), 0, "", "ac bc")
		r.Step(at(0), b)
		require.Empty(t, r.Step(at(5), b).Down)
		require.True(t, r.Next().IsZero())
		led := view(t, sides("{b ad c d e}"), 0, "", "ac bc")
		require.Empty(t, r.Step(at(7), led).Down, "a was downed: a change")
		require.Equal(t, []membership.Node{node("c")}, r.Step(at(12), led).Down)
	})
	t.Run("every node that nobody else can vouch for decides by itself", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		b := view(t, sides("{b a} | {c}"), 0, "", "") // c has accused a, so b takes itself for the leader
		r.Step(at(0), b)
		require.Equal(t, []membership.Node{node("c")}, r.Step(at(5), b).Down)
	})
	t.Run("a joining leader doesn't decide", func(t *testing.T) {
		r := NewResolver(All{})
		j := view(t, sides("{aj} | {b c}"), 0, "", "")
		r.Step(at(0), j)
		require.Empty(t, r.Step(at(6), j).Down)
	})
	t.Run("links that come and go for too long down everybody, on every node", func(t *testing.T) { // F-17
		r := NewResolver(KeepMajority{})
		one := view(t, sides("{b a c}"), 0, "", "bc")
		two := view(t, sides("{b a c}"), 0, "", "ac bc")
		now := 0.0
		var d Decision
		for i := 0; len(d.Down) == 0; i++ {
			require.Less(t, now, 9.0)
			d = r.Step(at(now), []membership.View{one, two}[i%2])
			if now += 2; !r.Next().IsZero() && r.Next().Before(at(now)) {
				now = r.Next().Sub(at(0)).Seconds()
			}
		}
		require.Equal(t, DownAll, d.Verdict)
		require.Len(t, d.Down, 3)
		require.InDelta(t, 8.75, now-2, 2)
	})
	t.Run("links that only ever break aren't flapping", func(t *testing.T) { // F-07
		r := NewResolver(KeepMajority{})
		broken := ""
		for i, pair := range []string{"ad", "ae", "bd", "be", "cd", "ce"} {
			broken += " " + pair
			require.Empty(t, r.Step(at(float64(i)*2), view(t, sides("{a b c d e}"), 0, "", broken)).Down)
		}
		d := r.Step(at(15), view(t, sides("{a b c d e}"), 0, "", broken))
		require.Equal(t, []membership.Node{node("d"), node("e")}, d.Down)
	})
	t.Run("who joins delays nobody", func(t *testing.T) {
		for title, cut := range map[string]string{"who goes on": "{a b c} | {d e}", "who loses": "{d e} | {a b c}"} {
			parts := sides(cut)
			r := NewResolver(KeepMajority{})
			r.Step(at(0), view(t, parts, 0, "", ""))
			joined := slices.Clone(parts)
			joined[0] = append(slices.Clone(parts[0]), "xj")
			require.Empty(t, r.Step(at(3), view(t, joined, 0, "", "")).Down, title)
			require.Empty(t, r.Step(at(4.9), view(t, joined, 0, "", "xa xd")).Down, title)
			require.NotEmpty(t, r.Step(at(5), view(t, joined, 0, "", "xa xd")).Down, title)
		}
	})
	t.Run("who joins isn't declared dead sooner than others", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		r.Step(at(0), view(t, sides("{a b xj} | {c}"), 0, "", ""))
		late := view(t, sides("{a b xj} | {c}"), 0, "", "ax bx")
		require.Empty(t, r.Step(at(4), late).Down)
		require.Equal(t, []membership.Node{node("c")}, r.Step(at(5), late).Down)
	})
	t.Run("each member of the losing side decides by itself, also the one that doesn't lead", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		e := view(t, sides("{e d} | {a b c}"), 0, "", "")
		r.Step(at(0), e)
		require.Equal(t, []membership.Node{node("d"), node("e")}, r.Step(at(5), e).Down)
	})
	t.Run("a crash on the losing side delays nobody there", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		r.Step(at(0), view(t, sides("{e d} | {a b c}"), 0, "", ""))
		alone := view(t, sides("{e} | {d} | {a b c}"), 0, "", "")
		require.Empty(t, r.Step(at(4), alone).Down)
		require.Equal(t, []membership.Node{node("d"), node("e")}, r.Step(at(5), alone).Down)
	})
	t.Run("who has lost can't be delayed by losing more", func(t *testing.T) {
		r := NewResolver(KeepMajority{}) // it doesn't know that c is cut off from the others as well
		r.Step(at(0), view(t, sides("{a b c d e}"), 0, "", "ab ad ae"))
		alone := view(t, sides("{a b c d e}"), 0, "", "ab ac ad ae")
		require.Empty(t, r.Step(at(4), alone).Down)
		require.Equal(t, []membership.Node{node("a")}, r.Step(at(5), alone).Down)
	})
	t.Run("who may survive yet waits for quiet", func(t *testing.T) {
		r := NewResolver(KeepMajority{}) // in the end d and e are cut off from all
		r.Step(at(0), view(t, sides("{a b c d e}"), 0, "", "ad ae"))
		require.Empty(t, r.Step(at(4), view(t, sides("{a b c d e}"), 0, "", "ad ae bd be")).Down)
		require.Empty(t, r.Step(at(5), view(t, sides("{a b c d e}"), 0, "", "ad ae bd be")).Down)
	})
	t.Run("a member without a say decides only if it leads", func(t *testing.T) {
		r := NewResolver(KeepMajority{})
		x := view(t, sides("{xj d e} | {a b c}"), 0, "", "")
		r.Step(at(0), x)
		require.Empty(t, r.Step(at(6), x).Down)
	})
	t.Run("switched off", func(t *testing.T) {
		r := NewResolver(Off{})
		r.Step(at(0), cut)
		r.Step(at(1), view(t, sides("{a b c}"), 0, "", "ac"))
		require.Empty(t, r.Step(at(100), cut).Down)
	})
	t.Run("a node that is out decides nothing", func(t *testing.T) {
		r := NewResolver(All{})
		v := membership.ViewOf(cut.State, node("z"))
		r.Step(at(0), v)
		require.Empty(t, r.Step(at(100), v).Down)
	})
}

func TestVerdictNames(t *testing.T) {
	for v, want := range map[Verdict]string{Nothing: "nothing", DownOthers: "down the others", DownOwn: "down the own side", DownAll: "down all", 9: "verdict 9"} {
		require.Equal(t, want, v.String())
	}
}
