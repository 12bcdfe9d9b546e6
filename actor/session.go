package actor

import "time"

// Lifetime is the option that stops an actor so long after its start, as
// [Context.Stop] would. Zero means no limit; less is an error of the spawn.
type Lifetime time.Duration

func (l Lifetime) applySpawn(o *options) { o.lifetime = time.Duration(l) }

// limitLife sets the end of the actor's life at its first start.
func (c *cell) limitLife() {
	d := c.spec.lifetime
	if d <= 0 || c.extras().life != nil {
		return
	}
	c.x.life = c.sys.clock.AfterFunc(d, func() { c.signal(signal{kind: signalStop}) })
}

// Session starts a child for one conversation: it has a name that is given out,
// isn't restarted when it fails, and is stopped after within if it hasn't stopped
// itself by then. Options can say otherwise. Watch it to learn of its end.
func Session(ctx *Context, within time.Duration, factory func() Actor, opts ...SpawnOption) (PID, error) {
	all := append([]SpawnOption{Lifetime(within), Supervise{MaxRestarts: -1}}, opts...)
	return ctx.Spawn("", factory, all...)
}
