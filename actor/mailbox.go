package actor

import (
	"sync"
	"sync/atomic"
)

// envelope is a message on its way, by value.
type envelope struct {
	msg  any
	from *process
}

// mailbox is a queue with many senders and one consumer, the actor's turn. It
// also knows whether a turn is due.
//
// The message that wakes an idle actor is handed over in a place of its own, by
// whoever made the turn due. All others are appended to a segment; the consumer takes
// all segments at once when those that it has are used up. So a message costs one
// atomic operation or one short lock and no allocation, and a long backlog is never
// copied.
type mailbox struct {
	state   atomic.Uint64 // flags, and above them how many messages were handled
	mu      sync.Mutex
	arrived int32        // in segments of the senders
	own     atomic.Int32 // messages of the runtime among all of them: no bound counts them
	in      []envelope   // the segment being filled
	long    *backlog     // once there was more than a segment
	special *discipline  // takes the place of the segments, if set

	// The message that made the turn due, if hasFirst. Both are owned by whoever
	// made it due, and then by the turn.
	first    envelope
	hasFirst bool

	// The consumer's, which it writes with every message: a line of the cache away
	// from what the senders write.
	out   []envelope   // its segment
	next  int32        // index of the first message of out
	taken atomic.Int32 // messages in out and in long.more
}

// The flags of a mailbox.
const (
	// due: a turn is under way, or will come. Whoever sets it sees to that.
	due = 1 << iota
	// filled: there are messages of the senders other than first.
	filled
	// held: the actor can't take messages now; they make no turn due.
	held
	// counted: all messages are appended, even those that find the actor idle.
	counted
	// shut: no message is taken any more.
	shut
	flagBits = 8
	flags    = 1<<flagBits - 1
)

// backlog is what a mailbox needs when one segment isn't enough.
type backlog struct {
	filled [][]envelope // full segments of the senders, oldest first
	more   [][]envelope // the consumer's segments after out, oldest first
	passed int          // of more, and nil by now
}

// rest returns the segments that the consumer has not begun.
func (b *backlog) rest() [][]envelope { return b.more[b.passed:] }

const (
	// segmentMax is the size of a full segment, in messages. All mailboxes
	// share those: an actor keeps none that it has no messages for.
	segmentMax = 512
	// smallMin and smallMax are the sizes of the segments that an actor keeps.
	smallMin, smallMax = 8, 64
)

// segments are the full-sized ones that nobody uses.
var segments = sync.Pool{New: func() any { return new([segmentMax]envelope) }}

func newSegment() []envelope { return segments.Get().(*[segmentMax]envelope)[:0] }

// emptied returns what is kept of a segment whose messages were all taken.
func emptied(segment []envelope) []envelope {
	if cap(segment) <= smallMax {
		return segment[:0]
	}
	if cap(segment) == segmentMax {
		segments.Put((*[segmentMax]envelope)(segment[:segmentMax]))
	}
	return nil
}

// rouse hands a message to an actor that has nothing to do. If it does, the caller
// has to see to it that the turn comes; if not, push has to take the message.
func (m *mailbox) rouse(env envelope) bool {
	s := m.state.Load()
	if s&flags != 0 || !m.state.CompareAndSwap(s, s|due) {
		return false
	}
	m.first, m.hasFirst = env, true
	return true
}

// makeDue notes that a turn is due, unless one is or any flag of not is set. If it
// does, the caller has to see to it that the turn comes.
func (m *mailbox) makeDue(not uint64) bool {
	for {
		s := m.state.Load()
		if s&(due|not) != 0 {
			return false
		}
		if m.state.CompareAndSwap(s, s|due) {
			return true
		}
	}
}

// settle ends a turn that has handled so many messages. It reports false, and the
// turn has to go on, when the actor is receptive and there are messages.
func (m *mailbox) settle(receptive bool, handled uint32) bool {
	for {
		s := m.state.Load()
		if receptive && (s&filled != 0 || m.rest()) {
			m.count(handled)
			return false
		}
		next := (s &^ (due | held)) + uint64(handled)<<flagBits
		if !receptive {
			next |= held
		}
		if m.state.CompareAndSwap(s, next) {
			return true
		}
	}
}

