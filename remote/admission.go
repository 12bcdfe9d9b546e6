package remote

import (
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
)

const (
	memoryEvery    = 250 * time.Millisecond // between two looks at the memory
	headroomLeast  = 10                     // percent of the most; with less nothing new is taken
	headroomEnough = 15                     // with as much it is again
	refusalLeast   = time.Second            // however soon there is enough
	collectAfter   = 5 * time.Second        // of refusing, garbage is looked for
)

// admission decides by the memory that is needed whether new work of other nodes is
// taken. What it says holds for a second, and for as long as there is no more than a bit
// of room again: it doesn't flap, whatever the memory does.
type admission struct {
	max      int64 // bytes
	refusing bool
	since    time.Time
}

// step takes what is needed now, in bytes, and reports whether that changes the answer.
func (a *admission) step(now time.Time, needed int64) (turned bool) {
	percent := int64(headroomLeast)
	if a.refusing {
		percent = headroomEnough
	}
	short := needed > a.max-a.max/100*percent
	if short == a.refusing || !short && now.Sub(a.since) < refusalLeast {
		return false
	}
	a.refusing, a.since = short, now
	return true
}

// overload is what the rest of remoting sees of that.
type overload struct {
	refusing    atomic.Bool
	begun       atomic.Uint64 // times
	needed, max atomic.Int64
}

// watchMemory looks at the memory from now on, if there is a limit to it.
func (r *Remote) watchMemory() {
	limit := r.cfg.MemoryMax
	if limit == 0 {
		limit = r.sys.Memory().Limit()
	}
	if limit <= 0 {
		return
	}
	r.overload.max.Store(limit)
	r.lookAtMemory(&admission{max: limit}, r.clock.Now())
}

// lookAtMemory decides by the memory of now, and again after a while. collected is when
// garbage was last looked for.
func (r *Remote) lookAtMemory(a *admission, collected time.Time) {
	now, memory := r.clock.Now(), r.sys.Memory()
	needed := memory.Needed()
	r.overload.needed.Store(needed)
	if a.step(now, needed) {
		r.turned(a, needed)
		collected = now
	}
	if a.refusing && now.Sub(collected) >= collectAfter {
		// A process that does little collects seldom, and what it has given up would
		// count for minutes.
		collected = now
		r.sys.Executor().Go(memory.Collect)
	}
	r.every(memoryEvery, func() { r.lookAtMemory(a, collected) })
}

// turned begins or ends the refusal of new work.
func (r *Remote) turned(a *admission, needed int64) {
	r.overload.refusing.Store(a.refusing)
	if a.refusing {
		r.overload.begun.Add(1)
		r.log.Warn().Int64("needed", needed).Int64("max", a.max).Msg("memory is short: messages of other nodes are refused, but for control messages and answers")
	} else {
		r.log.Info().Int64("needed", needed).Int64("max", a.max).Msg("there is memory again: messages of other nodes are taken")
	}
	r.sys.Publish(Overloaded{Refusing: a.refusing, Needed: needed, Max: a.max})
}

// turnDown ends taking the parts of a message that has begun, if it is new work and none
// is taken: its beginning is enough to say whose it was.
func (i *inbound) turnDown() bool {
	if !i.refusing {
		return false
	}
	i.parts.mu.Lock()
	defer i.parts.mu.Unlock()
	e, err := envelopeOfHead(i.parts.assembly.buf)
	if err != nil || i.vital(string(e.Path), e.Name) {
		return false // a beginning that is too short to tell is followed by the rest
	}
	i.parts.assembly.discard()
	return true
}

// vital reports whether a message is taken however short memory is: an answer ends work
// and begins none, and some keep the system going.
func (i *inbound) vital(path string, name []byte) bool {
	if actor.IsAsk(path) {
		return true
	}
	t, err := i.remote.sys.Registry().Named(string(name))
	return err == nil && t.Upkeep()
}

// turnedDown handles the beginning of a message whose parts have all come, and gone.
func (i *inbound) turnedDown(head []byte) error {
	e, err := envelopeOfHead(head)
	if err != nil {
		return err
	}
	i.arrived()
	now := i.refusing
	i.refusing = true
	i.deliver(e)
	i.refusing = now
	return nil
}

// envelopeOfHead reads the envelope of a message of which there may be more.
func envelopeOfHead(head []byte) (envelope, error) {
	if len(head) == 0 || frameKind(head[0]) != frameMessage {
		return envelope{}, errFrame
	}
	m, err := readMessage(head[1:])
	if err == nil {
		err = (*sendTable)(nil).literal(&m)
	}
	if err != nil {
		return envelope{}, err
	}
	return m.envelope()
}
