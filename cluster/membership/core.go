package membership

import (
	"fmt"
	"slices"
	"time"
)

// Core is the membership protocol of one node: what happens goes in through
// [Core.Step], what must be done about it comes out. It has no clock, no
// socket and no goroutine, and equal inputs give equal effects. It is not safe
// for concurrent use.
type Core struct {
	cfg    Config
	me     Member
	now    time.Time // of the step that runs
	out    []Effect  // of the step that runs
	state  State
	hash   uint64 // digest of state, 0: not computed
	past   trail
	shown  View // what the last Changed told
	ended  bool
	warned time.Time

	seeding   seeding
	watch     []watched     // the other seeds, in their order
	hailed    []hailed      // nodes that were told of this cluster
	rivals    []rival       // other clusters of this name, the one told of last is last
	confirmed []Node        // done exiting, sorted
	pending   []pendingJoin // wait until the old incarnation of their address is removed
	stuck     time.Time     // since when this leader waits for convergence; zero: it doesn't
	exit      exitPhase
	exitUntil time.Time

	early   early     // who has seen a value that hasn't got here yet
	heat    int       // pushes left for the present news
	pushed  time.Time // when the last push was made
	round   time.Time // when the next periodic round is due
	acked   Node      // the leader that was told
	ackHash uint64    // that this value was seen
}

type exitPhase uint8

const (
	exitNone exitPhase = iota
	exitRunning
	exitDone
)

// New returns the core of a node that is in no cluster yet.
func New(cfg Config) (*Core, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("membership config: %w", err)
	}
	c := &Core{cfg: cfg, me: Member{Node: cfg.Self, Status: Joining, Roles: cfg.Roles, AppVersion: cfg.AppVersion}}
	c.seeding = newSeeding(cfg.Self, cfg.Seeds)
	c.shown = View{Self: cfg.Self}
	return c, nil
}

// View returns the present view.
func (c *Core) View() View {
	return View{State: c.state, Self: c.cfg.Self, confirmed: c.confirmed}
}

// Ended reports whether the core has told Shutdown; it does nothing any more.
func (c *Core) Ended() bool { return c.ended }

// Step takes one input at an instant that isn't before the last one, and
// returns what to do, in order.
func (c *Core) Step(now time.Time, in Input) []Effect {
	if c.ended {
		return nil
	}
	c.now, c.out = now, nil
	switch in := in.(type) {
	case Tick:
	case Start:
		c.startSeeding()
	case JoinNode:
		c.joinNode(in.Addr)
	case JoinSeeds:
		c.joinSeeds(in.Addrs)
	case SetVersion:
		c.setVersion(in.AppVersion)
	case Received:
		c.receive(in.Message)
	case NoAnswer:
		c.unanswered(in)
	case Lost:
		c.lost(in.Addr)
	case Met:
		c.met(in.Node)
	case Observed:
		c.observed(in)
	case Quarantined:
		c.quarantined(in.Node)
	case QuarantinedBy:
		c.quarantinedBy(in.Node)
	case Leave:
		c.leave(in.Addr)
	case PrepareShutdown:
		c.prepareShutdown()
	case DownAt:
		if m, ok := c.state.At(in.Addr); ok {
			c.down([]Node{m.Node})
		}
	case DownNodes:
		c.down(in.Nodes)
	case ExitDone:
		c.exitCompleted()
	default:
		c.warn("input %T is unknown", in)
	}
	c.settle()
	out := c.out
	c.out = nil
	return out
}

// Next returns when the next [Tick] is due; the zero time means that none is
// needed before something else happens.
func (c *Core) Next() time.Time {
	if c.ended {
		return time.Time{}
	}
	next := c.seeding.next(c.cfg, c.now)
	if c.joined() {
		next = earliest(earliest(next, c.round), c.nextLook())
		if c.heat > 0 {
			next = earliest(next, c.pushed.Add(c.cfg.PushEvery))
		}
		if c.exit == exitDone {
			next = earliest(next, c.exitUntil)
		}
	}
	return next
}

// earliest returns the earlier of two instants; the zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (c *Core) joined() bool { return !c.state.IsZero() }

func (c *Core) send(to Node, m Message) { c.out = append(c.out, Send{to, m}) }

