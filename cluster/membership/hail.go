package membership

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Hail says that the sender is in a cluster: an invitation to a node that looks
// for one, and news to a node that is in another one.
type Hail struct {
	From, To Node
	Cluster  string
	Created  int64
}

func (Hail) message() {}

// AppendWire appends the wire form.
func (m Hail) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendString(appendLetter(b, m.From, m.To, m.Created), m.Cluster), nil
}

// DecodeWire reads the wire form.
func (m *Hail) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	m.From, m.To, m.Created = readLetter(r)
	m.Cluster = readName(r)
	return r.Done()
}

const (
	hailEvery = 5 * time.Second // the same incarnation isn't hailed more often
	hailedMax = 128
	// lookEvery is the time between two looks of a whole cluster at the address of
	// the first seed while that isn't a member: short against ListenFor, so that a
	// first seed that starts again hears of the cluster before it forms another.
	lookEvery = 50 * time.Millisecond
	// lookSeldom is the same for the other seeds, which never form a cluster.
	lookSeldom = time.Second
	// lostFor is how long the address of a member is looked at after a connection
	// to it was lost or could not be had.
	lostFor = 2 * time.Second
	// calmFor is how long the address of a node is left alone that was removed and
	// lives.
	calmFor = 10 * time.Second
)

// hailed is an incarnation that was told of this cluster.
type hailed struct {
	node Node
	at   time.Time
}

// watched is the address of a seed that should be in this cluster.
type watched struct {
	addr string
	due  time.Time // when to look the next time
	met  Node      // who is there and is no member
	lost time.Time // until when it counts as lost though it is a member
}

// watchSeeds begins to look after the seeds.
func (c *Core) watchSeeds() {
	c.watch = nil
	for _, addr := range c.cfg.Seeds {
		if addr != c.me.Addr {
			c.watch = append(c.watch, watched{addr: addr})
		}
	}
}

// hosts reports whether this node may speak for its cluster to those who aren't
// in it.
func (c *Core) hosts() bool {
	if !c.joined() || c.ended || c.state.Closing {
		return false
	}
	self := c.View().SelfMember().Status
	return self != Down && self != Exiting
}

// met takes it that an incarnation was met at an address. One that isn't a member
// there hears of this cluster if the address is that of a seed or a member: it may
// be about to form another one.
func (c *Core) met(n Node) {
	if !c.hosts() {
		c.heardOf(n.Addr, "is there and has said nothing yet")
		return
	}
	w := c.watchedAt(n.Addr)
	if _, ok := c.state.At(n.Addr); !ok && w == nil {
		return
	}
	if w != nil {
		w.lost = time.Time{}
	}
	switch {
	case c.state.Buried(n):
		c.turnedAway(n)
	case !c.state.has(n):
		if w != nil {
			w.met, w.due = n, c.now.Add(hailEvery)
		}
		c.hail(n)
	}
}

// lost takes it that a node is away, perhaps for a moment: if it is a seed, it may
// be about to start anew.
func (c *Core) lost(addr string) {
	if w := c.watchedAt(addr); w != nil {
		if !w.met.IsZero() {
			w.met, w.due = Node{}, c.now
		}
		w.lost = c.now.Add(lostFor)
	}
}

func (c *Core) watchedAt(addr string) *watched {
	if i := slices.IndexFunc(c.watch, func(w watched) bool { return w.addr == addr }); i >= 0 {
		return &c.watch[i]
	}
	return nil
}

// turnedAway takes it that one who was removed lives, or a node that counts this one
// as removed: neither will ever talk to the other.
func (c *Core) turnedAway(n Node) {
	if w := c.watchedAt(n.Addr); w != nil {
		w.due = c.now.Add(calmFor)
	}
	c.split(n)
}

// hail tells a node of this cluster, now and then.
func (c *Core) hail(n Node) {
	if n.Addr == c.me.Addr || n.UID == 0 {
		return
	}
	i := slices.IndexFunc(c.hailed, func(h hailed) bool { return h.node.Addr == n.Addr })
	switch {
	case i < 0 && len(c.hailed) >= hailedMax:
		c.hailed = append(c.hailed[:0], c.hailed[1:]...)
		c.hailed = append(c.hailed, hailed{n, c.now})
	case i < 0:
		c.hailed = append(c.hailed, hailed{n, c.now})
	case c.hailed[i].node == n && c.now.Before(c.hailed[i].at.Add(hailEvery)):
		return
	default:
		c.hailed[i] = hailed{n, c.now}
	}
	c.send(n, Hail{c.me.Node, n, c.cfg.Cluster, c.state.Created})
}

func (c *Core) receiveHail(m Hail) {
	switch {
	case m.To != c.me.Node || m.Cluster != c.cfg.Cluster:
	case c.joined():
		c.contact(m.From, m.Created)
	case c.seeding.phase == joinAsking:
		c.invited(m.From)
	}
}

// look looks after seeds that aren't members of this cluster, or can't be connected
// to. Members share the work, so that the whole cluster looks as often as one does
// that is alone.
func (c *Core) look() {
	if !c.hosts() {
		return
	}
	for i := range c.watch {
		w := &c.watch[i]
		if m, member := c.state.At(w.addr); member && !c.now.Before(w.lost) && c.state.reach.Worst(m.Node) == Reachable {
			w.due, w.met = time.Time{}, Node{}
			continue
		}
		if c.now.Before(w.due) {
			continue
		}
		every := lookSeldom
		switch {
		case !w.met.IsZero():
			every = hailEvery
			c.hail(w.met)
		case w.addr == c.cfg.Seeds[0]:
			every = lookEvery
		}
		every *= time.Duration(len(c.state.members))
		w.due = c.now.Add(every/2 + time.Duration(c.cfg.Rand.Int64N(int64(every))))
		c.out = append(c.out, Look{w.addr})
	}
}

// nextLook returns when a look is due.
func (c *Core) nextLook() (next time.Time) {
	if !c.hosts() {
		return next
	}
	for _, w := range c.watch {
		next = earliest(next, w.due)
	}
	return next
}
