package core

import (
	"maps"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/cluster/roster"
)

// RegionSettings are the numbers a region works with.
type RegionSettings struct {
	Self   Node
	Shards uint32
	// Proxy: this node hosts nothing though it may have the role.
	Proxy bool
	// Retry is the time between repeats of what was not answered.
	Retry time.Duration
	// Refresh is the time between registrations that nobody asked for.
	Refresh time.Duration
}

// door is what a region does with messages of its own node for a shard.
type door uint8

const (
	unknown door = iota // holds them; nobody has said where the shard is
	held                // holds them; the shard is being handed over
	open
	closed // drops them, for good
)

type place struct {
	door   door
	home   Home
	wanted bool // messages are held
	// void is the newest grant that this region has given up or refused. It
	// may arrive again, late; hosting it then would be a second instance.
	void actor.Epoch
}

type hosting struct {
	epoch    actor.Epoch
	stopping bool
	next     *Grant // to host when it has stopped
}

// Region is the part of a node in the protocol. Make one with [NewRegion]; it
// outlives its actor, so that it never forgets the newest term. It is not safe
// for concurrent use.
type Region struct {
	RegionSettings
	roster *roster.Roster

	seq         uint64
	term        actor.Epoch // newest heard of
	termSeq     uint64      // of the last message in it
	coordinator Node        // zero: unknown
	registered  bool

	places []place
	hosted map[uint32]*hosting

	leaving, left, ended bool
	saidProxy            bool // what the last registration said
	released             bool // the coordinator says that nothing is its any more
	withdrawn            bool // stopped its shards by itself, since nobody can take them

	registerAt time.Time
	backoff    time.Duration
	askAt      time.Time
	warnAt     time.Time

	effects []Effect
}

// NewRegion returns a region that knows nobody.
func NewRegion(s RegionSettings) *Region {
	return &Region{
		RegionSettings: s, roster: roster.New("", s.Self),
		places: make([]place, s.Shards), hosted: map[uint32]*hosting{},
		backoff: registerBackoffMin,
	}
}

const registerBackoffMin = 100 * time.Millisecond

// Take returns the effects gathered since the last call.
func (r *Region) Take() []Effect {
	e := r.effects
	r.effects = nil
	return e
}

func (r *Region) do(e Effect) { r.effects = append(r.effects, e) }

func (r *Region) head() Head {
	r.seq++
	return Head{From: r.Self, Term: r.term, Seq: r.seq}
}

// Coordinator returns the coordinator's node and whether it has taken the
// region in.
func (r *Region) Coordinator() (Node, bool) { return r.coordinator, r.registered }

// Term returns the newest term heard of.
func (r *Region) Term() actor.Epoch { return r.term }

// Home returns where a shard is, as far as the region knows.
func (r *Region) Home(shard uint32) (Home, bool) {
	p := r.places[shard]
	return p.home, p.door == open
}

// Hosted returns what the region hosts, by shard.
func (r *Region) Hosted() []Hosted {
	all := make([]Hosted, 0, len(r.hosted))
	for _, s := range slices.Sorted(maps.Keys(r.hosted)) {
		all = append(all, Hosted{Grant: Grant{Shard: s, Epoch: r.hosted[s].epoch}, Stopping: r.hosted[s].stopping})
	}
	return all
}

// Members takes the membership. The region only reads the roster.
func (r *Region) Members(now time.Time, members *roster.Roster) {
	r.roster = members
	if r.ended {
		return
	}
	if members.SelfEnded() {
		r.end()
		return
	}
	for s := range r.places {
		p := &r.places[s]
		if p.door == open && p.home.Node != r.Self && !serving(members.Status(p.home.Node)) {
			r.hold(uint32(s), unknown)
		}
	}
	// A coordinator that isn't where it must be is one no more, whatever it
	// still does; one that is leaving goes on until it says so.
	if r.coordinator != (Node{}) && !slices.Contains(members.Candidates(), r.coordinator) {
		r.coordinator, r.registered = Node{}, false
	}
	if r.coordinator == (Node{}) {
		r.backoff, r.registerAt = registerBackoffMin, now
	}
	if r.registered && r.saidProxy != r.proxy() {
		r.registerAt = now // it was asked before it knew its own roles
	}
	r.Tick(now)
}

