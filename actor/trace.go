package actor

// Trace is the trace context of a message: what says of which larger operation it is a
// part, so that something that looks at many nodes can put together what belongs
// together. It is opaque here; what the header traceparent of W3C Trace Context says is
// a good one. Empty means none.
//
// It goes where a message leads: what an actor sends while it handles a message has
// the trace of that message, on this node and on others, in [Context.Tell],
// [Context.Reply], [Context.Forward], asks, stashed messages, timers that tick once,
// and the functions of [AskThen] and [Go]. Outside of actors [WithTrace] begins it. Messages without a trace
// don't cost more for it.
type Trace string

// TraceMax is how long a trace may be, in bytes. A longer one counts as none.
const TraceMax = 255

// traced is a message on its way with its trace. It is the outermost of what the
// runtime puts around a message.
type traced struct {
	msg   any
	trace Trace
}

// WithTrace returns what to send so that msg arrives with a trace: hand it to [Ref.Tell]
// of a [PID], its relatives, or [AskAs]. Its receiver sees msg. An empty trace takes one
// away.
func WithTrace(msg any, t Trace) any {
	if m, ok := msg.(*traced); ok {
		msg = m.msg
	}
	if t == "" || len(t) > TraceMax {
		return msg
	}
	return &traced{msg, t}
}

// TraceOf takes apart what [WithTrace] has put together; t is empty where it hasn't.
// It is for [Remoting] and for handlers of virtual refs, which see messages on their
// way.
func TraceOf(msg any) (plain any, t Trace) {
	if m, ok := msg.(*traced); ok {
		return m.msg, m.trace
	}
	return msg, ""
}

// untraced returns the message without its trace.
func untraced(msg any) any {
	if m, ok := msg.(*traced); ok {
		return m.msg
	}
	return msg
}

// Trace returns the trace of the message being handled, or what [Context.SetTrace] has
// put in its place.
func (c *Context) Trace() Trace {
	if c.cell.x == nil {
		return ""
	}
	return c.cell.x.trace
}

// SetTrace gives what the actor sends from now on another trace, until it has handled
// the present message: that of a span of its own. Empty means none.
func (c *Context) SetTrace(t Trace) {
	if len(t) > TraceMax {
		t = ""
	}
	if t != "" || c.cell.x != nil {
		c.cell.extras().trace = t
	}
}

// carry gives a message that the actor sends the trace of the present one.
func (c *Context) carry(msg any) any {
	if x := c.cell.x; x != nil && x.trace != "" {
		return x.trace.on(msg)
	}
	return msg
}

// on puts the trace around a message, unless its sender has given it one.
func (t Trace) on(msg any) any {
	if _, own := msg.(*traced); own {
		return msg
	}
	return &traced{msg, t}
}

// arrive takes a message that is being handled out of its trace, which counts from now
// on.
func (c *cell) arrive(msg any) any {
	m, ok := msg.(*traced)
	if ok {
		c.extras().trace = m.trace
		return m.msg
	}
	if c.x != nil && c.x.trace != "" {
		c.x.trace = ""
	}
	return msg
}

// TraceHandler is a [Handler] that passes traces on: its virtual refs call DeliverTraced
// in place of Deliver for messages that have one. What it sends on has to have it too,
// see [WithTrace].
type TraceHandler interface {
	Handler
	DeliverTraced(msg any, from PID, t Trace) error
}
