package actor

import "sync/atomic"

// signalKind is the kind of a signal.
type signalKind uint8

const (
	signalStop       signalKind = iota // stop, after the children
	signalWatch                        // from wants to know when the cell stops
	signalUnwatch                      // from no longer wants to
	signalTerminated                   // from, which is watched, has stopped
	signalFailed                       // the child from failed with err
	signalChildGone                    // the child from, the last one or a guardian, has stopped
	signalRestart                      // replace the actor because of err
	signalResume                       // go on after a failure
	signalContinue                     // run fn as a turn
	signalInspect                      // answer the inspection in then
	signalSuspend                      // an ancestor has failed
	signalRelease                      // an ancestor goes on after its failure
)

// signal is a message of the runtime to a cell. Signals go before user
// messages.
type signal struct {
	kind signalKind
	from *process
	// as is the ref that a watcher used for the watched actor: what its
	// Terminated has to name.
	as   *process
	err  error
	then *continuation
}

// continuation is a function that runs as a turn, unless the incarnation that
// ordered it is gone by then.
type continuation struct {
	incarnation uint32
	fn          func()
	await       bool // messages wait for it
	detached    bool // the deadline of from doesn't count
	msg         any
	from        *process
}

// signals are what the runtime itself has to say to a cell, many senders and one
// consumer: a stack, the newest on top, which is taken as a whole.
type signals struct{ top atomic.Pointer[waitingSignal] }

// waitingSignal is a signal and what comes after it: the next older one in the
// stack, the next newer one once they were taken.
type waitingSignal struct {
	signal
	next *waitingSignal
}

var (
	// signalsShut is what is on top when no signal is taken any more.
	signalsShut = &waitingSignal{}
	// plainStop stands for every stop that is the first to come: many actors
	// are told to stop and nothing else. Nothing is changed in it.
	plainStop = &waitingSignal{signal: signal{kind: signalStop}}
)

// push adds s and reports whether the cell will see it.
func (q *signals) push(s signal) bool {
	var w *waitingSignal
	for {
		top := q.top.Load()
		switch {
		case top == signalsShut:
			return false
		case top == nil && s.kind == signalStop && s.from == nil:
			w = plainStop
		case w == nil || w == plainStop:
			w = &waitingSignal{signal: s, next: top}
		default:
			w.next = top
		}
		if q.top.CompareAndSwap(top, w) {
			return true
		}
	}
}

// waiting reports whether there are signals.
func (q *signals) waiting() bool { top := q.top.Load(); return top != nil && top != signalsShut }

// take returns everything that waits, oldest first. Only the consumer calls it.
func (q *signals) take() *waitingSignal {
	if !q.waiting() {
		return nil
	}
	return inOrderOfSending(q.top.Swap(nil))
}

func inOrderOfSending(newest *waitingSignal) (oldest *waitingSignal) {
	for w := newest; w != nil && w != signalsShut; {
		older := w.next
		if w == plainStop {
			if oldest == nil {
				return w
			}
			w = &waitingSignal{signal: w.signal}
		}
		w.next, oldest = oldest, w
		w = older
	}
	return oldest
}

// close refuses all further signals and returns those that were waiting, oldest
// first. Only the consumer calls it.
func (q *signals) close() *waitingSignal { return inOrderOfSending(q.top.Swap(signalsShut)) }
