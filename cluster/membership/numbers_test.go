package membership

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var numberRuns = flag.Int("numbers.runs", 600, "interleavings of the model of up-numbers")

// numbersModel is a cluster reduced to what decides who gets which up-number:
// views that are merged late, twice and in any order; members that let others
// in; leaders; and members that are declared dead while they run on, decide on
// the last view that they had, and are heard. One member is never declared
// dead: it is what any two majorities have in common.
type numbersModel struct {
	rand     *rand.Rand
	nodes    []*modelNode
	names    int
	steps    []string
	weights  []int
	lateness float64 // how many views back one is that arrives, on average
	// doubtful counts members whose number somebody else may have been given.
	doubtful int
	given    map[Node]uint64 // whatever any view ever had
	owner    map[uint64]Node
}

type modelNode struct {
	node  Node
	state State
	past  []State // views that are still under way to others
	ended bool
}

func newNumbersModel(seed uint64) *numbersModel {
	m := &numbersModel{rand: rand.New(rand.NewPCG(seed, 3)), given: map[Node]uint64{}, owner: map[uint64]Node{}}
	first := m.newNode()
	first.set(formed(Member{Node: first.node}, 1))
	m.lead(first)
	m.drawWeights()
	for range 2 + m.rand.IntN(3) { // who is Up before anything goes wrong
		m.join(first)
	}
	_ = m.settle()
	return m
}

func (m *numbersModel) newNode() *modelNode {
	// The order of addresses isn't that of joining: anybody may come to lead.
	// The member that stays is the last in it, so that it seldom leads.
	addr := fmt.Sprintf("%c%d:1", 'a'+rune(m.rand.IntN(20)), m.names)
	if m.names == 0 {
		addr = "z:1"
	}
	m.names++
	n := &modelNode{node: Node{addr, uint64(m.names)}}
	m.nodes = append(m.nodes, n)
	return n
}

func (n *modelNode) set(s State) {
	n.state = s
	n.past = append(n.past, s)
	if self, ok := s.Member(n.node); !ok || self.Status == Down {
		n.ended = true
	}
}

