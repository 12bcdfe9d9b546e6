package actor

// Intercept is the option for a function around the handling of each message of
// an actor, whatever its behaviour is at the moment: to log, measure, translate or
// refuse it. The message goes on when next is called, unchanged or not; without
// that the actor never sees it. The first of several is the outermost. It runs
// on the actor's turn, and its failures are the actor's. Signals that were asked
// for are messages here; the hooks of the life cycle don't pass through.
type Intercept func(ctx *Context, msg any, next func(msg any))

func (i Intercept) applySpawn(o *options) { o.intercept = append(o.intercept, i) }

// intercepted is an actor whose messages pass through others first.
type intercepted struct {
	Actor
	receive func(*Context)
}

func (i *intercepted) Receive(ctx *Context) { i.receive(ctx) }

func (i *intercepted) inner() any { return hooks(i.Actor) }

// intercept puts the actor's interceptors before a, if it has any.
func (c *cell) intercept(a Actor) Actor {
	if len(c.spec.intercept) == 0 {
		return a
	}
	return &intercepted{Actor: a, receive: c.around(a.Receive)}
}

// around puts the actor's interceptors before a behaviour. The chain is made
// once, so that a message costs no allocation.
func (c *cell) around(receive func(*Context)) func(*Context) {
	layers := c.spec.intercept
	if len(layers) == 0 {
		return receive
	}
	next := func(msg any) {
		c.ctx.msg = msg
		receive(&c.ctx)
	}
	for i := len(layers) - 1; i >= 0; i-- {
		layer, inner := layers[i], next
		next = func(msg any) { layer(&c.ctx, msg, inner) }
	}
	return func(ctx *Context) { next(ctx.msg) }
}
