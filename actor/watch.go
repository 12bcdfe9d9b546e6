package actor

import (
	"reflect"
	"slices"
	"sync"
)

// Terminated tells a watcher that Ref, which it watched, has stopped or will
// never be heard of again because its node is gone. It comes exactly once for
// every watched incarnation, after the messages that the actor had sent before.
type Terminated struct {
	Ref PID
	// Cause is the failure because of which the watcher, as the parent,
	// stopped the actor; nil in all other cases.
	Cause error
}

// PoisonPill stops the actor that receives it, after the messages that were
// there before and before all that come later, whatever the actor's [Mailbox] is. No
// bound keeps it out.
type PoisonPill struct{}

// Kill makes the actor that receives it fail with [ErrKilled], when a [PoisonPill]
// would stop it. Unless its [Supervise] decides otherwise,
// that stops it.
type Kill struct{}

// WatchConflictError is the failure of an actor that watches another with one
// message and then with a different one, without an Unwatch in between.
type WatchConflictError struct{ Ref PID }

// Error names the watched actor.
func (e *WatchConflictError) Error() string {
	return "watch " + e.Ref.String() + ": it is watched with another message; unwatch it first"
}

// watching is what a watcher knows of one watched actor.
type watching struct {
	message any  // what to deliver instead of Terminated; nil: Terminated
	noted   bool // the note is in the mailbox
}

// watcher is somebody who watches a cell: who, and the ref it used.
type watcher struct{ who, as *process }

// terminatedNote is how a Terminated waits in the mailbox of the watcher:
// behind everything that the watched actor had sent.
type terminatedNote struct {
	p     *process
	entry *watching
}

// watch starts watching p.
func (c *cell) watch(p *process, message any) {
	if p == nil || p == &c.process {
		return
	}
	x := c.extras()
	if w := x.watching[p]; w != nil {
		if !reflect.DeepEqual(w.message, message) {
			c.ctx.Fail(&WatchConflictError{Ref: PID{p: p}})
		}
		return
	}
	if x.watching == nil {
		x.watching = map[*process]*watching{}
	}
	x.watching[p] = &watching{message: message}
	c.sys.act(Act{Kind: ActWatched, Actor: PID{p: &c.process}, Other: PID{p: p}, Message: message})
	p.t.signal(signal{kind: signalWatch, from: &c.process, as: p})
}

// unwatch ends watching p, even when its Terminated is in the mailbox already.
func (c *cell) unwatch(p *process) {
	if c.x == nil || p == nil || c.x.watching[p] == nil {
		return
	}
	delete(c.x.watching, p)
	c.sys.act(Act{Kind: ActUnwatched, Actor: PID{p: &c.process}, Other: PID{p: p}})
	p.t.signal(signal{kind: signalUnwatch, from: &c.process, as: p})
}

// forgetChildren ends watching the children, all of which have stopped or are
// about to.
func (c *cell) forgetChildren() {
	if c.x == nil {
		return
	}
	var forgotten []*process
	for p := range c.x.watching { //det:ok sorted below
		if child, ok := p.t.(*cell); ok && child.parent == c {
			delete(c.x.watching, p)
			forgotten = append(forgotten, p)
		}
	}
	if c.sys.observer == nil {
		return
	}
	slices.SortFunc(forgotten, compareProcesses)
	for _, p := range forgotten {
		c.sys.act(Act{Kind: ActUnwatched, Actor: PID{p: &c.process}, Other: PID{p: p}})
	}
}

func (c *cell) unwatchAll() {
	if c.x == nil {
		return
	}
	watched := make([]*process, 0, len(c.x.watching))
	for p := range c.x.watching { //det:ok sorted below
		watched = append(watched, p)
	}
	slices.SortFunc(watched, compareProcesses)
	for _, p := range watched {
		c.unwatch(p)
	}
}

// watchedGone notes that a watched actor has stopped.
func (c *cell) watchedGone(p *process) {
	if c.x == nil {
		return
	}
	if w := c.x.watching[p]; w != nil && !w.noted {
		w.noted = true
		c.deliverSelf(envelope{msg: &terminatedNote{p: p, entry: w}, from: p})
	}
}

