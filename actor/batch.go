package actor

// Destination is an actor of this system that messages arrive for again and again,
// as [Port.Deliver] would find it. It is not safe for concurrent use.
type Destination struct {
	path string
	id   uint64
	cell *cell // found last, nil: none
}

// Destination returns where messages for path and id go.
func (p *Port) Destination(path string, id uint64) *Destination {
	return &Destination{path: path, id: id}
}

// batchMax is how many messages a batch holds back at most, before those that follow fill
// a segment of the mailbox each.
const batchMax = 32

// Batch delivers messages that arrive one after the other, as [Port.Deliver] would:
// those for one actor are put into its mailbox together. It is not safe for concurrent
// use. The zero value is ready.
type Batch struct {
	to   *Destination
	few  []envelope
	many []envelope // a segment, once there were more than a few; otherwise nil
}

// DeliverIn delivers a message now or later: at the latest when [Port.DeliverAll] is
// called for the batch, but never after a message that is added to it later.
func (p *Port) DeliverIn(b *Batch, to *Destination, msg any, from PID) {
	if b.to != to {
		p.DeliverAll(b)
		b.to = to
	}
	env := envelope{msg: msg, from: from.p}
	switch {
	case b.many != nil:
		if len(b.many) == segmentMax {
			p.deliverMany(b)
		}
	case len(b.few) < batchMax:
		b.few = append(b.few, env)
		return
	default:
		p.deliverFew(b)
		b.many = newSegment()
	}
	b.many = append(b.many, env)
}

// DeliverAll delivers what is left in the batch.
func (p *Port) DeliverAll(b *Batch) {
	if len(b.few) > 0 {
		p.deliverFew(b)
	}
	if b.many != nil {
		if len(b.many) > 0 {
			p.deliverMany(b)
		}
		b.many = emptied(b.many)
	}
}

// deliverFew copies the messages into the mailbox.
func (p *Port) deliverFew(b *Batch) {
	taken := 0
	if c := b.to.cell; c != nil {
		taken = c.deliverAgain(b.few)
	}
	p.deliverEach(b.to, b.few[taken:])
	clear(b.few)
	b.few = b.few[:0]
}

// deliverMany hands the segment over to the mailbox, if that takes it. An empty one
// takes its place.
func (p *Port) deliverMany(b *Batch) {
	taken := 0
	if c := b.to.cell; c != nil {
		var other []envelope
		if taken, other = c.deliverSegment(b.many); other != nil {
			b.many = other
			return
		}
	}
	p.deliverEach(b.to, b.many[taken:])
	clear(b.many)
	b.many = b.many[:0]
}

// deliverEach delivers messages one by one, which finds the actor anew.
func (p *Port) deliverEach(d *Destination, envs []envelope) {
	for _, env := range envs {
		to := p.sys.local(d.path, d.id)
		d.cell, _ = to.t.(*cell)
		_ = to.t.deliver(env) // a drop has been counted
	}
}
