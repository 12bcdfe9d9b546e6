package remote

import (
	"fmt"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// stalledAfter is how long a large message for which there is room may stand still
// before its connection is given up: room that nobody fills is missing elsewhere.
const stalledAfter = 10 * time.Second

// inParts is what an inbound connection for large messages has besides.
type inParts struct {
	mu       sync.Mutex
	assembly *assembly
	message  uint64 // number of the one under way
	held     int    // bytes of the budget
	waits    bool
	over     bool
	timer    actor.Timer // while a message is under way
	seen     uint64      // how far it had come when the timer was set
}

// part takes the next part of a large message.
func (i *inbound) part(body []byte) error {
	if i.lane != laneLarge {
		return fmt.Errorf("%w: part of a message on the %v stream", errFrame, i.lane)
	}
	p := &i.parts
	p.mu.Lock()
	if p.assembly == nil {
		p.assembly = newAssembly(i.remote.self.Can.LargeMax)
	}
	discards := p.assembly.discards
	message, err := p.assembly.part(body)
	total, begun := p.assembly.total, p.timer == nil && !discards
	p.mu.Unlock()
	switch {
	case err != nil:
		return err
	case message != nil && discards:
		err = i.turnedDown(message)
	case message != nil:
		err = i.whole(message)
		i.endParts(false)
	case begun && !i.turnDown():
		i.claim(total)
	}
	i.grant()
	return err
}

// whole handles a message whose parts have all arrived.
func (i *inbound) whole(message []byte) error {
	if kind := frameKind(message[0]); kind != frameMessage {
		return fmt.Errorf("%w: kind %d in parts", errFrame, kind)
	}
	return i.message(message[1:])
}

// claim asks for room for a message that has begun.
func (i *inbound) claim(total int) {
	p := &i.parts
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.message++
	message := p.message
	p.waits, p.seen = true, p.assembly.got
	p.timer = i.remote.clock.AfterFunc(stalledAfter, i.checkStalled)
	p.mu.Unlock()
	if i.remote.large.reserve(i.id, total, func() { i.admitted(message, total) }) {
		i.admitted(message, total)
	}
}

// admitted says that there is room for a message.
func (i *inbound) admitted(message uint64, total int) {
	p := &i.parts
	p.mu.Lock()
	if !p.waits || p.message != message {
		p.mu.Unlock()
		i.remote.large.release(total)
		return
	}
	p.waits, p.held, p.assembly.reserved = false, total, true
	p.mu.Unlock()
	i.grant()
}

// grant tells the sender how far it may go.
func (i *inbound) grant() {
	i.parts.mu.Lock()
	n, due := i.parts.assembly.grant()
	i.parts.mu.Unlock()
	if due {
		i.reply(appendNumber(nil, frameCredit, n))
	}
}

func (i *inbound) checkStalled() {
	p := &i.parts
	p.mu.Lock()
	if p.timer == nil || p.over {
		p.mu.Unlock()
		return
	}
	stalled := !p.waits && p.assembly.got == p.seen
	p.seen = p.assembly.got
	if !stalled {
		p.timer = i.remote.clock.AfterFunc(stalledAfter, i.checkStalled)
	}
	p.mu.Unlock()
	if stalled {
		i.remote.log.Warn().Str("peer", printable(i.who.Addr)).Stringer("for", stalledAfter).Msg("connection closed: a large message stands still")
		i.kill()
	}
}

// endParts gives back what the message under way holds.
func (i *inbound) endParts(over bool) {
	p := &i.parts
	p.mu.Lock()
	held, waited := p.held, p.waits
	p.held, p.waits, p.over = 0, false, p.over || over
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mu.Unlock()
	if waited {
		i.remote.large.withdraw(i.id)
	}
	if held > 0 {
		i.remote.large.release(held)
	}
}