// serving reports whether a node that hosts a shard may host it still: before
// Exiting a node has handed everything over.
func serving(s membership.Status) bool { return !dead(s) && s != membership.Exiting }

func dead(s membership.Status) bool { return s == membership.Removed || s == membership.Down }

// end stops everything: this node was declared dead.
func (r *Region) end() {
	r.ended = true
	r.close()
	for _, s := range slices.Sorted(maps.Keys(r.hosted)) {
		r.hosted[s].stopping, r.hosted[s].next = true, nil
		r.do(StopShard{Shard: s, Now: true})
	}
	r.do(LeaveDone{})
}

// close drops all messages from now on.
func (r *Region) close() {
	for s := range r.places {
		r.places[s] = place{door: closed}
		r.do(Close{Shard: uint32(s)})
	}
}

// Want says that messages for a shard are held now.
func (r *Region) Want(now time.Time, shard uint32) {
	p := &r.places[shard]
	if p.door == open || p.door == closed || p.wanted {
		return
	}
	p.wanted = true
	if r.registered {
		if !now.Before(r.askAt) {
			r.askAt = now.Add(r.Retry)
		}
		r.ask([]uint32{shard})
	}
}

func (r *Region) ask(shards []uint32) {
	r.do(Send{To: r.coordinator, Msg: GetHomes{Head: r.head(), Shards: shards}})
}

// Tick repeats what was not answered.
func (r *Region) Tick(now time.Time) {
	if r.ended {
		return
	}
	if r.leaving && !r.left {
		r.withdraw()
		r.leaveIfEmpty()
	}
	if !now.Before(r.registerAt) {
		r.register(now)
	}
	if r.registered && !now.Before(r.askAt) {
		var shards []uint32
		for s := range r.places {
			if r.places[s].wanted {
				shards = append(shards, uint32(s))
			}
		}
		if len(shards) > 0 {
			r.askAt = now.Add(r.Retry)
			r.ask(shards)
		}
	}
}

// register says to the coordinator, or to all who may be it, what there is.
func (r *Region) register(now time.Time) {
	switch {
	case !r.registered:
		r.registerAt = now.Add(r.backoff)
		r.backoff = min(2*r.backoff, r.Retry)
	case r.leaving && !r.left:
		r.registerAt = now.Add(r.Retry)
	default:
		r.registerAt = now.Add(r.Refresh)
	}
	to := []Node{r.coordinator}
	if r.coordinator == (Node{}) {
		to = r.roster.Candidates()
	}
	for _, n := range to {
		r.do(Send{To: n, Msg: r.registration()})
	}
	if len(to) > 0 && r.coordinator == (Node{}) && !now.Before(r.warnAt) {
		if !r.warnAt.IsZero() {
			r.do(Note{Warn: true, Shard: -1, Node: to[len(to)-1],
				Text: "no shard coordinator has answered yet; messages to entities wait. Is sharding of this name started on every node of its role?"})
		}
		r.warnAt = now.Add(10 * time.Second)
	}
}

func (r *Region) registration() Register {
	r.saidProxy = r.proxy()
	return Register{Head: r.head(), Shards: r.Shards, Proxy: r.proxy(), Leaving: r.leaving, Hosted: r.Hosted()}
}

// proxy reports whether the region hosts nothing, ever.
func (r *Region) proxy() bool { return r.Proxy || !r.roster.Self().HasRole(r.roster.Role()) }

// Leave begins to hand everything over.
func (r *Region) Leave(now time.Time) {
	if r.ended || r.left {
		r.do(LeaveDone{})
		return
	}
	if r.leaving {
		return
	}
	r.leaving = true
	r.registerAt = now
	r.Tick(now)
}

// Force stops everything that is hosted still: the time to hand over is up.
func (r *Region) Force() {
	for _, s := range slices.Sorted(maps.Keys(r.hosted)) {
		r.stop(s, true)
	}
}

