package sharding

import (
	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/sharding/internal/core"
)

// coordinator is the actor that drives the coordinator's core: the instance of
// a singleton on the oldest host. Its epoch is its term.
type coordinator struct {
	*engine
	term  actor.Epoch
	state *core.Coordinator
}

func newCoordinator(e *engine, term actor.Epoch) *coordinator {
	return &coordinator{engine: e, term: term}
}

// PreStart begins a term.
func (c *coordinator) PreStart(ctx *actor.Context) error {
	// The region looks for the coordinator after it has stored a view, so
	// whatever isn't in the view read here comes as a message.
	self := ctx.Self()
	c.coordinator.Store(&self)
	v := c.view.Load()
	if v == nil { // the singleton has seen the membership, the region not yet
		v = &view{roster: c.emptyRoster()}
	}
	c.state = core.NewCoordinator(ctx.Now(), core.CoordinatorSettings{
		Self: c.self, Term: c.term, Shards: uint32(len(c.table.slots)), Margin: c.margin, Retry: c.retry,
		RebalanceEvery: c.rebalanceEvery, Settle: 2 * c.retry, HoldMax: c.handOffTimeout, HandOffsMax: c.handOffsMax,
		Strategy: c.strategy, Count: c.count.Load(),
	}, v.roster, c.retirees())
	c.state.Members(ctx.Now(), v.roster, v.unreachable)
	ctx.Every(tickEvery, tick{})
	c.carryOut(ctx)
	return nil
}

// PostStop ends the term.
func (c *coordinator) PostStop(ctx *actor.Context) {
	if self := c.coordinator.Load(); self != nil && *self == ctx.Self() {
		c.coordinator.Store(nil)
	}
}

// Receive takes the protocol, the membership, and questions.
func (c *coordinator) Receive(ctx *actor.Context, msg any) {
	now := ctx.Now()
	switch m := msg.(type) {
	case *view:
		c.state.Members(now, m.roster, m.unreachable)
	case tick:
		c.state.Tick(now)
	case core.Retired:
		c.state.Retire(now, m.From)
	case core.Register, core.GetHomes, core.Started, core.Stopped, core.Held:
		c.state.Receive(now, m)
	case getAllocation:
		ctx.Reply(allocation{Active: c.state.Active(), Coordinator: c.self, Loads: c.state.Allocation()})
	}
	c.carryOut(ctx)
}

func (c *coordinator) carryOut(ctx *actor.Context) {
	c.count.Store(c.state.LastCount()) // before anybody hears of a grant
	for _, e := range c.state.Take() {
		switch e := e.(type) {
		case core.Send:
			c.send(ctx, e.To, e.Msg)
		case core.Note:
			c.note(ctx, e)
		}
	}
}
