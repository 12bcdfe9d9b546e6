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
// Senders append to one slice; the consumer swaps it for the other when that
// is used up, so a message costs one short lock and no allocation.
type mailbox struct {
	mu     sync.Mutex
	in     []envelope
	closed bool

	length atomic.Int32 // of both slices; read without the lock

	out  []envelope // the consumer's
	next int        // index of the first message of out

	special *discipline // takes the place of all this but length, if set
	evicted func(envelope)
}

// keepMax is the capacity up to which a drained slice is kept for reuse.
const keepMax = 256

// push appends a message. With most > 0 it refuses what would exceed it.
func (m *mailbox) push(env envelope, most int) error {
	if m.special != nil {
		return m.pushSpecial(env, false)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrStopped
	}
	if most > 0 && int(m.length.Load()) >= most {
		return ErrMailboxFull
	}
	m.in = append(m.in, env)
	m.length.Add(1)
	return nil
}

// pushInternal appends what the runtime itself has to say, whatever the bound.
func (m *mailbox) pushInternal(env envelope) error {
	if m.special != nil {
		return m.pushSpecial(env, true)
	}
	return m.push(env, 0)
}

func (m *mailbox) pushSpecial(env envelope, internal bool) error {
	evicted, err := m.special.push(env, internal)
	switch {
	case err != nil:
		return err
	case evicted != nil:
		m.evicted(*evicted)
	default:
		m.length.Add(1)
	}
	return nil
}

// pop takes the oldest message. Only the consumer calls it.
func (m *mailbox) pop() (envelope, bool) {
	if m.special != nil {
		env, ok := m.special.pop()
		if ok {
			m.length.Add(-1)
		}
		return env, ok
	}
	if m.next == len(m.out) && !m.swap() {
		return envelope{}, false
	}
	env := m.out[m.next]
	m.out[m.next] = envelope{}
	m.next++
	m.length.Add(-1)
	return env, true
}

func (m *mailbox) swap() bool {
	if m.length.Load() == 0 {
		m.out, m.next = m.out[:0], 0
		if cap(m.out) > keepMax {
			m.out = nil
		}
		return false
	}
	used := m.out[:0]
	if cap(used) > keepMax {
		used = nil
	}
	m.mu.Lock()
	m.out, m.in = m.in, used
	m.mu.Unlock()
	m.next = 0
	return len(m.out) > 0
}

// prepend puts messages before all others. Only the consumer calls it.
func (m *mailbox) prepend(envs []envelope) {
	if m.special != nil {
		m.special.prepend(envs)
		m.length.Add(int32(len(envs)))
		return
	}
	m.out = append(envs, m.out[m.next:]...)
	m.next = 0
	m.length.Add(int32(len(envs)))
}

// close refuses all further messages and returns those that were waiting.
func (m *mailbox) close() []envelope {
	if m.special != nil {
		m.length.Store(0)
		return m.special.close()
	}
	m.mu.Lock()
	m.closed = true
	rest := append(m.out[m.next:], m.in...)
	m.in, m.out, m.next = nil, nil, 0
	m.length.Store(0)
	m.mu.Unlock()
	return rest
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
