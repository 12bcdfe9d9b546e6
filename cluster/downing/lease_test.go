package downing

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
)

func addrs(nodes []membership.Node) string {
	out := ""
	for _, n := range nodes {
		out += n.Addr[:1]
	}
	return out
}

func TestLeaseMajority(t *testing.T) { // section 8.9, B5
	for _, c := range []struct {
		cut       string
		own       int
		broken    string
		role      string
		down      string
		otherwise string
		later     bool
	}{
		{"{a b c} | {d e}", 0, "", "", "de", "abc", false},
		{"{a b c} | {d e}", 1, "", "", "abc", "de", true},
		{"{a b} | {c d}", 0, "", "", "cd", "ab", false}, // halves: the one without the lowest address waits
		{"{a b} | {c d}", 1, "", "", "ab", "cd", true},
		{"{a} | {b c}", 0, "", "", "bc", "a", true},
		{"{a b c d} | {e f} | {g}", 1, "", "", "abcdg", "ef", true},
		{"{a b c d} | {e f} | {g}", 2, "", "", "abcdef", "g", true},
		{"{a b c}", 0, "bc", "", "c", "ab", false},
		{"{a b cj} | {d e}", 0, "", "", "de", "abc", false}, // joining ones share the fate of their side
		{"{a b c} | {d e}", 0, "", "2", "de", "abc", true},  // c, d and e have the role
	} {
		v := view(t, sides(c.cut), c.own, "", c.broken)
		d, first := LeaseMajority{Role: c.role}.decide(v)
		require.Equal(t, AskLease, d.Verdict, "%+v: %v", c, d)
		require.Equal(t, c.down, addrs(d.Down), "%+v: %v", c, d)
		require.Equal(t, c.otherwise, addrs(d.Otherwise), "%+v: %v", c, d)
		require.Equal(t, c.later, first != nil, "%+v", c)
	}
}

func TestResolverAndTheLease(t *testing.T) { // B5
	at := func(s float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(s * float64(time.Second))) }
	left := view(t, sides("{a b c} | {d e}"), 0, "", "")
	right := view(t, sides("{a b c} | {d e}"), 1, "", "")
	whole := view(t, sides("{a b c d e}"), 0, "", "")
	after := view(t, sides("{a b c}"), 0, "", "")
	t.Run("the majority asks at once, downs the others, and gives the lease back", func(t *testing.T) {
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), left)
		d := r.Step(at(5), left)
		require.Equal(t, AskLease, d.Verdict)
		require.Zero(t, r.Next(), "it waits for the answer")
		require.Equal(t, Decision{}, r.Step(at(20), left))
		d = r.Answer(at(21), left, Granted)
		require.Equal(t, DownOthers, d.Verdict)
		require.Equal(t, "de", addrs(d.Down))
		require.Equal(t, Nothing, r.Step(at(30), after).Verdict)
		require.Equal(t, at(70), r.Next())
		require.Equal(t, Nothing, r.Step(at(69), after).Verdict)
		require.Equal(t, FreeLease, r.Step(at(70), after).Verdict)
		require.Zero(t, r.Next())
		require.Equal(t, Nothing, r.Step(at(90), after).Verdict, "once")
	})
	t.Run("the minority asks later, and goes down when it is refused", func(t *testing.T) {
		r := NewResolver(LeaseMajority{MinorityDelay: 3 * time.Second})
		r.Step(at(0), right)
		require.Equal(t, Nothing, r.Step(at(5), right).Verdict)
		require.Equal(t, at(8), r.Next())
		require.Equal(t, AskLease, r.Step(at(8), right).Verdict)
		d := r.Answer(at(9), right, Refused)
		require.Equal(t, DownOwn, d.Verdict)
		require.Equal(t, "de", addrs(d.Down))
		require.Contains(t, d.Why, "didn't get the lease")
	})
	t.Run("the minority goes on when it is granted: the others are dead", func(t *testing.T) { // F-15
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), right)
		r.Step(at(5), right)
		require.Equal(t, AskLease, r.Step(at(7), right).Verdict)
		require.Equal(t, "abc", addrs(r.Answer(at(7), right, Granted).Down))
	})
	t.Run("healed while the minority waits", func(t *testing.T) {
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), right)
		r.Step(at(5), right)
		require.Equal(t, Decision{}, r.Step(at(6), membership.ViewOf(whole.State, right.Self)))
		require.Zero(t, r.Next())
	})
	t.Run("who doesn't lead asks as well, later: the leader may be dead", func(t *testing.T) {
		var members []membership.Member
		var pairs [][2]membership.Node // what d and e say; nobody accuses them
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			members = append(members, member(t, name))
			if name < "d" {
				pairs = append(pairs, [2]membership.Node{node("d"), node(name)}, [2]membership.Node{node("e"), node(name)})
			}
		}
		right := membership.ViewOf(membership.Assemble(7, members, pairs...), node("d"))
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), right)
		r.Step(at(5), right)
		require.Equal(t, at(7), r.Next())
		led := membership.ViewOf(right.State, node("e")) // d leads there
		require.Equal(t, Decision{}, r.Step(at(6.9), led))
		require.Equal(t, AskLease, r.Step(at(7), led).Verdict)
		require.Equal(t, Decision{}, r.Answer(at(7), led, RefusedFor(node("d").String())), "its own side has it")
		more := view(t, sides("{a b c} | {d e}"), 1, "", "ab")
		require.Equal(t, Decision{}, r.Step(at(8), more))
		require.Equal(t, at(13), r.Next(), "a change, and another wait")
	})
	t.Run("healed while the answer is under way", func(t *testing.T) {
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), left)
		r.Step(at(5), left)
		require.Equal(t, Decision{}, r.Step(at(6), whole))
		require.Equal(t, Decision{}, r.Answer(at(7), whole, Granted))
		r.Step(at(8), whole)
		require.Equal(t, at(48), r.Next())
		require.Equal(t, FreeLease, r.Step(at(48), whole).Verdict)
	})
	t.Run("another node of the same side has it: that one decides", func(t *testing.T) {
		r := NewResolver(LeaseMajority{})
		r.Step(at(0), left)
		r.Step(at(5), left)
		require.Equal(t, Decision{}, r.Answer(at(6), left, RefusedFor(node("b").String())))
		r = NewResolver(LeaseMajority{})
		r.Step(at(0), left)
		r.Step(at(5), left)
		require.Equal(t, "abc", addrs(r.Answer(at(6), left, RefusedFor(node("d").String())).Down))
	})
	t.Run("an answer that nobody waits for", func(t *testing.T) {
		require.Equal(t, Decision{}, NewResolver(LeaseMajority{}).Answer(at(0), left, Granted))
	})
}