// warn tells the log, at most once a second: hostile input must not flood it.
func (c *Core) warn(format string, args ...any) {
	if !c.warned.IsZero() && c.now.Before(c.warned.Add(time.Second)) {
		return
	}
	c.warned = c.now
	c.out = append(c.out, Warning{fmt.Sprintf(format, args...)})
}

// end is the last thing a core does.
func (c *Core) end(reason Reason, detail string) {
	if c.ended {
		return
	}
	c.ended = true
	c.out = append(c.out, Shutdown{reason, detail})
}

// settle does what follows from the present state and instant, whatever the
// input was.
func (c *Core) settle() {
	c.seed()
	if !c.joined() || c.ended {
		return
	}
	c.endNamesakes()
	c.lead()
	c.admitPending()
	c.finishExit()
	if c.ended {
		return
	}
	c.publish()
	c.acknowledge()
	c.push()
	c.gossipRound()
	c.look()
}

// change makes s the state after a change by this node.
func (c *Core) change(s State) { c.adopt(s.changedBy(c.me.Node)) }

// adopt makes s the state, tells about it and does what this node must when
// it sees itself in a new status.
func (c *Core) adopt(s State) {
	news := !s.equalValue(c.state)
	if news && c.hash != 0 { // a value whose digest nobody asked for was told nobody
		c.past.add(c.hash, c.state)
	}
	complete := s.seenByAll() && !c.state.seenByAll()
	c.state = s
	if news || complete {
		c.heat = heatOf(len(s.members))
	}
	if !news {
		return
	}
	c.hash = 0
	c.takeEarly()
	c.confirmed = slices.DeleteFunc(slices.Clone(c.confirmed), func(n Node) bool { return !s.has(n) })
	c.publish()
	c.lookAtSelf()
}

// lookAtSelf acts on the status that the state gives this node.
func (c *Core) lookAtSelf() {
	self, ok := c.state.Member(c.me.Node)
	switch {
	case c.ended:
	case !ok:
		c.evicted()
	case self.Status == Down:
		// Others must hear of it even if they can't hear heartbeats end.
		for _, m := range pick(c.cfg.Rand, gossipTargets(c.View()), lastWordFanout) {
			c.tell(m.Node)
		}
		c.end(Downed, "")
	case self.Status == Exiting && c.exit == exitNone:
		c.exit = exitRunning
		c.out = append(c.out, ExitStarted{})
	}
}

// lastWordFanout is how many members a downed node tells before it goes.
const lastWordFanout = 5

func (c *Core) evicted() {
	if c.exit == exitDone {
		c.end(Left, "")
		return
	}
	c.end(Evicted, "the other members have removed this node")
}

// publish tells the owner what has changed since the last time.
func (c *Core) publish() {
	view := c.View()
	if view.State.equal(c.shown.State) && slices.Equal(view.confirmed, c.shown.confirmed) {
		return
	}
	c.out = append(c.out, Changed{view, Diff(c.shown, view)})
	c.shown = view
}

// valueHash returns the digest of the present value.
func (c *Core) valueHash() uint64 {
	if c.hash == 0 {
		c.hash = c.state.digest()
	}
	return c.hash
}

// lead carries out what this node must do as a leader, until nothing is left:
// alone in a cluster one change makes way for the next at once.
func (c *Core) lead() {
	for !c.ended {
		changes := LeaderActions(c.View(), c.cfg.Minimum)
		if len(changes) == 0 {
			break
		}
		c.farewell(changes)
		c.change(c.state.apply(c.me.Node, changes, c.now.UnixNano()))
		c.tellDoubtful(changes)
	}
	if !c.ended {
		c.leadWeakly()
		c.clearTombs()
	}
}

// endNamesakes says of other incarnations of this node's own address that they
// are over: two views may each have let in one, and nobody else knows which of
// them runs.
func (c *Core) endNamesakes() {
	next := c.state
	for _, m := range c.state.members {
		if m.Addr == c.me.Addr && m.Node != c.me.Node && m.Status != Down {
			next = next.outlived(c.me.Node, m)
		}
	}
	if !next.equalValue(c.state) {
		c.change(next)
	}
}

