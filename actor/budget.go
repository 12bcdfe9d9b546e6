package actor

import (
	"fmt"
	"reflect"
	"sync/atomic"
)

// Sizer is implemented by messages that know how many bytes they hold; see
// Config.MailboxBytes.
type Sizer interface{ MessageSize() int }

// errOverBudget is a full mailbox whose fullness is that of all together.
var errOverBudget = fmt.Errorf("%w: the mailboxes of the system have reached Config.MailboxBytes", ErrMailboxFull)

// budget is the bytes that may wait in all mailboxes of a system together.
type budget struct {
	most int64
	used atomic.Int64
}

// take takes n bytes if that many are left. One message always fits into what
// is empty.
func (b *budget) take(n int64) bool {
	if used := b.used.Add(n); used > b.most && used != n {
		b.used.Add(-n)
		return false
	}
	return true
}

// envelopeSize is what a message takes in a mailbox besides its content.
const envelopeSize = 64

// sizeOf estimates the bytes that a message holds: what it says itself, the
// content of strings and byte slices, and for others the size of their type.
func sizeOf(msg any) int64 {
	_, msg = plain(PID{}, msg)
	switch m := msg.(type) {
	case nil:
		return envelopeSize
	case Sizer:
		return envelopeSize + int64(max(m.MessageSize(), 0))
	case string:
		return envelopeSize + int64(len(m))
	case []byte:
		return envelopeSize + int64(len(m))
	}
	t := reflect.TypeOf(msg)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return envelopeSize + int64(t.Size())
}

// MailboxBytes returns how many bytes wait in the mailboxes, by the estimate of
// Config.MailboxBytes; 0 when there is no bound.
func (s *System) MailboxBytes() int64 {
	if s.budget == nil {
		return 0
	}
	return s.budget.used.Load()
}

// inOrder is the priority of a mailbox that is first in, first out.
func inOrder(any) int { return 0 }

// mailboxOf gives a new cell the mailbox that its options and the system ask for.
func (s *System) mailboxOf(c *cell) {
	if c.spec.mailboxMax > 0 || s.observer != nil {
		c.mailbox.state.Or(counted)
	}
	m := c.spec.mailbox
	if m == nil {
		if s.budget == nil && !s.ages {
			return
		}
		m = &Mailbox{Max: c.spec.mailboxMax, Priority: inOrder}
	}
	d := newDiscipline(*m)
	d.budget = s.budget
	if s.ages {
		d.clock = s.clock
	}
	d.evicted = func(env envelope) { c.drop(env, DropMailboxFull) }
	c.mailbox.state.Or(counted)
	c.mailbox.special = d
}