// withdraw stops the shards without a coordinator when there is no host left
// that could take them, or the whole cluster is about to be shut down: moving
// them then would only make work.
func (r *Region) withdraw() {
	for _, m := range r.roster.Hosts() {
		if m.Node != r.Self && m.Status.IsUp() && !m.Status.Closing() {
			return
		}
	}
	if !r.withdrawn {
		// Should somebody come yet, what was held here would arrive behind
		// what others send there: better to drop it, and to say so.
		r.withdrawn = true
		r.close()
	}
	for _, s := range slices.Sorted(maps.Keys(r.hosted)) {
		r.stop(s, false)
	}
}

// leaveIfEmpty ends the leave when nothing is hosted and, unless nobody could
// take it, nothing is held.
func (r *Region) leaveIfEmpty() {
	if r.left || !r.withdrawn && !r.released || len(r.hosted) > 0 {
		return
	}
	if !r.withdrawn && slices.ContainsFunc(r.places, func(p place) bool { return p.wanted }) {
		return
	}
	r.left = true
	for _, m := range r.roster.Hosts() {
		if m.Node != r.Self && m.Status.IsUp() {
			r.do(Send{To: m.Node, Msg: Retired{From: r.Self}})
		}
	}
	r.do(LeaveDone{})
}

func (r *Region) stop(shard uint32, now bool) {
	h := r.hosted[shard]
	if !h.stopping || now {
		h.stopping = true
		r.do(StopShard{Shard: shard, Now: now})
	}
}

// ShardStopped says that the entities of a shard have stopped.
func (r *Region) ShardStopped(now time.Time, shard uint32) {
	h := r.hosted[shard]
	if h == nil {
		return
	}
	delete(r.hosted, shard)
	if p := &r.places[shard]; p.door == open && p.home.Node == r.Self {
		r.hold(shard, unknown) // it stopped without being asked to
	}
	if r.ended {
		return
	}
	r.refuse(Grant{Shard: shard, Epoch: h.epoch})
	if h.next != nil {
		r.host(*h.next)
	}
	r.leaveIfEmpty()
}

func (r *Region) answer(msg any) {
	if r.coordinator != (Node{}) {
		r.do(Send{To: r.coordinator, Msg: msg})
	}
}

func (r *Region) hold(shard uint32, why door) {
	p := &r.places[shard]
	if p.door == closed {
		return
	}
	if p.door == open {
		r.do(Hold{Shard: shard})
	}
	p.door, p.home = why, Home{}
}

func (r *Region) open(h Home) {
	p := &r.places[h.Shard]
	switch {
	case p.door == closed:
		return
	case p.door == open && p.home.Node == h.Node:
		p.home = h
		return
	}
	p.door, p.home, p.wanted = open, h, false
	r.do(Open{Shard: h.Shard, Node: h.Node})
}

// admit checks the term and the order of a coordinator's message.
func (r *Region) admit(h Head) bool {
	switch c := h.Term.Compare(r.term); {
	case r.ended || c < 0:
		return false
	case c > 0:
		r.term, r.termSeq, r.registered = h.Term, 0, false
		r.registerAt, r.backoff = time.Time{}, registerBackoffMin
	}
	if h.Seq <= r.termSeq {
		return false
	}
	r.termSeq, r.coordinator = h.Seq, h.From
	return true
}

