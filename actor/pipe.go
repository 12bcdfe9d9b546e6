package actor

import "context"

// workContext is the context that work started by an actor gets; it ends with
// the actor's incarnation.
type workContext struct{ ctx *ending }

func (w *workContext) get() context.Context {
	if w.ctx == nil {
		w.ctx = newEnding()
	}
	return w.ctx
}

func (w *workContext) cancel() {
	if w.ctx != nil {
		w.ctx.end(context.Canceled)
	}
	*w = workContext{}
}

// Go runs work elsewhere, so that it may block, and then runs then with its
// result as a turn of the actor, with the message and sender of the turn that
// called Go. The context of work ends when the actor stops or restarts; then
// is not called after that. A panic of work is its error, a [*PanicError].
func Go[R any](ctx *Context, work func(context.Context) (R, error), then func(R, error)) {
	order(ctx, false, work, then)
}

// Await is [Go] for an actor that can't go on before it has the result: until
// then has run, messages wait in the mailbox, in their order, a [PoisonPill]
// among them. Stopping the actor doesn't wait.
func Await[R any](ctx *Context, work func(context.Context) (R, error), then func(R, error)) {
	order(ctx, true, work, then)
}

func order[R any](ctx *Context, await bool, work func(context.Context) (R, error), then func(R, error)) {
	c := ctx.cell
	workCtx := c.extras().work.get()
	k := &continuation{incarnation: c.incarnation, await: await, detached: c.detached, msg: ctx.carry(ctx.msg), from: ctx.from}
	if await {
		c.awaiting++
	}
	c.sys.act(Act{Kind: ActWork, Actor: ctx.Self()})
	c.sys.exec.Go(func() {
		var r R
		err := errGoexit
		defer func() { // also when work ends the goroutine
			k.fn = func() { then(r, err) }
			c.signal(signal{kind: signalContinue, then: k})
		}()
		r, err = contained(func() (R, error) { return work(workCtx) })
	})
}

// contained runs f and makes a panic an error.
func contained[R any](f func() (R, error)) (r R, err error) {
	done := false
	defer func() {
		if !done {
			if v := recover(); v != nil {
				err = recovered(v)
			}
		}
	}()
	r, err = f()
	done = true
	return r, err
}

// runContinuation runs what the actor ordered earlier, unless the incarnation
// that ordered it is gone. A failed actor runs it when it is resumed.
func (c *cell) runContinuation(k *continuation) {
	if k.incarnation != c.incarnation || c.phase == stopping || c.phase == stopped {
		return
	}
	if !c.active() {
		c.extras().postponed = append(c.extras().postponed, k)
		return
	}
	if k.await {
		c.awaiting--
	}
	c.ctx.msg, c.ctx.from, c.detached = c.arrive(k.msg), k.from, k.detached
	if c.x != nil {
		c.x.ticking, c.x.aside = false, false
	}
	c.protect(func() error { k.fn(); return nil }, func(err error) {
		c.ctx.msg, c.ctx.from, c.detached = c.arrive(nil), nil, false
		if err != nil {
			c.failed(err)
		}
	})
}

func (c *cell) flushPostponed() {
	if c.x == nil || !c.active() {
		return
	}
	for len(c.x.postponed) > 0 && c.active() {
		k := c.x.postponed[0]
		c.x.postponed = c.x.postponed[1:]
		c.runContinuation(k)
	}
}
