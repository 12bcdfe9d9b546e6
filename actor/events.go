package actor

import (
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// DropReason says why a message was not delivered. The list is closed.
type DropReason uint8

// The reasons.
const (
	// DropStopped: the actor has stopped, or never was there.
	DropStopped DropReason = iota
	// DropMailboxFull: the actor's mailbox is bounded and full.
	DropMailboxFull
	// DropStashFull: the actor's stash has reached its bound.
	DropStashFull
	// DropNobody: the ref was the zero value.
	DropNobody
	// DropLateReply: the asker has its answer or has given up.
	DropLateReply
	// DropUnreachable: the actor's node can't be reached.
	DropUnreachable
	// DropQuarantined: the actor's node was declared dead.
	DropQuarantined
	// DropBackpressure: the connection to the actor's node is full.
	DropBackpressure
	// DropEncode: the message can't be encoded.
	DropEncode
	// DropDecode: the message arrived and can't be decoded.
	DropDecode
	// DropTooLarge: the message is larger than a frame may be.
	DropTooLarge
	// DropBufferFull: a buffer for messages without a known destination is full.
	DropBufferFull
	// DropConnectionLost: the connection broke with the message on its way.
	DropConnectionLost
	// DropRefused: the receiving node does not accept the message from its sender.
	DropRefused
	// DropOverBudget: the mailboxes of the system have reached Config.MailboxBytes.
	DropOverBudget
	// DropNoRoutee: the router has no routee that could take the message.
	DropNoRoutee
	// DropDiscarded: the actor had put the message aside and gave it up.
	DropDiscarded
	// DropOverloaded: the receiving node is short of memory; see remote.Config.MemoryMax.
	DropOverloaded
	dropReasons
)

var dropReasonNames = [dropReasons]string{
	"actor stopped", "mailbox full", "stash full", "nobody", "late reply", "unreachable", "quarantined",
	"backpressure", "not encodable", "not decodable", "too large", "buffer full", "connection lost", "refused",
	"over budget", "no routee", "discarded", "overloaded",
}

// String returns the reason in words.
func (r DropReason) String() string {
	if r < dropReasons {
		return dropReasonNames[r]
	}
	return "reason " + strconv.Itoa(int(r))
}

func reasonOf(err error) DropReason {
	switch err {
	case ErrMailboxFull:
		return DropMailboxFull
	case errOverBudget:
		return DropOverBudget
	}
	return DropStopped
}

// DeadLetter is published for every message that could not be delivered.
type DeadLetter struct {
	Message any
	From    PID
	To      PID
	Reason  DropReason
}

// Unhandled is published for a message that its receiver had no use for.
type Unhandled struct {
	Message any
	From    PID
	To      PID
}

// deadLetterOffice is the one door through which messages are dropped.
type deadLetterOffice struct {
	counts [dropReasons]atomic.Uint64

	mu     sync.Mutex
	total  uint64 // of those that are worth a line
	logged int
	hushed time.Time // when logging stopped
	silent int       // dropped since then
	closed bool
}

// Dead letters are logged one by one up to a number, then not at all for a while.
const (
	deadLettersLogged = 10
	deadLettersHush   = 5 * time.Minute
)

func (d *deadLetterOffice) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
}

// Drop records that a message will not be delivered: it is counted, logged at
// a limited rate, published as a [DeadLetter], and when an ask waits for its
// answer, that gets [ErrDeadLetter].
func (s *System) Drop(to PID, msg any, from PID, reason DropReason) { s.drop(to, msg, from, reason) }

func (s *System) drop(to PID, msg any, from PID, reason DropReason) {
	s.dropBecause(to, msg, from, reason, nil)
}

// dropBecause is drop with what an asker is to learn besides the reason, if anything.
func (s *System) dropBecause(to PID, msg any, from PID, reason DropReason, cause error) {
	s.deadLetters.counts[reason].Add(1)
	to, msg = plain(to, msg)
	if ofMessages(msg) {
		return // a subscriber that can't take it must not make another of it
	}
	s.logDrop(to, msg, from, reason)
	s.Publish(DeadLetter{Message: msg, From: from, To: to, Reason: reason})
	if f, isFailure := msg.(Failure); isFailure {
		if _, told := f.Err.(*DeadLetterError); told {
			return // it was to say what became of another one
		}
	}
	tellAsker(from, msg, &DeadLetterError{Reason: reason, Cause: cause})
	if reason.isFinal() {
		tellAsker(to, msg, &DeadLetterError{Reason: reason, Cause: cause, Answer: true})
	}
}

// isFinal reports whether the reason lies in the message, or in what its sender may do,
// and not in the connection: so the other node can be told, and no repetition helps.
func (r DropReason) isFinal() bool {
	return r == DropEncode || r == DropTooLarge || r == DropDecode || r == DropRefused
}