// Receive takes a message of a coordinator or of another region.
func (r *Region) Receive(now time.Time, msg any) {
	switch m := msg.(type) {
	case Query:
		if r.admit(m.Head) {
			r.answer(r.registration())
		} else if m.Term.Older(r.term) && !r.ended {
			// It learns from the term that it was replaced.
			r.do(Send{To: m.From, Msg: r.registration()})
		}
	case Registered:
		if r.admit(m.Head) && !r.registered {
			r.registered, r.backoff, r.warnAt = true, registerBackoffMin, time.Time{}
			r.registerAt, r.askAt = now.Add(r.Refresh), now
			r.Tick(now)
		}
	case Homes:
		if r.admit(m.Head) {
			for _, h := range m.Homes {
				r.learn(h)
			}
			r.leaveIfEmpty()
		}
	case Host:
		if r.admit(m.Head) && r.valid(m.Grant.Shard) {
			r.granted(m.Grant)
		}
	case BeginHandOff:
		if r.admit(m.Head) && r.valid(m.Grant.Shard) {
			r.beginHandOff(m)
		}
	case HandOff:
		if r.admit(m.Head) && r.valid(m.Grant.Shard) {
			r.handOff(m.Grant)
		}
	case LastSent:
		if m.Term == r.term && !r.ended {
			r.answer(Held{Head: r.head(), Grant: m.Grant, Region: m.From})
		}
	case Released:
		if r.admit(m.Head) && r.leaving {
			r.released = true
			r.leaveIfEmpty()
		}
	}
}

// valid reports whether the shard exists: nodes with other numbers of shards
// are refused at the join, but what comes from the wire is checked anyway.
func (r *Region) valid(shard uint32) bool { return shard < r.Shards }

// learn takes the home of a shard.
func (r *Region) learn(home Home) {
	if !r.valid(home.Shard) {
		return
	}
	h := r.hosted[home.Shard]
	switch {
	case home.Node == r.Self && h == nil:
		// What granted it came before this or never will, so it isn't so.
		r.refuse(Grant{Shard: home.Shard, Epoch: home.Epoch})
	case home.Node == r.Self:
		if h.epoch == home.Epoch && !h.stopping {
			r.open(home)
		}
	case h != nil:
		// Somebody else has it under a newer grant: this one is void.
		if h.epoch.Older(home.Epoch) {
			h.next = nil
			r.hold(home.Shard, unknown)
			r.stop(home.Shard, false)
		}
	case serving(r.roster.Status(home.Node)):
		r.open(home)
	}
}

// refuse says that the region doesn't host a shard under the grant and never
// will.
func (r *Region) refuse(g Grant) {
	if p := &r.places[g.Shard]; p.void.Older(g.Epoch) {
		p.void = g.Epoch
	}
	r.answer(Stopped{Head: r.head(), Grant: g})
}

func (r *Region) granted(g Grant) {
	h := r.hosted[g.Shard]
	switch {
	case h != nil && h.epoch == g.Epoch:
		r.answer(Started{Head: r.head(), Grant: g})
	case h != nil && g.Epoch.Older(h.epoch):
		r.refuse(g)
	case h == nil || r.leaving || r.proxy():
		r.host(g)
	default:
		// Entities know their epoch, so they have to start anew.
		h.next = &g
		r.hold(g.Shard, held)
		r.stop(g.Shard, false)
	}
}

func (r *Region) host(g Grant) {
	if r.roster.Self().UpNumber == 0 {
		// The coordinator knows already that this node is Up, but perhaps
		// nobody else does if it dies now: its successor has to wait for
		// this node. The grant is repeated.
		return
	}
	if r.leaving || r.proxy() || !r.places[g.Shard].void.Older(g.Epoch) {
		r.refuse(g)
		return
	}
	r.hosted[g.Shard] = &hosting{epoch: g.Epoch}
	r.do(StartShard{Grant: g})
	r.answer(Started{Head: r.head(), Grant: g})
	r.open(Home{Shard: g.Shard, Node: r.Self, Epoch: g.Epoch})
}

func (r *Region) beginHandOff(m BeginHandOff) {
	r.hold(m.Grant.Shard, held)
	if m.Owner == r.Self {
		r.answer(Held{Head: r.head(), Grant: m.Grant, Region: r.Self})
		return
	}
	r.do(Send{To: m.Owner, Msg: LastSent{Head: Head{From: r.Self, Term: r.term}, Grant: m.Grant}})
}

func (r *Region) handOff(g Grant) {
	h := r.hosted[g.Shard]
	if h == nil || h.epoch != g.Epoch {
		r.refuse(g)
		return
	}
	r.hold(g.Shard, held)
	r.stop(g.Shard, false)
}
