package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// staleMin is the least time after which a message comes again.
const staleMin = time.Millisecond

// errLate is why the first copy of a message doesn't arrive now.
var errLate = errors.New("the message comes later")

// repeater makes messages of the protocols arrive at a process again, or for the
// first time, long after they were sent: in another term, after a hand-over, behind
// what was sent later, when their sender is gone. Connections don't do that to the
// messages of one stream; several connections, restarts of actors and whatever the
// protocols will travel on one day may, and every protocol says that it can bear it.
type repeater struct {
	p       *process
	rng     *rand.Rand
	known   map[reflect.Type]bool
	telling bool // a copy is on its way: it isn't copied again
}

// observer returns what looks on at the messages of a process, nil if nobody does.
func (n *Node) observer(p *process) *actor.Observer {
	w := n.w
	if w.swarm.Stale <= 0 && w.ear == nil {
		return nil
	}
	r := &repeater{p: p, rng: p.rand("stale"), known: map[reflect.Type]bool{}}
	return &actor.Observer{Send: func(s actor.Sending) (any, error) {
		if w.ear != nil {
			w.ear.hear(n, s)
		}
		return s.Message, r.repeat(s)
	}}
}

// repeat lets a message come again, or later, by chance.
func (r *repeater) repeat(s actor.Sending) error {
	w := r.p.w
	chance := w.swarm.Stale
	if chance <= 0 || r.telling || s.Answer || !r.protocol(s.Message) {
		return nil
	}
	again, late := r.rng.Float64() < chance, r.rng.Float64() < chance/4
	if again || late {
		r.later(s)
	}
	if late {
		return errLate
	}
	return nil
}

// later delivers a message to the same incarnation of the same actor. The state of a
// node's predecessor at the same address is not for it: remoting sees to that.
func (r *repeater) later(s actor.Sending) {
	w := r.p.w
	after := logUniform(r.rng, staleMin, max(w.swarm.StaleMax, 2*staleMin))
	w.push(&event{kind: kindNet, proc: r.p, label: "stale " + reflect.TypeOf(s.Message).Name(), call: func() {
		w.line(r.p.node.name, fmt.Sprintf("a %T of %v ago arrives", s.Message, brief(after)))
		w.repeats++
		r.telling = true
		_ = s.To.TellFrom(s.Message, s.From)
		r.telling = false
	}}, after)
}

// protocol reports whether a message belongs to a protocol between nodes, and not to
// their users: those are promised that what they send arrives once at most.
func (r *repeater) protocol(msg any) bool {
	typ := reflect.TypeOf(msg)
	is, known := r.known[typ]
	if !known && r.p.sys != nil {
		t, err := r.p.sys.Registry().Of(msg)
		is = err == nil && strings.HasPrefix(t.Name(), "troupe.") && !users[t.Name()]
		r.known[typ] = is
	}
	return is
}

// users are the messages of the runtime that carry or answer those of users, or are
// orders of an operator, and make no promise to bear repetition.
var users = map[string]bool{
	"troupe.sharding.Envelope.v1": true, "troupe.singleton.Carried.v1": true,
	"troupe.cluster.DownMember.v1": true, "troupe.cluster.DismissMember.v1": true, "troupe.cluster.PrepareShutdown.v1": true,
	"troupe.cluster.Accepted.v1": true,
	"troupe.actor.Failure.v1":    true, "troupe.actor.PoisonPill.v1": true, "troupe.actor.Kill.v1": true, "troupe.actor.Identify.v1": true,
	"troupe.actor.ActorIdentity.v1": true, "troupe.actor.selected.v1": true, "troupe.actor.Terminated.v1": true, "troupe.actor.PID.v1": true,
	"troupe.router.Broadcast.v1": true, "troupe.router.Keyed.v1": true, "troupe.router.AddRoutee.v1": true, "troupe.router.RemoveRoutee.v1": true,
	"troupe.remote.Order.v1": true,
}
