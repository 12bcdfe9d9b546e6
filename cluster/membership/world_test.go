package membership

import (
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// world is a network of cores with virtual time. All messages go through
// their wire form; delays are drawn from the seed.
type world struct {
	t       testing.TB
	seed    uint64
	rand    *rand.Rand
	now     time.Time
	reg     *codec.Registry
	nodes   map[string]*simNode // by address; the present incarnation
	queue   eventHeap
	formed  map[int64]bool // stamps of all clusters that ever were
	pushes  int
	cuts    map[[2]string]bool // from, to
	delay   time.Duration      // largest delay of a message
	lost    int                // messages lost of a hundred
	config  func(*Config)
	sent    map[string]int
	bytes   map[Node]int           // sent by each node
	large   bool                   // views aren't checked: that is too much for a thousand nodes
	behind  int                    // the node that have and seen look at first
	removed map[Node]map[Node]bool // by observer: who was seen removed
	status  map[[2]Node]Status
	upOf    map[Node]uint64
	owners  map[upKey]Node
}

// upKey is an up-number of one cluster.
type upKey struct {
	created int64
	number  uint64
}

type simNode struct {
	core   *Core
	node   Node
	alive  bool
	events []Event
	said   []string // its warnings, and what is for the log besides
	look   func()   // called when it looks at an address
	ended  *Shutdown
	silent map[Node]time.Time // since when a member can't be heard
}

type event struct {
	at  time.Time
	seq int
	run func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), reg: codec.NewRegistry(),
		now: time.Unix(1_700_000_000, 0), formed: map[int64]bool{}, nodes: map[string]*simNode{}, cuts: map[[2]string]bool{},
		delay: 5 * time.Millisecond, sent: map[string]int{}, bytes: map[Node]int{},
		removed: map[Node]map[Node]bool{}, status: map[[2]Node]Status{}, upOf: map[Node]uint64{}, owners: map[upKey]Node{},
	}
	require.NoError(t, Register(w.reg))
	w.after(observeEvery, w.observe)
	return w
}

const observeEvery = 250 * time.Millisecond

func addrOf(name string) string { return name + ":2551" }

func (w *world) after(d time.Duration, run func()) {
	w.pushes++
	heap.Push(&w.queue, event{w.now.Add(d), w.pushes, run})
}

// start begins a new incarnation of the named node, with the named seeds.
func (w *world) start(name string, seeds ...string) *simNode {
	w.t.Helper()
	cfg := Config{
		Self: Node{addrOf(name), w.rand.Uint64() | 1}, Cluster: "test",
		Rand: rand.New(rand.NewPCG(w.seed, w.rand.Uint64())),
	}
	for _, s := range seeds {
		cfg.Seeds = append(cfg.Seeds, addrOf(s))
	}
	if w.config != nil {
		w.config(&cfg)
	}
	core, err := New(cfg)
	require.NoError(w.t, err)
	n := &simNode{core: core, node: cfg.Self, alive: true, silent: map[Node]time.Time{}}
	w.nodes[cfg.Self.Addr] = n
	w.step(n, Start{})
	return n
}

// warned reports whether the node has said something with these words in it.
func (n *simNode) warned(words string) bool {
	return slices.ContainsFunc(n.said, func(s string) bool { return strings.Contains(s, words) })
}

func (w *world) step(n *simNode, in Input) {
	if !n.alive {
		return
	}
	for _, e := range n.core.Step(w.now, in) {
		switch e := e.(type) {
		case Send:
			w.post(n, e)
		case Changed:
			if !w.large {
				n.events = append(n.events, e.Events...)
				w.check(n, e.View)
			}
		case Look:
			w.look(n, e.Addr)
		case Warning:
			n.said = append(n.said, e.Text)
		case Note:
			n.said = append(n.said, e.Text)
		case ExitStarted:
			w.after(10*time.Millisecond, func() { w.step(n, ExitDone{}) })
		case Shutdown:
			n.ended = &e
			// Its process ends a little later; until then it can be heard.
			w.after(50*time.Millisecond, func() { n.alive = false })
		}
	}
	if next := n.core.Next(); !next.IsZero() {
		w.tickAt(n, next)
	}
}