// tellAsker answers an ask with err, if it is one that waits. The answer to an ask of
// another node may become a dead letter itself, which is the end of it.
func tellAsker(asker PID, msg any, err *DeadLetterError) {
	if asker.p == nil {
		return
	}
	switch t := asker.p.t.(type) {
	case *reply:
		t.decide(nil, err)
	case *endWatch:
		t.fail(err)
	case *remoteTarget:
		if f, again := msg.(Failure); again && f.Err != nil {
			return
		}
		if isTemp(t.loc.Path) {
			_ = t.deliver(envelope{msg: Failure{Err: err}})
		}
	}
}

// DeadLetterError is the error of an ask whose request, or the answer to it, became a
// dead letter. It is an [ErrDeadLetter], and what its Cause is.
type DeadLetterError struct {
	Reason DropReason
	// Cause says more, where more is known: the failure because of which the actor has
	// stopped, what can't be encoded. It may be nil, and is always nil in one
	// that came from another node: there it is part of the text.
	Cause error
	// Answer: it was the answer, so the request has been handled.
	Answer bool
}

// Error says why.
func (e *DeadLetterError) Error() string {
	text := "dead letter: "
	if e.Answer {
		text = "the answer is a dead letter: "
	}
	text += e.Reason.String()
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns ErrDeadLetter and the cause.
func (e *DeadLetterError) Unwrap() []error {
	if e.Cause != nil {
		return []error{ErrDeadLetter, e.Cause}
	}
	return []error{ErrDeadLetter}
}

// Is reports whether target is [ErrOverloaded] and the reason says so.
func (e *DeadLetterError) Is(target error) bool {
	return target == ErrOverloaded && e.Reason == DropOverloaded
}

// Dropped returns how many messages were dropped for the reason so far.
func (s *System) Dropped(r DropReason) uint64 {
	if r >= dropReasons {
		return 0
	}
	return s.deadLetters.counts[r].Load()
}

// briefMax is how many bytes of a ref get into a log.
const briefMax = 512

// brief cuts and escapes a ref for logs: another node may have made up its path.
func brief(pid PID) string {
	text, more := pid.String(), ""
	if len(text) > briefMax {
		text, more = text[:briefMax], "…"
	}
	q := strconv.Quote(text)
	return q[1:len(q)-1] + more
}

func (s *System) logDrop(to PID, msg any, from PID, reason DropReason) {
	if t, err := s.registry.Of(msg); err == nil && t.Control() {
		// Protocols live with loss and say themselves what matters of it.
		s.log.Debug().Str("to", brief(to)).Str("type", typeName(msg)).Stringer("reason", reason).Msg("dead letter of a protocol")
		return
	}
	d := &s.deadLetters
	now := s.clock.Now()
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	silent := 0
	if d.logged >= deadLettersLogged && now.Sub(d.hushed) >= deadLettersHush {
		silent, d.silent, d.logged = d.silent, 0, 0
	}
	d.logged++
	d.total++
	total := d.total
	last := d.logged == deadLettersLogged
	quiet := d.logged > deadLettersLogged
	if last {
		d.hushed = now
	}
	if quiet {
		d.silent++
	}
	d.mu.Unlock()
	if quiet {
		return
	}
	ev := s.log.Info().Str("to", brief(to)).Str("from", brief(from)).Str("type", typeName(msg)).
		Stringer("reason", reason).Uint64("total", total)
	if silent > 0 {
		ev = ev.Int("unlogged", silent)
	}
	if last {
		ev = ev.Stringer("quiet", deadLettersHush)
	}
	ev.Msg("dead letter")
}

func typeName(msg any) string {
	msg = untraced(msg)
	if msg == nil {
		return "nil"
	}
	return reflect.TypeOf(msg).String()
}

// ofMessages reports whether a message is an event that tells of another message. What
// becomes of those is counted, but no event again: subscribers would keep each other busy
// for good.
func ofMessages(msg any) bool {
	switch msg.(type) {
	case DeadLetter, Unhandled:
		return true
	}
	return false
}

func (s *System) unhandled(c *Context) {
	s.act(Act{Kind: ActUnhandled, Actor: c.Self(), Other: c.Sender(), Message: c.msg})
	if ok, unlogged := s.floods.take(floodOfUnhandled, c.cell, s.clock.Now()); ok {
		s.log.Debug().Str("actor", c.cell.path()).Str("type", typeName(c.msg)).Func(unlogged).Msg("unhandled message")
	}
	if !ofMessages(c.msg) {
		s.Publish(Unhandled{Message: c.msg, From: c.Sender(), To: c.Self()})
	}
}
