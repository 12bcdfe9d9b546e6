package actor

import (
	"slices"
	"sync"
	"sync/atomic"
)

// envelope is a message on its way, by value.
type envelope struct {
	msg  any
	from *process
}

// mailbox is a queue with many senders and one consumer, the actor's turn.
// Senders append to a segment; the consumer takes all segments at once when
// those that it has are used up. So a message costs one short lock and no
// allocation, and a long backlog is never copied.
type mailbox struct {
	mu     sync.Mutex
	in     []envelope // the segment being filled
	long   *backlog   // once there was more than a segment
	closed bool

	arrived atomic.Int32 // in segments of the senders; read without the lock

	most    int         // bound; 0: none
	special *discipline // takes the place of all this but arrived, if set

	// The consumer's, away from what the senders write.
	out   []envelope   // its segment
	next  int          // index of its first message
	taken atomic.Int32 // messages in it and in long.more
}

// backlog is what a mailbox needs when one segment isn't enough.
type backlog struct {
	filled [][]envelope // full segments of the senders, oldest first
	spare  []envelope   // empty, for reuse
	more   [][]envelope // the consumer's segments after out, oldest first
}

const (
	// segmentMax is the size of a full segment, in messages.
	segmentMax = 512
	// keepMax is the capacity up to which an empty segment is kept for reuse.
	keepMax = segmentMax
)

// push appends a message, or refuses it because the mailbox is closed or full.
func (m *mailbox) push(env envelope) error {
	if m.special != nil {
		return m.pushSpecial(env, false)
	}
	return m.append(env, m.most)
}

// pushInternal appends what the runtime itself has to say, whatever the bound.
func (m *mailbox) pushInternal(env envelope) error {
	if m.special != nil {
		return m.pushSpecial(env, true)
	}
	return m.append(env, 0)
}

func (m *mailbox) append(env envelope, most int) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrStopped
	}
	if most > 0 && m.length() >= most {
		m.mu.Unlock()
		return ErrMailboxFull
	}
	if len(m.in) == cap(m.in) && len(m.in) >= segmentMax {
		m.fill()
	}
	m.in = append(m.in, env)
	m.arrived.Store(m.arrived.Load() + 1) // changed under the lock only
	m.mu.Unlock()
	return nil
}

// fill puts the full segment aside. The lock is held.
func (m *mailbox) fill() {
	if m.long == nil {
		m.long = &backlog{}
	}
	m.long.filled = append(m.long.filled, m.in)
	if m.in, m.long.spare = m.long.spare, nil; m.in == nil {
		m.in = make([]envelope, 0, segmentMax)
	}
}

func (m *mailbox) pushSpecial(env envelope, internal bool) error {
	evicted, err := m.special.push(env, internal)
	switch {
	case err != nil:
		return err
	case evicted != nil:
		m.special.evicted(*evicted)
	default:
		m.arrived.Add(1)
	}
	return nil
}

// length returns how many messages wait, from anywhere.
func (m *mailbox) length() int { return int(m.arrived.Load() + m.taken.Load()) }

// rest reports whether the consumer holds messages. Only the consumer calls it.
func (m *mailbox) rest() bool { return m.taken.Load() > 0 }

// pop takes the oldest message. Only the consumer calls it.
func (m *mailbox) pop() (envelope, bool) {
	if m.special != nil {
		env, ok := m.special.pop()
		if ok {
			m.arrived.Add(-1)
		}
		return env, ok
	}
	if m.next == len(m.out) && !m.advance() {
		return envelope{}, false
	}
	env := m.out[m.next]
	m.out[m.next] = envelope{}
	m.next++
	m.taken.Add(-1)
	return env, true
}

// advance moves to the next segment; false means that there is none.
func (m *mailbox) advance() bool {
	used := m.out[:0]
	if cap(used) > keepMax {
		used = nil
	}
	m.out, m.next = used, 0
	if m.taken.Load() == 0 && m.arrived.Load() == 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.long; b != nil {
		if len(b.more) == 0 && len(b.filled) > 0 {
			b.more, b.filled = append(b.filled, m.in), nil
			m.in = nil
			m.take()
		}
		if len(b.more) > 0 {
			m.out, b.more = b.more[0], b.more[1:]
			if cap(used) == segmentMax {
				b.spare = used
			}
			return true
		}
	}
	m.out, m.in = m.in, used
	m.take()
	return true
}

// take counts what the senders brought as the consumer's. The lock is held.
func (m *mailbox) take() {
	m.taken.Add(m.arrived.Load())
	m.arrived.Store(0)
}

// prepend puts messages before all others. Only the consumer calls it.
func (m *mailbox) prepend(envs []envelope) {
	if m.special != nil {
		m.special.prepend(envs)
		m.arrived.Add(int32(len(envs)))
		return
	}
	if m.next < len(m.out) {
		m.mu.Lock()
		if m.long == nil {
			m.long = &backlog{}
		}
		m.long.more = append([][]envelope{m.out[m.next:]}, m.long.more...)
		m.mu.Unlock()
	}
	m.out, m.next = envs, 0
	m.taken.Add(int32(len(envs)))
}

// close refuses all further messages and returns those that were waiting. Only
// the consumer calls it.
func (m *mailbox) close() []envelope {
	if m.special != nil {
		m.arrived.Store(0)
		return m.special.close()
	}
	rest := m.out[m.next:]
	m.mu.Lock()
	m.closed = true
	if m.long != nil {
		for _, segment := range append(m.long.more, m.long.filled...) {
			rest = append(rest, segment...)
		}
	}
	rest = append(rest, m.in...)
	m.in, m.long = nil, nil
	m.arrived.Store(0)
	m.taken.Store(0)
	m.mu.Unlock()
	m.out, m.next = nil, 0
	return rest
}

func (m *mailbox) isClosed() bool {
	if d := m.special; d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.closed
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// signals is the small queue for what the runtime itself has to say to a cell.
type signals struct {
	mu      sync.Mutex
	queue   []signal
	closed  bool
	waiting atomic.Int32
}

// push appends s and reports whether the queue took it.
func (q *signals) push(s signal) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.queue = append(q.queue, s)
	q.waiting.Store(int32(len(q.queue)))
	return true
}

// take returns everything that waits, oldest first.
func (q *signals) take() []signal {
	if q.waiting.Load() == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.queue
	q.queue = nil
	q.waiting.Store(0)
	return all
}

// putBack puts signals that were taken before all others, and reports whether the
// queue took them.
func (q *signals) putBack(rest []signal) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.queue = append(slices.Clone(rest), q.queue...)
	q.waiting.Store(int32(len(q.queue)))
	return true
}

// close refuses all further signals and returns those that were waiting.
func (q *signals) close() []signal {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	all := q.queue
	q.queue = nil
	q.waiting.Store(0)
	return all
}