func (w *world) tickAt(n *simNode, at time.Time) {
	w.after(max(at.Sub(w.now), 0), func() {
		// Only the newest deadline counts; older ones have nothing left to do.
		if next := n.core.Next(); n.alive && !next.IsZero() && !next.After(w.now) {
			w.step(n, Tick{})
		}
	})
}

func (w *world) post(from *simNode, e Send) {
	w.sent[fmt.Sprintf("%T", e.Message)]++
	typ, err := w.reg.Of(e.Message)
	require.NoError(w.t, err)
	body, err := typ.Append(codec.Scope{}, nil, e.Message)
	require.NoError(w.t, err)
	w.bytes[from.node] += envelopeSize(typ.Name()) + len(body)
	if w.rand.IntN(100) < w.lost {
		return
	}
	w.after(time.Duration(w.rand.Int64N(int64(w.delay))), func() {
		if w.cuts[[2]string{from.node.Addr, e.To.Addr}] {
			return
		}
		to, ok := w.nodes[e.To.Addr]
		if !ok || !to.alive {
			w.step(from, NoAnswer{Addr: e.To.Addr, Why: "refuses the connection", Refused: true})
			return
		}
		if e.To.UID != 0 && e.To != to.node {
			return
		}
		msg, err := typ.Decode(codec.Scope{}, body)
		require.NoError(w.t, err)
		w.step(to, Received{msg.(Message)})
	})
}

// look asks the address for a node who is there.
func (w *world) look(from *simNode, addr string) {
	if from.look != nil {
		from.look()
	}
	w.after(2*time.Duration(w.rand.Int64N(int64(w.delay))), func() {
		to, ok := w.nodes[addr]
		switch {
		case w.cuts[[2]string{from.node.Addr, addr}]:
		case !ok || !to.alive:
			w.step(from, NoAnswer{Addr: addr, Why: "refuses the connection", Refused: true})
		default:
			w.step(from, Met{to.node})
		}
	})
}

// envelopeSize is what remoting adds to the body of a message to the core of
// another node: the frame, flags, uid, path, id and name of the type.
func envelopeSize(name string) int { return 5 + 1 + 8 + 1 + len("/system/cluster") + 1 + 1 + len(name) }

// observe is the failure detector: who can't be heard for a second is
// unreachable.
func (w *world) observe() {
	if w.large {
		return
	}
	for _, addr := range slices.Sorted(maps.Keys(w.nodes)) {
		n := w.nodes[addr]
		var in Observed
		for _, m := range n.core.View().Members() {
			other := w.nodes[m.Addr]
			heard := other != nil && other.alive && other.node == m.Node && !w.cuts[[2]string{m.Addr, addr}]
			switch {
			case m.Node == n.node:
			case heard:
				delete(n.silent, m.Node)
				in.Reachable = append(in.Reachable, m.Node)
			case n.silent[m.Node].IsZero():
				n.silent[m.Node] = w.now
			case w.now.Sub(n.silent[m.Node]) >= time.Second:
				in.Unreachable = append(in.Unreachable, m.Node)
			}
		}
		if len(in.Reachable)+len(in.Unreachable) > 0 {
			w.step(n, in)
		}
	}
	w.after(observeEvery, w.observe)
}

// cut stops all traffic between the two sides, or lets it pass again.
func (w *world) cut(on bool, a, b []string) {
	for _, x := range a {
		for _, y := range b {
			w.cuts[[2]string{addrOf(x), addrOf(y)}] = on
			w.cuts[[2]string{addrOf(y), addrOf(x)}] = on
		}
	}
}

// until runs until what holds, and fails after limit.
func (w *world) until(what string, limit time.Duration, holds func() bool) {
	w.t.Helper()
	deadline := w.now.Add(limit)
	for !holds() {
		require.False(w.t, w.now.After(deadline), "seed %d: no %s within %v:\n%s", w.seed, what, limit, w)
		w.next()
	}
}

func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.queue) > 0 && !w.queue[0].at.After(end) {
		w.next()
	}
	w.now = end
}

func (w *world) next() {
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	e.run()
}

