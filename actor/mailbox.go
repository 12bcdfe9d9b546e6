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

// mailbox is a queue with many senders and one consumer, the actor's turn.
// Senders append to a segment; the consumer takes all segments at once when
// those that it has are used up. So a message costs one short lock and no
// allocation, and a long backlog is never copied.
type mailbox struct {
	mu     sync.Mutex
	in     []envelope   // the segment being filled
	filled [][]envelope // full ones before it, oldest first
	spare  []envelope   // empty, for reuse
	closed bool

	arrived atomic.Int32 // in segments of the senders; read without the lock

	most    int         // bound; 0: none
	special *discipline // takes the place of all this but arrived, if set
	evicted func(envelope)

	// The consumer's, away from what the senders write.
	out   []envelope   // its segment
	next  int          // index of its first message
	more  [][]envelope // its other segments, oldest first
	taken atomic.Int32 // messages in all of them
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
		m.filled = append(m.filled, m.in)
		if m.in, m.spare = m.spare, nil; m.in == nil {
			m.in = make([]envelope, 0, segmentMax)
		}
	}
	m.in = append(m.in, env)
	m.arrived.Store(m.arrived.Load() + 1) // changed under the lock only
	m.mu.Unlock()
	return nil
}

func (m *mailbox) pushSpecial(env envelope, internal bool) error {
	evicted, err := m.special.push(env, internal)
	switch {
	case err != nil:
		return err
	case evicted != nil:
		m.evicted(*evicted)
	default:
		m.arrived.Add(1)
	}
	return nil
}

// length returns how many messages wait, from anywhere.
func (m *mailbox) length() int { return int(m.arrived.Load() + m.taken.Load()) }

// rest reports whether the consumer holds messages. Only the consumer calls it.
func (m *mailbox) rest() bool { return m.next < len(m.out) || len(m.more) > 0 }

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
	m.out, m.next = nil, 0
	if len(m.more) > 0 {
		m.out, m.more = m.more[0], m.more[1:]
		if cap(used) == segmentMax {
			m.mu.Lock()
			m.spare = used
			m.mu.Unlock()
		}
		return true
	}
	if m.arrived.Load() == 0 {
		m.out = used
		return false
	}
	m.mu.Lock()
	if len(m.filled) > 0 {
		m.out, m.more, m.filled = m.filled[0], append(m.filled[1:], m.in), nil
	} else {
		m.out = m.in
	}
	m.in = used
	n := m.arrived.Load()
	m.arrived.Store(0)
	m.taken.Store(n) // everything taken before is used up
	m.mu.Unlock()
	return true
}

// prepend puts messages before all others. Only the consumer calls it.
func (m *mailbox) prepend(envs []envelope) {
	if m.special != nil {
		m.special.prepend(envs)
		m.arrived.Add(int32(len(envs)))
		return
	}
	if m.next < len(m.out) {
		m.more = append([][]envelope{m.out[m.next:]}, m.more...)
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
	for _, segment := range m.more {
		rest = append(rest, segment...)
	}
	m.mu.Lock()
	m.closed = true
	for _, segment := range m.filled {
		rest = append(rest, segment...)
	}
	rest = append(rest, m.in...)
	m.in, m.filled, m.spare = nil, nil, nil
	m.arrived.Store(0)
	m.taken.Store(0)
	m.mu.Unlock()
	m.out, m.next, m.more = nil, 0, nil
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