// terminatedDue is the note's turn: it counts only if the same watch still stands.
func (c *cell) terminatedDue(n *terminatedNote) (envelope, bool) {
	if c.x.watching[n.p] != n.entry {
		return envelope{}, false
	}
	delete(c.x.watching, n.p)
	if n.entry.message != nil {
		return envelope{msg: n.entry.message, from: n.p}, true
	}
	t := Terminated{Ref: PID{p: n.p}}
	if child, ok := n.p.t.(*cell); ok && child.parent == c && child.history != nil {
		t.Cause = child.history.cause
	}
	return envelope{msg: t, from: n.p}, true
}

func (c *cell) addWatcher(w watcher) {
	if c.phase == stopped { // the watch came in the same batch as the stop
		w.who.t.signal(signal{kind: signalTerminated, from: w.as})
		return
	}
	x := c.extras()
	if !slices.Contains(x.watchers, w) {
		x.watchers = append(x.watchers, w)
	}
}

func (c *cell) removeWatcher(w watcher) {
	if c.x == nil {
		return
	}
	if i := slices.Index(c.x.watchers, w); i >= 0 {
		c.x.watchers = slices.Delete(c.x.watchers, i, i+1)
	}
}

func (c *cell) tellWatchers() {
	if c.x == nil {
		return
	}
	watchers := c.x.watchers
	c.x.watchers = nil
	for _, w := range watchers {
		w.who.t.signal(signal{kind: signalTerminated, from: w.as})
	}
}

// nodeKey is one incarnation of another node.
type nodeKey struct {
	addr string
	uid  uint64
}

// pair is a watcher here and what it watches elsewhere, or the reverse.
type pair struct{ watcher, watched *process }

// remoteWatches knows which actors here watch, or are watched from, which
// nodes, so that the end of a node can be told to all of them.
type remoteWatches struct {
	mu       sync.Mutex
	outbound map[nodeKey]map[pair]struct{}
	inbound  map[nodeKey]map[pair]struct{}
}

func (r *remoteWatches) add(out bool, k nodeKey, p pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.table(out)
	if m[k] == nil {
		m[k] = map[pair]struct{}{}
	}
	m[k][p] = struct{}{}
}

func (r *remoteWatches) remove(out bool, k nodeKey, p pair) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.table(out)
	delete(m[k], p)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

func (r *remoteWatches) table(out bool) map[nodeKey]map[pair]struct{} {
	if r.outbound == nil {
		r.outbound = map[nodeKey]map[pair]struct{}{}
		r.inbound = map[nodeKey]map[pair]struct{}{}
	}
	if out {
		return r.outbound
	}
	return r.inbound
}

func (r *remoteWatches) watched(addr string, uid uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.outbound[nodeKey{addr, uid}]) > 0 || len(r.outbound[nodeKey{addr, 0}]) > 0
}

// gone tells the watchers here that everything at the node has ended, and the
// watched ones here that their watchers there have.
func (r *remoteWatches) gone(addr string, uid uint64) {
	for _, p := range r.takeAll(true, nodeKey{addr, uid}, nodeKey{addr, 0}) {
		p.watcher.t.signal(signal{kind: signalTerminated, from: p.watched})
	}
	for _, p := range r.takeAll(false, nodeKey{addr, uid}) {
		p.watched.t.signal(signal{kind: signalUnwatch, from: p.watcher, as: p.watched})
	}
}

func (r *remoteWatches) takeAll(out bool, keys ...nodeKey) []pair {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []pair
	for _, k := range keys {
		for p := range r.table(out)[k] { //det:ok sorted below
			all = append(all, p)
		}
		delete(r.table(out), k)
	}
	slices.SortFunc(all, func(a, b pair) int {
		if c := compareProcesses(a.watcher, b.watcher); c != 0 {
			return c
		}
		return compareProcesses(a.watched, b.watched)
	})
	return all
}
