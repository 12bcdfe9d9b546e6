package cluster

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Order is something that any member can be told to do for the cluster, from
// any node: [DownMember], [DismissMember] or [PrepareShutdown]. Asked, it
// answers with [Accepted] or fails, with [ErrNoMember] for instance. See
// [Cluster.Desk].
type Order interface {
	codec.Appender
	check(v membership.View) error
	input() membership.Input
}

type (
	// DownMember is the order to declare the member at Addr dead; see
	// [Cluster.Down].
	DownMember struct {
		actor.Returns[Accepted]
		Addr string
	}
	// DismissMember is the order to ask the member at Addr to leave; see
	// [Cluster.Dismiss].
	DismissMember struct {
		actor.Returns[Accepted]
		Addr string
	}
	// PrepareShutdown is the order to prepare the whole cluster for its end;
	// see [Cluster.PrepareForShutdown].
	PrepareShutdown struct{ actor.Returns[Accepted] }
	// Accepted is the answer to an order that is being carried out.
	Accepted struct{}
)

// Desk returns where the node at addr takes orders: that of a member, with
// which any actor can do what the methods of Cluster do.
func (c *Cluster) Desk(addr string) actor.Ref[Order] {
	return actor.Narrow[Order](c.refTo(membership.Node{Addr: addr}, daemonPath))
}

func (o DownMember) check(v membership.View) error    { return isMember("down", o.Addr, v) }
func (o DismissMember) check(v membership.View) error { return isMember("dismiss", o.Addr, v) }
func (PrepareShutdown) check(v membership.View) error {
	if v.SelfMember().Status == membership.Removed {
		return fmt.Errorf("prepare for shutdown: %w: node %v is in no cluster; ask a member", ErrNoMember, v.Self)
	}
	return nil
}

func isMember(verb, addr string, v membership.View) error {
	if err := membership.ValidAddr(addr); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if _, ok := v.At(addr); ok {
		return nil
	}
	var known []string
	for _, m := range v.Members() {
		if known = append(known, m.Addr); len(known) == 10 {
			break
		}
	}
	return fmt.Errorf("%s %s: %w: of %d members, node %v knows %v; write the address as the member advertises it",
		verb, addr, ErrNoMember, len(v.Members()), v.Self, known)
}

func (o DownMember) input() membership.Input    { return membership.DownAt{Addr: o.Addr} }
func (o DismissMember) input() membership.Input { return membership.Leave{Addr: o.Addr} }
func (PrepareShutdown) input() membership.Input { return membership.PrepareShutdown{} }

// obey carries an order out and answers whoever asked.
func (d *daemon) obey(ctx *actor.Context, o Order) {
	var answer any = Accepted{}
	if err := o.check(d.core.View()); err != nil {
		answer = actor.Failure{Err: err}
		if ctx.Sender().IsZero() {
			ctx.Log().Warn().Err(err).Msg("an order can't be carried out")
		}
	} else {
		d.step(ctx, o.input())
	}
	if !ctx.Sender().IsZero() {
		ctx.Reply(answer)
	}
}

// registerOrders makes the orders known.
func registerOrders(reg *codec.Registry) error {
	return errors.Join(
		codec.Register[DownMember](reg, "troupe.cluster.DownMember.v1", codec.RightMember, codec.Upkeep),
		codec.Register[DismissMember](reg, "troupe.cluster.DismissMember.v1", codec.RightMember, codec.Upkeep),
		codec.Register[PrepareShutdown](reg, "troupe.cluster.PrepareShutdown.v1", codec.RightMember, codec.Upkeep),
		codec.Register[Accepted](reg, "troupe.cluster.Accepted.v1", codec.RightMember),
	)
}

// AppendWire appends the wire form.
func (o DownMember) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendString(b, o.Addr), nil
}

// DecodeWire reads the wire form.
func (o *DownMember) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	o.Addr = r.String()
	return r.Done()
}

// AppendWire appends the wire form.
func (o DismissMember) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return wire.AppendString(b, o.Addr), nil
}

// DecodeWire reads the wire form.
func (o *DismissMember) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	o.Addr = r.String()
	return r.Done()
}

// AppendWire appends the wire form.
func (PrepareShutdown) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

// DecodeWire reads the wire form.
func (*PrepareShutdown) DecodeWire(_ codec.Scope, b []byte) error { return wire.NewReader(b).Done() }

// AppendWire appends the wire form.
func (Accepted) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }

// DecodeWire reads the wire form.
func (*Accepted) DecodeWire(_ codec.Scope, b []byte) error { return wire.NewReader(b).Done() }
