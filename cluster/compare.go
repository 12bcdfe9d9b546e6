package cluster

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
)

const (
	kindCluster = "cluster"
	kindDowning = "downing strategy"
)

// declareOwn declares what the cluster itself was started with. A role that only
// shows in a disaster is compared with those of the members; what nodes may differ in
// for a while, during a rolling change, is only warned about.
func (d *daemon) declareOwn() error {
	h, m := d.cfg.Heartbeat.withDefaults(), d.cfg.membership(d.c.name, d.c.self)
	should := []membership.Setting{
		{Key: "Downing", Value: d.cfg.downing().String()},
		{Key: "Heartbeat.Every", Value: h.Every.String()},
		{Key: "Heartbeat.AcceptablePause", Value: h.AcceptablePause.String()},
		{Key: "Heartbeat.Threshold", Value: fmt.Sprint(h.Threshold)},
		{Key: "Heartbeat.Fixed", Value: fmt.Sprint(h.Fixed)},
		{Key: "Heartbeat.MonitoredBy", Value: fmt.Sprint(h.MonitoredBy)},
		{Key: "Membership.Minimum", Value: fmt.Sprintf("%d members, roles %v", m.Minimum.Members, m.Minimum.Roles)},
		{Key: "Membership.YieldFor", Value: orDefault(m.YieldFor, 10*time.Second).String()},
	}
	if len(m.Seeds) > 0 {
		should = append(should, membership.Setting{Key: "the first of Seeds", Value: m.Seeds[0]})
	}
	own := Declaration{Kind: kindCluster, Name: d.c.name, Should: should}
	if err := own.check(); err != nil {
		return err
	}
	if err := d.accord.declare(own); err != nil {
		return err
	}
	role := downing.RoleOf(d.cfg.downing())
	if role == "" {
		return nil
	}
	name, _, _ := strings.Cut(d.cfg.downing().String(), "(")
	return d.accord.declare(Declaration{Kind: kindDowning, Name: name, Role: role})
}

func (d *daemon) declare(ctx *actor.Context, decl Declaration) {
	if err := d.accord.declare(decl); err != nil {
		ctx.Log().Warn().Err(err).Msg("declaration")
	}
}

// compare tells neighbours what this node declares, and the log what differs.
func (d *daemon) compare(ctx *actor.Context) {
	v := d.core.View()
	if d.over || v.SelfMember().Status == membership.Removed {
		return
	}
	for _, n := range d.accord.due(membership.HeartbeatTargets(v, d.cfg.Heartbeat.withDefaults().MonitoredBy)) {
		d.tellProfile(n)
	}
	differs, agrees := d.accord.look(ctx.Now())
	for _, o := range differs {
		ctx.Log().Warn().Bool("ready", !o.wrong).Msg(o.text)
	}
	for _, o := range agrees {
		ctx.Log().Info().Str("was", o.text).Msg("nodes agree again")
	}
	if len(differs)+len(agrees) > 0 {
		faults := d.accord.faults()
		d.c.faults.Store(&faults)
	}
}

func (d *daemon) tellProfile(n membership.Node) {
	d.c.refTo(n, daemonPath).Tell(d.accord.profile(n))
}
