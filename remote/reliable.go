package remote

import "time"

// outWindow is the sending half of the acknowledged stream of system messages to
// one incarnation: it numbers them from 1, keeps them until they are
// acknowledged, and says what to send again and when.
type outWindow struct {
	next    uint64 // number of the next message; 0 counts as 1
	kept    []kept
	bytes   int
	wait    time.Duration // between the last sending and the next resending
	dueAt   time.Time
	movedAt time.Time // when an acknowledgement last removed something, or the first was kept
}

type kept struct {
	seq   uint64
	frame []byte
}

// windowLimits bounds an outWindow.
type windowLimits struct {
	count      int
	bytes      int
	resendMin  time.Duration
	resendMax  time.Duration
	resendSize int // bytes that one timed resending may take
}

// push numbers a message and keeps it. It reports false when the window is full:
// then the pair of incarnations is done for.
func (w *outWindow) push(now time.Time, lim windowLimits, encode func(seq uint64) []byte) ([]byte, bool) {
	w.next = max(w.next, 1)
	frame := encode(w.next)
	if len(w.kept) >= lim.count || w.bytes+len(frame) > lim.bytes {
		return nil, false
	}
	if len(w.kept) == 0 {
		w.wait, w.dueAt, w.movedAt = lim.resendMin, now.Add(lim.resendMin), now
	}
	w.kept = append(w.kept, kept{seq: w.next, frame: frame})
	w.bytes += len(frame)
	w.next++
	return frame, true
}

// ack removes everything up to seq. Numbers that were never sent are ignored.
func (w *outWindow) ack(now time.Time, lim windowLimits, seq uint64) {
	if seq >= w.next {
		return
	}
	n := 0
	for n < len(w.kept) && w.kept[n].seq <= seq {
		w.bytes -= len(w.kept[n].frame)
		n++
	}
	if n == 0 {
		return
	}
	clear(w.kept[:n])
	if w.kept = w.kept[n:]; len(w.kept) == 0 {
		w.kept = nil
	}
	w.wait, w.dueAt, w.movedAt = lim.resendMin, now.Add(lim.resendMin), now
}

// due returns what to send again by the clock, and doubles the time to the next.
func (w *outWindow) due(now time.Time, lim windowLimits) [][]byte {
	if len(w.kept) == 0 || now.Before(w.dueAt) {
		return nil
	}
	w.wait = min(2*w.wait, lim.resendMax)
	w.dueAt = now.Add(w.wait)
	return w.first(lim.resendSize)
}

// nack is an acknowledgement up to seq that asks for what follows.
func (w *outWindow) nack(now time.Time, lim windowLimits, seq uint64) [][]byte {
	w.ack(now, lim, seq)
	if len(w.kept) == 0 {
		return nil
	}
	w.dueAt = now.Add(w.wait)
	return w.first(lim.resendSize)
}

// reopened returns everything kept: a new connection begins with it.
func (w *outWindow) reopened(now time.Time, lim windowLimits) [][]byte {
	w.wait, w.dueAt = lim.resendMin, now.Add(lim.resendMin)
	return w.first(lim.bytes)
}

func (w *outWindow) first(size int) [][]byte {
	var all [][]byte
	for _, k := range w.kept {
		if size -= len(k.frame); size < 0 && len(all) > 0 {
			break
		}
		all = append(all, k.frame)
	}
	return all
}

// inWindow is the receiving half: it takes each number once and in order.
type inWindow struct{ got uint64 }

// verdict is what to do with an arrived number.
type verdict uint8

const (
	verdictDeliver   verdict = iota // the next one
	verdictDuplicate                // seen before: acknowledge again
	verdictGap                      // something is missing before it
)

func (w *inWindow) take(seq uint64) verdict {
	switch {
	case seq <= w.got:
		return verdictDuplicate
	case seq > w.got+1:
		return verdictGap
	}
	w.got = seq
	return verdictDeliver
}
