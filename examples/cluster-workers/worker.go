package main

import (
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
)

// worker transforms texts. It dials in: it looks for the front ends of the
// cluster and offers itself, so that they need to know nothing of it.
type worker struct {
	cl   *cluster.Cluster
	view membership.View
}

// offerEvery is how often a worker says again that it is there.
const offerEvery = 5 * time.Second

type offerDue struct{}

// PreStart follows the cluster.
func (w *worker) PreStart(ctx *actor.Context) error {
	w.cl.Subscribe(ctx.Self())
	ctx.Every(offerEvery, offerDue{})
	return nil
}

// Receive implements actor.Actor.
func (w *worker) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case cluster.Change:
		w.view = m.View
		w.offer(ctx)
	case offerDue:
		w.offer(ctx)
	case Transform:
		actor.Reply(ctx, m, Transformed{Text: strings.ToUpper(m.Text), Worker: w.cl.Self().Addr})
	}
}

func (w *worker) offer(ctx *actor.Context) {
	for _, m := range w.view.Members() {
		if m.HasRole(frontend) && m.Status == membership.Up {
			ctx.Tell(ctx.System().RefAt(m.Addr, "/user/"+frontend), Available{})
		}
	}
}