func (m *numbersModel) any(keep func(*modelNode) bool) *modelNode {
	var all []*modelNode
	for _, n := range m.nodes {
		if keep(n) {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[m.rand.IntN(len(all))]
}

func running(n *modelNode) bool { return !n.ended }

// weights are how often which step is taken: drawn for each run, so that some
// runs are all joins, and others all deaths.
func (m *numbersModel) drawWeights() {
	for range 4 {
		m.weights = append(m.weights, 1+m.rand.IntN(6))
	}
	m.weights[3] *= 2
	m.lateness = m.rand.Float64() * 4
}

func (m *numbersModel) step() error {
	n := m.any(running)
	total := 0
	for _, w := range m.weights {
		total += w
	}
	kind := 0
	for at := m.rand.IntN(total); at >= m.weights[kind]; kind++ {
		at -= m.weights[kind]
	}
	switch kind {
	case 0:
		if len(m.nodes) < 9 {
			m.join(n)
		}
	case 1:
		m.lead(n)
	case 2:
		m.declareDead(n)
	default:
		m.deliver(m.nodes[m.rand.IntN(len(m.nodes))], n)
	}
	return m.check()
}

func (m *numbersModel) join(through *modelNode) {
	n := m.newNode()
	through.set(ViewOf(through.state, through.node).admitted(Member{Node: n.node}).changedBy(through.node))
	n.set(through.state.seenBy(n.node))
	m.steps = append(m.steps, fmt.Sprintf("%v joins through %v", n.node, through.node))
}

func (m *numbersModel) lead(n *modelNode) {
	changes := LeaderActions(ViewOf(n.state, n.node), Minimum{})
	if len(changes) == 0 {
		return
	}
	m.steps = append(m.steps, fmt.Sprintf("%v decides %v", n.node, changes))
	for _, c := range changes {
		if c.To == Down {
			m.doubtful++
		}
	}
	n.set(n.state.apply(n.node, changes, int64(len(m.steps))).changedBy(n.node))
}

// declareDead makes n declare somebody dead who may run on.
func (m *numbersModel) declareDead(by *modelNode) {
	victim := m.any(func(o *modelNode) bool { return o != by && o != m.nodes[0] && by.state.has(o.node) })
	if victim == nil {
		return
	}
	next := by.state.declaredDead(by.node, victim.node)
	if next.equalValue(by.state) {
		return
	}
	m.steps = append(m.steps, fmt.Sprintf("%v declares %v dead", by.node, victim.node))
	by.set(next.changedBy(by.node))
}

// deliver lets one of the views that from ever had reach to.
func (m *numbersModel) deliver(from, to *modelNode) {
	if from == to {
		return
	}
	at := len(from.past) - 1 - min(int(m.rand.ExpFloat64()*m.lateness), len(from.past)-1)
	theirs := from.past[at]
	switch {
	case to.state.Buried(from.node) || !theirs.has(to.node) && !theirs.Buried(to.node):
		return
	case theirs.Buried(to.node):
		to.ended = true
		return
	}
	m.steps = append(m.steps, fmt.Sprintf("%v hears view %d of %v", to.node, at, from.node))
	to.set(Merge(to.state, theirs).seenBy(to.node))
}

func (m *numbersModel) check() error {
	for _, n := range m.nodes {
		for _, o := range n.state.members {
			switch {
			case o.UpNumber == 0:
			case m.given[o.Node] != 0 && m.given[o.Node] != o.UpNumber:
				return fmt.Errorf("%v has up-number %d in one view and %d in another", o.Node, m.given[o.Node], o.UpNumber)
			case !m.owner[o.UpNumber].IsZero() && m.owner[o.UpNumber] != o.Node:
				return fmt.Errorf("%v and %v both have up-number %d", m.owner[o.UpNumber], o.Node, o.UpNumber)
			default:
				m.given[o.Node], m.owner[o.UpNumber] = o.UpNumber, o.Node
			}
		}
	}
	return nil
}

// settle lets everybody hear everybody, and find out who is gone, until nothing
// changes any more.
func (m *numbersModel) settle() error {
	for changed := true; changed; {
		changed = false
		for _, n := range m.nodes {
			for _, o := range m.nodes {
				if o == n || o.ended {
					continue
				}
				before := o.state
				switch {
				case n.ended && o.state.has(n.node):
					if next := o.state.declaredDead(o.node, n.node); !next.equalValue(before) {
						o.set(next.changedBy(o.node))
					}
				case n.ended || o.state.Buried(n.node):
				case n.state.has(o.node):
					o.set(Merge(o.state, n.state).seenBy(o.node))
				case n.state.Buried(o.node):
					o.ended = true
				}
				changed = changed || o.ended || !o.state.equal(before)
			}
			if !n.ended {
				before := n.state
				m.lead(n)
				changed = changed || !n.state.equal(before)
			}
			if err := m.check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// MB-3: an up-number belongs to one member and a member has one, in all views
// that ever were, those of the dead included; and everybody who lives gets one.
func TestAnUpNumberIsGivenOnce(t *testing.T) {
	up, doubtful, runs := 0, 0, *numberRuns
	if raced {
		runs /= 10 // nothing runs side by side here
	}
	for seed := range runs {
		m := newNumbersModel(uint64(seed))
		err := m.check()
		for i := 0; i < 80 && err == nil; i++ {
			err = m.step()
		}
		if err == nil {
			err = m.settle()
		}
		require.NoError(t, err, "seed %d:\n%s", seed, strings.Join(m.steps, "\n"))
		for _, o := range m.nodes[0].state.members {
			require.True(t, o.works(), "seed %d: %v isn't up in the end:\n%s", seed, o, strings.Join(m.steps, "\n"))
			up++
		}
		doubtful += m.doubtful
	}
	require.Positive(t, up)
	t.Logf("%d members Up, %d declared dead because their number was in doubt", up, doubtful)
}

func TestWhoKeepsAPromisedNumber(t *testing.T) {
	promise := func(s State, to string, number uint64, by string) State {
		m, ok := s.Member(node(to))
		require.True(t, ok)
		m.promised, m.promisedBy = number, node(by)
		return s.with(m)
	}
	claims := func(s State) string {
		var out []string
		v := ViewOf(s, node("a"))
		for _, m := range s.Members() {
			if m.Status == Joining {
				out = append(out, m.Addr[:1]+" "+[]string{"gets it", "gets another", "waits", "is in doubt"}[v.claim(m)])
			}
		}
		return strings.Join(out, ", ")
	}
	for _, c := range []struct{ title, members, byC, byD, want string }{
		{"both promisers work", "a:up* b:up* c:joining* d:joining*", "a", "b", "c waits, d gets another"},
		{"that of c is down", "a:up* b:down c:joining* d:joining*", "b", "a", "c gets another, d waits"},
		{"that of d is down", "a:up* b:down c:joining* d:joining*", "a", "b", "c waits, d gets another"},
		{"both are down", "a:up* b:down c:joining* d:joining* e:down", "b", "e", "c is in doubt, d is in doubt"},
		{"one promised to both", "a:up* b:up* c:joining* d:joining*", "a", "a", "c waits, d gets another"},
	} {
		s := parse(t, c.members)
		s = promise(promise(s, "c", 7, c.byC), "d", 7, c.byD)
		require.Equal(t, c.want, claims(s), c.title)
	}
	s := promise(promise(parse(t, "a:up* b:up* c:joining* d:joining*"), "c", 7, "a"), "d", 7, "b")
	require.Equal(t, "d gets it", claims(s.without(node("c"), 9)), "c was never given it, for the promiser of d works")
	require.Equal(t, "d is in doubt", claims(s.without(node("c"), 9).without(node("b"), 9)))
	given := s.apply(node("a"), []Change{{node("c"), Joining, Up, 7}}, 0)
	require.Equal(t, "d gets another", claims(given))
	require.Equal(t, "d gets another", claims(given.without(node("c"), 9)), "the dead keep their numbers")
	require.Equal(t, "d gets another", claims(Merge(s, given.without(node("c"), 9))))
	require.Equal(t, "d gets another", claims(Merge(s.without(node("c"), 9), given)), "in whichever order it becomes known")
}
