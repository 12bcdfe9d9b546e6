package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/cluster/membership"
)

const (
	// accordEvery is the time between two looks at what differs.
	accordEvery = time.Second
	// differsFor is how long a difference must last before it counts: parts are
	// started one after the other.
	differsFor = 3 * time.Second
	// nobodyFor is the same for a role that no member has.
	nobodyFor = 8 * time.Second
	peersMax  = 64 // nodes whose declarations are kept
	namedMax  = 3  // nodes that a message names
)

// accord compares what this node declares with what others do, as a value.
type accord struct {
	self   membership.Node
	own    []Declaration // sorted
	digest uint64
	view   membership.View
	peers  []accordPeer // sorted
	open   []difference // as seen at the last look, those of the same thing together
	dirty  bool
}

// accordPeer is a node that has told what it declares.
type accordPeer struct {
	node         membership.Node
	digest       uint64 // of its declarations; 0: not known
	knows        uint64 // digest of this node's declarations that it has
	declarations []Declaration
}

// difference is something that nodes should have in common and haven't.
type difference struct {
	about string // what it is that differs
	text  string
	wrong bool // it is this node that can't do its part
	after time.Duration
	since time.Time
	told  bool
}

func newAccord(self membership.Node) *accord { return &accord{self: self, digest: digestOf(nil)} }

// declare adds a declaration of this node, in place of an earlier one of the same.
func (a *accord) declare(d Declaration) error {
	i, ok := slices.BinarySearchFunc(a.own, d, compareDeclarations)
	switch {
	case ok:
		a.own[i] = d
	case len(a.own) >= declarationsMax:
		return fmt.Errorf("%s is compared with no other node: %d declarations are allowed", d.title(), declarationsMax)
	default:
		a.own = slices.Insert(a.own, i, d)
	}
	a.digest, a.dirty = digestOf(a.own), true
	return nil
}

// setView takes the present members, and forgets the others.
func (a *accord) setView(v membership.View) {
	a.view, a.dirty = v, true
	a.peers = slices.DeleteFunc(a.peers, func(p accordPeer) bool { _, ok := v.Member(p.node); return !ok })
}

// due returns the nodes that are to be told what this one declares: those on the ring
// that don't know.
func (a *accord) due(neighbours []membership.Node) (tell []membership.Node) {
	for _, n := range neighbours {
		if p := a.peer(n); (p == nil || p.knows != a.digest) && len(tell) < peersMax {
			tell = append(tell, n)
		}
	}
	return tell
}

func (a *accord) peer(n membership.Node) *accordPeer {
	i, ok := slices.BinarySearchFunc(a.peers, n, func(p accordPeer, n membership.Node) int { return p.node.Compare(n) })
	if !ok {
		return nil
	}
	return &a.peers[i]
}

// heard takes what another node declares, and reports whether it should be answered.
func (a *accord) heard(m profile) bool {
	if _, member := a.view.Member(m.From); !member || m.From == a.self {
		return false
	}
	p := a.peer(m.From)
	if p == nil {
		if len(a.peers) >= peersMax {
			return false
		}
		a.peers = append(a.peers, accordPeer{node: m.From})
		slices.SortFunc(a.peers, func(x, y accordPeer) int { return x.node.Compare(y.node) })
		p = a.peer(m.From)
	}
	news := p.digest != m.Digest
	p.digest, p.knows, p.declarations = m.Digest, m.Known, m.Declarations
	a.dirty = a.dirty || news
	return news || p.knows != a.digest
}

// profile is what to tell a node.
func (a *accord) profile(to membership.Node) profile {
	m := profile{From: a.self, Digest: a.digest, Declarations: slices.Clone(a.own)}
	if p := a.peer(to); p != nil {
		m.Known = p.digest
	}
	return m
}

// look returns what has come to differ, and what doesn't any more.
func (a *accord) look(now time.Time) (differs, agrees []difference) {
	found := slices.Clone(a.open)
	if a.dirty {
		found, a.dirty = a.compare(), false
	}
	for i := range found {
		d := &found[i]
		d.since = now
		if at := slices.IndexFunc(a.open, func(o difference) bool { return o.about == d.about }); at >= 0 {
			d.since, d.told = a.open[at].since, a.open[at].told && a.open[at].text == d.text
		}
		if !d.told && !now.Before(d.since.Add(d.after)) {
			d.told = true
			differs = append(differs, *d)
		}
	}
	for _, o := range a.open {
		if o.told && !slices.ContainsFunc(found, func(d difference) bool { return d.about == o.about }) {
			agrees = append(agrees, o)
		}
	}
	a.open = found
	return differs, agrees
}

// faults are the differences for which this node can't do its part.
func (a *accord) faults() (texts []string) {
	for _, d := range a.open {
		if d.told && d.wrong {
			texts = append(texts, d.text)
		}
	}
	return texts
}

// compare finds all differences at present.
func (a *accord) compare() (found []difference) {
	self := a.view.SelfMember()
	if !works(self) {
		return nil
	}
	for _, d := range a.own {
		found = append(found, a.ofRole(d)...)
		found = append(found, a.ofSettings(d, d.Must, true)...)
		found = append(found, a.ofSettings(d, d.Should, false)...)
		if d.Everywhere {
			found = append(found, a.missingElsewhere(d)...)
		}
	}
	return append(found, a.missingHere(self)...)
}

func works(m membership.Member) bool {
	return m.Status.IsUp() || m.Status == membership.WeaklyUp
}

