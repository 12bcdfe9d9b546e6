package membership

import (
	"fmt"
	"slices"
	"time"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Rival tells a member that another cluster of the same name was met.
type Rival struct {
	From, To Node
	Created  int64
	// Node is one that belongs to the other cluster, Theirs is the stamp of that.
	Node   Node
	Theirs int64
	// Yield says that this cluster is the younger one and ends.
	Yield bool
}

func (Rival) message() {}

// AppendWire appends the wire form.
func (m Rival) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = m.Node.Append(appendLetter(b, m.From, m.To, m.Created))
	return wire.AppendBool(wire.AppendUint64(b, uint64(m.Theirs)), m.Yield), nil
}

// DecodeWire reads the wire form.
func (m *Rival) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From, m.To, m.Created = readLetter(r)
	m.Node, m.Theirs, m.Yield = ReadNode(r), int64(r.Uint64()), r.Bool()
	return r.Done()
}

const (
	rivalEvery = time.Minute // how often a node says that another cluster is there
	rivalsMax  = 8
	// splitAfter is how long a node that was removed may take to notice.
	splitAfter = time.Minute
)

// Always is the YieldFor of a cluster that gives way however old it is.
const Always = time.Duration(1<<63 - 1)

// rival is another cluster of the same name that is known of.
type rival struct {
	created int64
	told    time.Time
}

// contact takes it that a node belongs to another cluster of the same name. Two
// clusters never merge, and what should be there once is there twice: everybody is
// to know.
func (c *Core) contact(other Node, created int64) {
	if created == c.state.Created || !c.learnRival(other, created) {
		return
	}
	if !c.state.has(other) { // one that was let in here and has joined there speaks for nobody
		c.hail(other) // so that the other side knows, too
		if c.gives(created) {
			c.tellRival(c.others(), other, created, true)
			c.yield(other, created)
			return
		}
	}
	c.spreadRival(other, created)
}

// split takes it that a node lives that was removed here long ago: both sides of a
// partition have declared each other dead and gone on.
func (c *Core) split(other Node) {
	at := slices.IndexFunc(c.state.tombs, func(t Tombstone) bool { return t.Node == other })
	if at >= 0 && c.now.Sub(time.Unix(0, c.state.tombs[at].At)) > splitAfter && c.learnRival(other, c.state.Created) {
		c.spreadRival(other, c.state.Created)
	}
}

// spreadRival has all members hear of another cluster.
func (c *Core) spreadRival(other Node, created int64) {
	if leader, ok := c.View().Leader(); ok && leader.Node != c.me.Node {
		c.tellRival([]Node{leader.Node}, other, created, false) // who tells the rest
		return
	}
	c.tellRival(c.others(), other, created, false)
}

// receiveRival takes it from a member that it has met another cluster.
func (c *Core) receiveRival(m Rival) {
	if !c.isForUs(m.From, m.To, m.Created) || !c.state.has(m.From) {
		return
	}
	news := c.learnRival(m.Node, m.Theirs)
	if leader, ok := c.View().Leader(); news && ok && leader.Node == c.me.Node && !m.Yield {
		c.tellRival(slices.DeleteFunc(c.others(), func(n Node) bool { return n == m.From }), m.Node, m.Theirs, false)
	}
	if m.Yield && m.Theirs < c.state.Created {
		c.yield(m.Node, m.Theirs)
	}
}

// learnRival tells the owner of another cluster, and reports whether that was due.
func (c *Core) learnRival(other Node, created int64) bool {
	i := slices.IndexFunc(c.rivals, func(r rival) bool { return r.created == created })
	switch {
	case i >= 0 && c.now.Before(c.rivals[i].told.Add(rivalEvery)):
		return false
	case i >= 0:
		c.rivals = slices.Delete(c.rivals, i, i+1)
	case len(c.rivals) >= rivalsMax:
		c.rivals = slices.Delete(c.rivals, 0, 1)
	}
	c.rivals = append(c.rivals, rival{created, c.now})
	c.out = append(c.out, Changed{c.shown, []Event{OtherCluster{
		Name: c.cfg.Cluster, Node: other, Created: created, Own: c.state.Created,
	}}})
	return true
}

// gives reports whether this cluster is to end because of an older one.
func (c *Core) gives(created int64) bool {
	if created > c.state.Created || c.cfg.YieldFor < 0 {
		return false
	}
	return c.cfg.YieldFor == Always || c.now.UnixNano()-c.state.Created < int64(c.cfg.YieldFor)
}

func (c *Core) yield(other Node, created int64) {
	c.end(Superseded, fmt.Sprintf("%v belongs to a cluster named %q that was formed %s, this one was formed %s: started anew, this node joins the older one",
		other, c.cfg.Cluster, stampText(created), stampText(c.state.Created)))
}

func (c *Core) others() []Node {
	var all []Node
	for _, m := range c.state.members {
		if m.Node != c.me.Node && m.Status != Down {
			all = append(all, m.Node)
		}
	}
	return all
}

func (c *Core) tellRival(to []Node, other Node, created int64, yield bool) {
	for _, n := range to {
		c.send(n, Rival{c.me.Node, n, c.state.Created, other, created, yield})
	}
}

func stampText(created int64) string {
	return time.Unix(0, created).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// OtherCluster says that another cluster of the same name was met. The two never
// merge: each has its own singletons and hosts all entities, and the journal only
// takes what the younger one writes. It comes once a minute at most for each
// cluster.
type OtherCluster struct {
	Name string
	// Node is one that belongs to the other cluster.
	Node Node
	// Created is when the other cluster was formed, Own when this one was, in
	// nanoseconds since 1970; the same if the two are parts of one, which have
	// declared each other dead.
	Created, Own int64
}

func (OtherCluster) event() {}

// String returns the event in words.
func (e OtherCluster) String() string {
	age := "younger"
	switch {
	case e.Own == e.Created:
		return fmt.Sprintf("there are two clusters named %q that were one: the two parts have declared each other dead, and %v belongs to the other; "+
			"they never merge, and what may exist only once exists in both: stop all nodes of one of them, and start them when the other one can be reached", e.Name, e.Node)
	case e.Own < e.Created:
		age = "older"
	}
	return fmt.Sprintf("there are two clusters named %q: %v belongs to one that was formed %s, this node to the %s one, which was formed %s; "+
		"they never merge, and what may exist only once exists in both: stop all nodes of one of them, and start them when the other one can be reached",
		e.Name, e.Node, stampText(e.Created), age, stampText(e.Own))
}