// farewell tells members that can still be reached that they are removed, so
// that they need not wait.
func (c *Core) farewell(changes []Change) {
	for _, ch := range changes {
		if ch.To == Removed && c.state.reach.Status(c.me.Node, ch.Node) == Reachable {
			c.send(ch.Node, Farewell{c.me.Node, ch.Node, c.state.Created})
		}
	}
}

// tellDoubtful tells members that they can't be let in and must join again.
func (c *Core) tellDoubtful(changes []Change) {
	for _, ch := range changes {
		if ch.To == Down && !c.ended {
			c.warn("%v can't become up: its up-number was promised to another member too, and those who promised it are gone; it is declared dead and must join again", ch.Node)
			c.tell(ch.Node)
		}
	}
}

// leadWeakly lets joining members work when convergence stays away for long.
func (c *Core) leadWeakly() {
	changes := WeakActions(c.View(), c.cfg.Minimum)
	switch {
	case len(changes) == 0 || c.cfg.WeaklyUpAfter < 0:
		c.stuck = time.Time{}
	case c.stuck.IsZero():
		c.stuck = c.now
	case !c.now.Before(c.stuck.Add(c.cfg.WeaklyUpAfter)):
		c.stuck = time.Time{}
		c.change(c.state.apply(c.me.Node, changes, 0))
	}
}

// clearTombs clears tombstones away that have done their work: every member
// has seen the removal, and no message from before can still be under way.
func (c *Core) clearTombs() {
	v := c.View()
	leader, ok := v.Leader()
	if len(c.state.tombs) == 0 || !ok || leader.Node != c.me.Node {
		return
	}
	horizon := c.state.overflow(tombsKept)
	if oldest := c.oldestTomb(); horizon == 0 && c.now.UnixNano()-oldest >= int64(c.cfg.TombstoneAfter) &&
		v.Converged() && len(v.Unreachable()) == 0 && len(c.state.seen) == len(c.state.members) {
		// Half the age at a time: clearing them one by one would be a change each.
		horizon = c.now.UnixNano() - int64(c.cfg.TombstoneAfter)/2
	}
	if horizon > c.state.Horizon {
		c.change(c.state.cleared(horizon))
	}
}

// tombsKept bounds the state under churn that is faster than tombstones age.
const tombsKept = 2048

func (c *Core) oldestTomb() int64 {
	oldest := c.state.tombs[0].At
	for _, t := range c.state.tombs {
		oldest = min(oldest, t.At)
	}
	return oldest
}

// observed takes over the word of the failure detector in one change.
func (c *Core) observed(in Observed) {
	if !c.joined() {
		return
	}
	reach := c.state.reach
	say := func(nodes []Node, s ReachStatus) {
		for _, n := range nodes {
			if n != c.me.Node && c.state.has(n) {
				reach = reach.Change(c.me.Node, n, s)
			}
		}
	}
	say(in.Unreachable, Unreachable)
	say(in.Reachable, Reachable)
	if !reach.equal(c.state.reach) {
		c.change(c.state.withReach(reach))
	}
}

func (c *Core) quarantined(n Node) {
	if c.joined() && n != c.me.Node && c.state.has(n) && c.state.reach.Status(c.me.Node, n) != Terminated {
		c.change(c.state.withReach(c.state.reach.Change(c.me.Node, n, Terminated)))
	}
}

// quarantinedBy takes it that somebody has declared this node dead.
func (c *Core) quarantinedBy(n Node) {
	if !c.joined() {
		c.refusedForGood(n)
		return
	}
	if m, ok := c.state.Member(n); ok && m.Status != Down {
		c.warn("%v has quarantined this node", n)
		c.down([]Node{c.me.Node})
	}
}

// down declares members dead in one change and tells those it concerns.
func (c *Core) down(nodes []Node) {
	next := c.state
	var told []Node
	for _, n := range nodes {
		m, ok := next.Member(n)
		if !ok || !m.Status.CanBecome(Down) {
			continue
		}
		next = next.apply(c.me.Node, []Change{{n, m.Status, Down, 0}}, 0)
		if n != c.me.Node {
			told = append(told, n)
		}
	}
	if next.equalValue(c.state) {
		return
	}
	next = next.changedBy(c.me.Node)
	c.past.add(c.valueHash(), c.state)
	for _, n := range told {
		c.tellOf(n, next, next.digest())
	}
	c.adopt(next)
}