// count counts messages that were handled.
func (m *mailbox) count(handled uint32) {
	if handled > 0 {
		m.state.Add(uint64(handled) << flagBits)
	}
}

// busy reports whether a turn is under way or due.
func (m *mailbox) busy() bool { return m.state.Load()&(due|shut) == due }

// handled returns how many messages were handled up to the end of the last turn.
func (m *mailbox) handled() uint64 { return m.state.Load() >> flagBits }

// push appends a message, or refuses it because the mailbox is closed or holds
// most of them already; 0 is no bound.
func (m *mailbox) push(env envelope, most int) error {
	if m.special != nil {
		return m.pushSpecial(env)
	}
	return m.append(env, most)
}

// pushOwn appends what the runtime itself has to say, whatever the bound and the rank.
func (m *mailbox) pushOwn(env envelope) error {
	if m.special == nil {
		m.own.Add(1)
		return m.append(env, 0)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.special.pushOwn(env)
	if err == nil {
		m.arrive(1)
	}
	return err
}

// ownGone notes that a message of pushOwn was taken out.
func (m *mailbox) ownGone() {
	if m.special == nil {
		m.own.Add(-1)
	}
}

// users is how many messages of users wait. The lock is held.
func (m *mailbox) users() int { return int(m.arrived + m.taken.Load() - m.own.Load()) }

func (m *mailbox) append(env envelope, most int) error {
	m.mu.Lock()
	if m.isClosed() {
		m.mu.Unlock()
		return ErrStopped
	}
	if most > 0 && m.users() >= most {
		m.mu.Unlock()
		return ErrMailboxFull
	}
	if len(m.in) == cap(m.in) {
		m.widen()
	}
	m.in = append(m.in, env)
	m.arrive(1)
	m.mu.Unlock()
	return nil
}

// appendAll is append for several messages. It returns how many of them, from the
// first on, the mailbox took.
func (m *mailbox) appendAll(envs []envelope, most int) (taken int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() {
		return 0
	}
	if most > 0 {
		envs = envs[:min(len(envs), max(most-m.users(), 0))]
	}
	for taken < len(envs) {
		if len(m.in) == cap(m.in) {
			m.widen()
		}
		n := min(len(envs)-taken, cap(m.in)-len(m.in))
		m.in = append(m.in, envs[taken:taken+n]...)
		taken += n
	}
	if taken > 0 {
		m.arrive(int32(taken))
	}
	if most > 0 {
		for _, env := range envs[:taken] {
			if endsActor(env.msg) {
				m.own.Add(1)
			}
		}
	}
	return taken
}

// appendSegment is appendAll for a full-sized segment, which the mailbox keeps unless it
// has a bound or is closed. If it does, it returns another one, which is empty.
func (m *mailbox) appendSegment(segment []envelope, most int) (taken int, other []envelope) {
	if most > 0 {
		return m.appendAll(segment, most), nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.isClosed() {
		return 0, nil
	}
	switch {
	case len(m.in) > 0:
		if m.long == nil {
			m.long = &backlog{}
		}
		m.long.filled = append(m.long.filled, m.in)
	case cap(m.in) == segmentMax:
		other = m.in
	}
	m.in = segment
	m.arrive(int32(len(segment)))
	if other == nil {
		other = newSegment()
	}
	return len(segment), other
}

// arrive counts n messages of the senders. The lock is held.
func (m *mailbox) arrive(n int32) {
	m.arrived += n
	if m.state.Load()&filled == 0 {
		m.state.Or(filled)
	}
}

// widen makes room in the segment of the senders, which is full. The lock is held.
func (m *mailbox) widen() {
	switch n := cap(m.in); {
	case n < smallMax:
		m.in = append(make([]envelope, 0, max(n*smallMin, smallMin)), m.in...)
	case n < segmentMax:
		m.in = append(newSegment(), m.in...)
	default:
		if m.long == nil {
			m.long = &backlog{}
		}
		m.long.filled = append(m.long.filled, m.in)
		m.in = newSegment()
	}
}

func (m *mailbox) pushSpecial(env envelope) error {
	if _, ask := untraced(env.msg).(Identify); ask { // the runtime answers it
		if m.special.full() {
			return ErrMailboxFull
		}
		return m.pushOwn(env)
	}
	priority := m.special.rank(env.msg)
	m.mu.Lock()
	evicted, err := m.special.push(env, priority)
	if err == nil && evicted == nil {
		m.arrive(1)
	}
	m.mu.Unlock()
	if evicted != nil {
		m.special.evicted(*evicted)
	}
	return err
}

// length returns how many messages wait behind the one that made the turn due.
func (m *mailbox) length() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int(m.arrived + m.taken.Load())
}

// rest reports whether the consumer holds messages. Only the consumer calls it.
func (m *mailbox) rest() bool { return m.hasFirst || m.taken.Load() > 0 }

// any reports whether there are messages. Only the consumer calls it.
func (m *mailbox) any() bool { return m.rest() || m.state.Load()&filled != 0 }

// pop takes the oldest message. Only the consumer calls it.
func (m *mailbox) pop() (envelope, bool) {
	if m.hasFirst {
		env := m.first
		m.first, m.hasFirst = envelope{}, false
		return env, true
	}
	if m.special != nil {
		return m.popSpecial()
	}
	if int(m.next) == len(m.out) && !m.advance() {
		return envelope{}, false
	}
	env := m.out[m.next]
	m.out[m.next] = envelope{}
	m.next++
	m.taken.Add(-1)
	return env, true
}

func (m *mailbox) popSpecial() (envelope, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	env, ok := m.special.pop()
	if ok {
		if m.arrived--; m.arrived == 0 {
			m.state.And(^uint64(filled))
		}
	}
	return env, ok
}

// advance moves to the next segment; false means that there is none.
func (m *mailbox) advance() bool {
	used := emptied(m.out)
	m.out, m.next = used, 0
	if !m.any() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.long; b != nil {
		if len(b.rest()) == 0 && len(b.filled) > 0 {
			b.more, b.filled, b.passed = append(b.filled, m.in), b.more[:0], 0
			m.in, used = used, nil
			m.take()
		}
		if len(b.rest()) > 0 {
			m.out, b.more[b.passed] = b.more[b.passed], nil
			b.passed++
			return true
		}
	}
	m.out, m.in = m.in, used
	m.take()
	return true
}

// take counts what the senders brought as the consumer's. The lock is held.
func (m *mailbox) take() {
	m.taken.Add(m.arrived)
	m.arrived = 0
	m.state.And(^uint64(filled))
}

// prepend puts messages before all others. Only the consumer calls it.
func (m *mailbox) prepend(envs []envelope) {
	if m.hasFirst {
		envs = append(envs, m.first)
		m.first, m.hasFirst = envelope{}, false
	}
	if m.special != nil {
		m.mu.Lock()
		m.special.prepend(envs)
		m.arrive(int32(len(envs)))
		m.mu.Unlock()
		return
	}
	if int(m.next) < len(m.out) {
		m.mu.Lock()
		if m.long == nil {
			m.long = &backlog{}
		}
		m.long.more, m.long.passed = append([][]envelope{m.out[m.next:]}, m.long.rest()...), 0
		m.mu.Unlock()
	}
	m.out, m.next = envs, 0
	m.taken.Add(int32(len(envs)))
}

// close refuses all further messages and returns those that were waiting. Only
// the consumer calls it.
func (m *mailbox) close() []envelope {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Or(shut)
	var rest []envelope
	if m.hasFirst {
		rest = append(rest, m.first)
		m.first, m.hasFirst = envelope{}, false
	}
	if m.special != nil {
		rest = append(rest, m.special.close()...)
	}
	rest = append(rest, m.out[m.next:]...)
	if m.long != nil {
		for _, segment := range append(m.long.rest(), m.long.filled...) {
			rest = append(rest, segment...)
		}
	}
	rest = append(rest, m.in...)
	m.in, m.long = nil, nil
	m.out, m.next = nil, 0
	m.arrived = 0
	m.own.Store(0)
	m.taken.Store(0)
	m.state.And(^uint64(filled))
	return rest
}

// isClosed reports whether the mailbox takes no message any more.
func (m *mailbox) isClosed() bool { return m.state.Load()&shut != 0 }