// allUp reports whether the named nodes, and nobody else, are Up in the views
// of all of them, which are equal and converged.
func (w *world) allUp(names ...string) func() bool {
	return func() bool {
		var first *simNode
		for _, name := range names {
			n := w.nodes[addrOf(name)]
			if n == nil || n.ended != nil || len(n.core.View().Members()) != len(names) {
				return false
			}
			if first == nil {
				first = n
			}
			if !n.core.state.equalValue(first.core.state) || len(n.core.View().Unreachable()) > 0 {
				return false
			}
			for _, m := range n.core.View().Members() {
				if m.Status != Up || w.nodes[m.Addr].node != m.Node {
					return false
				}
			}
		}
		return true
	}
}

// ended reports whether the node has shut its membership down.
func (w *world) ended(n *simNode) func() bool { return func() bool { return n.ended != nil } }

// check holds every published view against the invariants.
func (w *world) check(n *simNode, v View) {
	if !v.State.IsZero() {
		w.formed[v.Created] = true
	}
	checkInvariants(w.t, v.State)
	if w.removed[n.node] == nil {
		w.removed[n.node] = map[Node]bool{}
	}
	for _, m := range v.Members() {
		key := [2]Node{n.node, m.Node}
		// MB-1: per node, a status only ever moves on.
		require.GreaterOrEqual(w.t, m.Status, w.status[key], "seed %d: %v went back at %v", w.seed, m, n.node)
		w.status[key] = m.Status
		// MB-4: who was removed stays away.
		require.False(w.t, w.removed[n.node][m.Node], "seed %d: %v is back at %v", w.seed, m, n.node)
		// MB-3: the up-number is the same everywhere.
		if m.UpNumber > 0 {
			if w.upOf[m.Node] == 0 {
				w.upOf[m.Node] = m.UpNumber
			}
			require.Equal(w.t, w.upOf[m.Node], m.UpNumber, "seed %d: %v at %v", w.seed, m, n.node)
			key := upKey{v.Created, m.UpNumber}
			if w.owners[key].IsZero() {
				w.owners[key] = m.Node
			}
			require.Equal(w.t, w.owners[key], m.Node, "seed %d: up-number %d given twice, seen by %v", w.seed, m.UpNumber, n.node)
		}
	}
	for key := range w.status {
		if key[0] == n.node && !v.has(key[1]) {
			w.removed[n.node][key[1]] = true
		}
	}
}

// checkInvariants is MB-6: nothing in a state is about anybody but members.
func checkInvariants(t testing.TB, s State) {
	t.Helper()
	for i, m := range s.members {
		require.True(t, i == 0 || s.members[i-1].Compare(m.Node) < 0, "members out of order: %v", s.members)
		require.NotEqual(t, Removed, m.Status)
		require.LessOrEqual(t, m.UpNumber, s.LastUp)
		require.False(t, s.Buried(m.Node), "%v is a member and buried", m)
	}
	for _, n := range s.seen {
		require.True(t, s.has(n), "%v in seen is no member", n)
	}
	for _, e := range s.clock.entries {
		require.True(t, s.has(e.node), "%v in the clock is no member", e.node)
	}
	for _, r := range s.reach.records {
		require.True(t, s.has(r.Observer) && s.has(r.Subject), "record %v of no members", r)
		require.NotEqual(t, Reachable, r.Status)
	}
	for _, v := range s.reach.versions {
		require.True(t, s.has(v.observer), "%v in the versions is no member", v.observer)
	}
}

// String tells the state of every node, for failures.
func (w *world) String() string {
	out := fmt.Sprintf("at %v\n", w.now.Sub(time.Unix(1_700_000_000, 0)))
	for _, addr := range slices.Sorted(maps.Keys(w.nodes)) {
		n := w.nodes[addr]
		v := n.core.View()
		out += fmt.Sprintf("%v alive=%v ended=%v phase=%d seen=%v converged=%v\n", n.node, n.alive, n.ended, n.core.seeding.phase, v.seen, v.Converged())
		for _, m := range v.Members() {
			out += fmt.Sprintf("    %v up=%d reach=%v\n", m, m.UpNumber, v.reach.Worst(m.Node))
		}
	}
	return out
}