// ofRole looks whether anybody hosts what this node declares.
func (a *accord) ofRole(d Declaration) []difference {
	hosts, proxies := 0, 0
	for _, m := range a.view.Members() {
		if !works(m) || !m.HasRole(d.Role) {
			continue
		}
		hosts++
		if theirs, known := a.declaredBy(m.Node, d); known && theirs.Proxy {
			proxies++
		}
	}
	switch {
	case hosts == 0:
		nobody := "nobody runs it"
		if d.Kind == kindDowning {
			nobody = "nobody has a say when nodes can't reach each other, and all of them end"
		}
		return []difference{{about: d.title() + " hosts", wrong: true, after: nobodyFor, text: fmt.Sprintf(
			"%s is for members with the role %q, which no member has: %s; correct the role, or start nodes with it", d.title(), d.Role, nobody)}}
	case hosts == proxies:
		return []difference{{about: d.title() + " hosts", wrong: true, after: nobodyFor, text: fmt.Sprintf(
			"%s only sends, on all members that could run it: nobody runs it; start it on some of them without ProxyOnly", d.title())}}
	}
	return nil
}

// declaredBy returns what a node says of the same thing.
func (a *accord) declaredBy(n membership.Node, d Declaration) (Declaration, bool) {
	if n == a.self {
		return find(a.own, d)
	}
	if p := a.peer(n); p != nil && p.digest != 0 {
		return find(p.declarations, d)
	}
	return Declaration{}, false
}

// ofSettings compares settings of something with what others have.
func (a *accord) ofSettings(d Declaration, settings []membership.Setting, must bool) (found []difference) {
	for _, s := range settings {
		votes := map[string][]membership.Node{s.Value: {a.self}}
		var odd []string
		for _, p := range a.peers {
			theirs, ok := find(p.declarations, d)
			if !ok {
				continue
			}
			value, ok := valueOf(theirs, s.Key)
			if !ok {
				continue
			}
			votes[value] = append(votes[value], p.node)
			if value != s.Value {
				odd = append(odd, fmt.Sprintf("%s on %s", shown(value), p.node.Addr))
			}
		}
		if len(odd) > 0 {
			found = append(found, difference{about: d.title() + " " + s.Key, wrong: must && !a.prevails(s.Value, votes), after: differsFor, text: fmt.Sprintf(
				"%s has different settings: %s is %s on this node (%s), and %s; give all nodes the same, and start those anew that differ",
				d.title(), s.Key, shown(s.Value), a.self.Addr, some(odd))})
		}
	}
	return found
}

func shown(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

func valueOf(d Declaration, key string) (string, bool) {
	for _, s := range slices.Concat(d.Must, d.Should) {
		if s.Key == key {
			return s.Value, true
		}
	}
	return "", false
}

// prevails reports whether most nodes have this value, or as many as have any other and
// the oldest of all among them.
func (a *accord) prevails(value string, votes map[string][]membership.Node) bool {
	rank := func(nodes []membership.Node) (oldest membership.Member) {
		for i, n := range nodes {
			if m, _ := a.view.Member(n); i == 0 || m.Older(oldest) {
				oldest = m
			}
		}
		return oldest
	}
	mine := votes[value]
	for other, nodes := range votes { //det:ok only whether any of them is better is asked
		if other == value {
			continue
		}
		if c := cmp.Compare(len(nodes), len(mine)); c > 0 || c == 0 && rank(nodes).Older(rank(mine)) {
			return false
		}
	}
	return true
}

// missingElsewhere finds nodes that should have something that this node has.
func (a *accord) missingElsewhere(d Declaration) []difference {
	var without []string
	for _, p := range a.peers {
		m, _ := a.view.Member(p.node)
		if _, ok := find(p.declarations, d); !ok && p.digest != 0 && works(m) && m.HasRole(d.Role) {
			without = append(without, p.node.Addr)
		}
	}
	if len(without) == 0 {
		return nil
	}
	return []difference{{about: d.title() + " elsewhere", after: differsFor, text: fmt.Sprintf("%s was started on this node (%s) and not on %s: start it under this name on all members%s",
		d.title(), a.self.Addr, some(without), withRole(d.Role))}}
}

// missingHere finds what most others have and this node should have, too.
func (a *accord) missingHere(self membership.Member) (found []difference) {
	var missing []Declaration
	for _, p := range a.peers {
		for _, d := range p.declarations {
			_, here := find(a.own, d)
			if _, seen := find(missing, d); d.Everywhere && !here && !seen && self.HasRole(d.Role) {
				missing = append(missing, d)
				slices.SortFunc(missing, compareDeclarations)
			}
		}
	}
	for _, d := range missing {
		var with []string
		var oldest membership.Member
		lacking, sameVersion := 1, true
		for _, p := range a.peers {
			m, _ := a.view.Member(p.node)
			sameVersion = sameVersion && m.AppVersion == self.AppVersion
			if _, ok := find(p.declarations, d); ok {
				if len(with) == 0 || m.Older(oldest) {
					oldest = m
				}
				with = append(with, p.node.Addr)
			} else if works(m) && m.HasRole(d.Role) {
				lacking++
			}
		}
		most := len(with) > lacking || len(with) == lacking && oldest.Older(self)
		found = append(found, difference{about: d.title() + " here", wrong: sameVersion && most, after: differsFor, text: fmt.Sprintf(
			"%s was started on %s and not on this node (%s): start it under this name on all members%s",
			d.title(), some(with), a.self.Addr, withRole(d.Role))})
	}
	return found
}

func withRole(role string) string {
	if role == "" {
		return ""
	}
	return fmt.Sprintf(" with the role %q", role)
}

// some lists the first few.
func some(all []string) string {
	if len(all) > namedMax {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:namedMax], ", "), len(all)-namedMax)
	}
	return strings.Join(all, ", ")
}