func TestWhoHasNoSayDoesNotAsk(t *testing.T) {
	d := LeaseMajority{}.Decide(view(t, sides("{a b} | {cj dw}"), 1, "", ""))
	require.Equal(t, DownOwn, d.Verdict)
	require.Equal(t, "cd", addrs(d.Down))
	d = LeaseMajority{Role: "2"}.Decide(view(t, sides("{a b} | {c d}"), 0, "", ""))
	require.Equal(t, DownOwn, d.Verdict)
	require.Equal(t, "ab", addrs(d.Down))
}

// Whatever the cut: when only one gets the lease, at most one side survives.
func TestOneLeaseOneSide(t *testing.T) { // B7, SB-1
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 8))
		parts := make([]string, 2+r.IntN(2))
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"}[:3+r.IntN(5)] {
			i := r.IntN(len(parts))
			parts[i] += " " + name
		}
		parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
		if len(parts) < 2 {
			continue
		}
		text := "{" + strings.Join(parts, "} | {") + "}"
		winner, left := r.IntN(len(parts)), ""
		for i := range parts {
			v := view(t, sides(text), i, "", "")
			now := time.Unix(1000, 0)
			res := NewResolver(LeaseMajority{})
			res.Step(now, v)
			d := res.Step(now.Add(7*time.Second), v)
			if d.Verdict != AskLease {
				d = res.Step(now.Add(9*time.Second), v)
			}
			require.Equal(t, AskLease, d.Verdict, text)
			answer := Refused
			if i == winner {
				answer = Granted
			}
			down := res.Answer(now.Add(10*time.Second), v, answer).Down
			for _, name := range strings.Fields(parts[i]) {
				if !slices.Contains(down, node(name)) {
					left += " " + name
				}
			}
		}
		require.Equal(t, parts[winner], left, text)
	}
}

// The shapes of docs/concepts/split-brain.md: who goes on when whoever asks
// first gets the lease.
func TestLeaseByShape(t *testing.T) {
	for _, c := range []struct{ cut, broken, want string }{
		{"{a c e} | {b d}", "", "ace"},
		{"{a b} | {c d e}", "", "cde"},
		{"{a e} | {b c d}", "", "bcd"},
		{"{a b} | {c}", "", "ab"},
		{"{b} | {a c}", "", "ac"},
		{"{a} | {b}", "", "a"},
		{"{a b} | {c d}", "", "ab"},
		{"{a b c} | {d e f}", "", "abc"},
		{"{e} | {a b c d}", "", "abcd"},
		{"{a} | {b c d e f}", "", "bcdef"},
		{"{a b} | {c d} | {e}", "", "ab"},
		{"{a b c d} | {e} | {f}", "", "abcd"},
		{"{d} | {a b c} | {e f}", "", "abc"},
		{"{a b} | {c d} | {e f g}", "", "efg"},
		{"{a b}", "ab", "a"},
		{"{a b c}", "ab", "ac"},
		{"{a b c}", "ab ac bc", "a"},
		{"{a b c} | {d e}", "bc", "ab"},
		{"{a b c d} | {e}", "ad", "abc"},
		{"{a b c d e}", "ad ae bd be", "abc"},
	} {
		var asksAtOnce []string
		all := sides(c.cut)
		for i := range all {
			if d, first := (LeaseMajority{}).decide(view(t, all, i, "", c.broken)); first == nil {
				asksAtOnce = append(asksAtOnce, addrs(d.Otherwise))
			}
		}
		require.Equal(t, []string{c.want}, asksAtOnce, "%+v", c)
	}
}

// Under keep-oldest a third side leaves nobody when the oldest is alone: those
// who are many can't tell whether the two they don't hear are together, and
// then the oldest would go on. With a majority, or a lease, they can.
func TestKeepOldestWithThreeSides(t *testing.T) {
	cut := "{a b c d} | {e} | {f}"
	require.Equal(t, "{}", survivors(t, KeepOldest{}, cut, "", ""))
	require.Equal(t, "{e}", survivors(t, KeepOldest{EvenIfAlone: true}, cut, "", ""))
	require.Equal(t, "{a b c d}", survivors(t, KeepMajority{}, cut, "", ""))
	together := sides("{a b c d} | {e f}")
	apart := view(t, sides("{a b c d e f}"), 0, "", "ae be ce de af bf cf df") // what those four can know
	same := view(t, together, 0, "", "")
	d := KeepOldest{}.Decide(apart)
	require.Equal(t, KeepOldest{}.Decide(same), d, "a sees the same in both cases")
	require.Equal(t, "abcd", addrs(d.Down))
	require.Equal(t, "{e f}", survivors(t, KeepOldest{}, "{a b c d} | {e f}", "", ""))
}
