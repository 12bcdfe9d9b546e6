package cluster

import (
	"context"
	"iter"
	"slices"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Change is what an actor that has subscribed receives: one message for every
// change of the view, with everything that happened in it, in order. The first
// has a [membership.Snapshot] as its only event, see [InitialEvents]; the last, if the node ends
// before the subscriber does, a [membership.Ended].
type Change struct {
	View   membership.View
	Events []membership.Event
}

// SubscribeOption is an option of [Cluster.Subscribe] and [Cluster.Events].
type SubscribeOption interface{ applySubscribe(*beginning) }

// InitialEvents has a subscription begin with the events that lead from nothing
// to the present state, instead of a [membership.Snapshot]: whoever only adds
// events up needs no other code for the beginning.
type InitialEvents struct{}

func (InitialEvents) applySubscribe(b *beginning) { b.events = true }

// beginning is how a subscription begins.
type beginning struct{ events bool }

func beginningOf(opts []SubscribeOption) (b beginning) {
	for _, o := range opts {
		o.applySubscribe(&b)
	}
	return b
}

// of returns the first events of a subscription that begins at v.
func (b beginning) of(v membership.View) []membership.Event {
	if b.events {
		return membership.Diff(membership.ViewOf(membership.State{}, v.Self), v)
	}
	return []membership.Event{membership.Snapshot{View: v}}
}

// Subscribe has an actor of this system receive a [Change] with the present
// state, and another for every change from then on. It ends with
// [Cluster.Unsubscribe] or with the actor.
func (c *Cluster) Subscribe(who actor.Addressable, opts ...SubscribeOption) {
	from := beginningOf(opts)
	if c.stopped.IsOpen() {
		who.PID().Tell(c.lastChange(from))
		return
	}
	c.daemon.Tell(subscribe{who.PID(), from})
}

// Unsubscribe ends what [Cluster.Subscribe] began. What is in the mailbox
// already still comes.
func (c *Cluster) Unsubscribe(who actor.Addressable) { c.daemon.Tell(unsubscribe{who.PID()}) }

// lastChange is what there is to know after the end.
func (c *Cluster) lastChange(from beginning) Change {
	ended := membership.Ended{Reason: membership.Failed}
	if last := c.last.Load(); last != nil {
		ended = *last
	}
	return Change{View: c.State(), Events: append(from.of(c.State()), ended)}
}

// feedMax is how many events may wait for a slow reader of [Cluster.Events].
const feedMax = 4096

// Events yields the present state as a [membership.Snapshot] and then what
// happens, until ctx is done or this node has ended, which is the last event. A
// reader that is too slow misses events and gets another Snapshot instead.
// It blocks the caller between events; actors use [Cluster.Subscribe].
func (c *Cluster) Events(ctx context.Context, opts ...SubscribeOption) iter.Seq[membership.Event] {
	return func(yield func(membership.Event) bool) {
		f := &feed{from: beginningOf(opts)}
		c.follow(f)
		defer c.unfollow(f)
		for {
			events, wake := c.take(f)
			for _, e := range events {
				if !yield(e) {
					return
				}
				if _, last := e.(membership.Ended); last {
					return
				}
			}
			if len(events) == 0 && c.sys.Wait(ctx, wake) != nil {
				return
			}
		}
	}
}

// feed is the queue between the daemon and one reader; Cluster.feedsMu guards
// it.
type feed struct {
	from  beginning
	queue []membership.Event
	wake  *actor.Gate // the reader waits for it
}

// follow adds a feed, with the present state in it.
func (c *Cluster) follow(f *feed) {
	c.feedsMu.Lock()
	defer c.feedsMu.Unlock()
	f.queue = f.from.of(c.State())
	if last := c.last.Load(); last != nil {
		f.queue = append(f.queue, *last)
		return
	}
	c.feeds = append(c.feeds, f)
}

func (c *Cluster) unfollow(f *feed) {
	c.feedsMu.Lock()
	defer c.feedsMu.Unlock()
	c.feeds = slices.DeleteFunc(c.feeds, func(o *feed) bool { return o == f })
}

// take returns what is queued, or a gate to wait for.
func (c *Cluster) take(f *feed) ([]membership.Event, *actor.Gate) {
	c.feedsMu.Lock()
	defer c.feedsMu.Unlock()
	if events := f.queue; len(events) > 0 {
		f.queue = nil
		return events, nil
	}
	f.wake = new(actor.Gate)
	return nil, f.wake
}

// publish makes v the view that everybody sees and feeds the events to readers.
func (c *Cluster) publish(v membership.View, events []membership.Event) {
	c.feedsMu.Lock()
	c.view.Store(&v)
	var woken []*actor.Gate
	for _, f := range c.feeds {
		if f.queue = append(f.queue, events...); len(f.queue) > feedMax {
			f.queue = append([]membership.Event{membership.Snapshot{View: v}}, endOf(events)...)
		}
		if f.wake != nil {
			woken = append(woken, f.wake)
			f.wake = nil
		}
	}
	followers := slices.Clone(c.followers)
	c.feedsMu.Unlock()
	for _, g := range woken { // gates and followers call out
		g.Open()
	}
	for _, f := range followers {
		f.refresh()
	}
}

// endOf returns the end among events, which nobody may miss.
func endOf(events []membership.Event) []membership.Event {
	at := slices.IndexFunc(events, func(e membership.Event) bool { _, last := e.(membership.Ended); return last })
	if at < 0 {
		return nil
	}
	return events[at:]
}

// subscribe sends the present state, and everything from then on.
func (d *daemon) subscribe(ctx *actor.Context, s subscribe) {
	if !slices.Contains(d.subscribers, s.who) {
		d.subscribers = append(d.subscribers, s.who)
		ctx.WatchWith(s.who, unsubscribe{s.who})
	}
	s.who.Tell(d.introduction(s.from))
}

// introduction is the first Change of a subscriber.
func (d *daemon) introduction(from beginning) Change {
	if d.over {
		return d.c.lastChange(from)
	}
	v := d.core.View()
	return Change{View: v, Events: from.of(v)}
}

// tell makes a change known to everybody, in the order in which they came.
func (d *daemon) tell(c Change) {
	d.c.publish(c.View, c.Events)
	for _, who := range d.subscribers {
		who.Tell(c)
	}
}

// logEvent logs what operators want to see.
func logEvent(ctx *actor.Context, e membership.Event) {
	level := zerolog.InfoLevel
	switch e := e.(type) {
	case membership.UnreachableMember, membership.MemberDowned, membership.OtherCluster:
		level = zerolog.WarnLevel
	case membership.LeaderChanged, membership.RoleLeaderChanged:
		level = zerolog.DebugLevel
	case membership.Ended:
		if e.Reason != membership.Left {
			level = zerolog.ErrorLevel
		}
	}
	ctx.Log().WithLevel(level).Msg(e.String())
}
