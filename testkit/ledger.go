package testkit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// Ledger keeps the books of a system's messages: each one that was sent to an
// actor is handled, or becomes a dead letter with a reason, or still waits; what
// was stashed counts as sent once more. [New] keeps one for every system; others
// give [Ledger.Observer] to theirs. The zero value is ready. It is safe for
// concurrent use.
type Ledger struct {
	mu       sync.Mutex
	accounts map[actor.PID]*account
	reasons  map[actor.DropReason]uint64
}

// account is the messages of one actor.
type account struct{ sent, stashed, handled, dropped int }

// waiting is what has come in and not gone out.
func (a *account) waiting() int { return a.sent + a.stashed - a.handled - a.dropped }

func (a *account) String() string {
	return fmt.Sprintf("%d sent and %d stashed, but %d handled and %d dead letters", a.sent, a.stashed, a.handled, a.dropped)
}

// Observer returns what the system has to be given.
func (l *Ledger) Observer() *actor.Observer {
	return &actor.Observer{Send: l.send, Act: l.act}
}

func (l *Ledger) send(s actor.Sending) (any, error) {
	if !s.Answer && !order(s.Message) {
		l.enter(s.To, func(a *account) { a.sent++ })
	}
	return s.Message, nil
}

// order reports whether a message is for the runtime, which has nothing left to do
// about it when the actor has stopped anyway.
func order(msg any) bool {
	switch msg.(type) {
	case actor.PoisonPill, actor.Kill:
		return true
	}
	return false
}

func (l *Ledger) act(act actor.Act) {
	if order(act.Message) {
		return
	}
	switch act.Kind {
	case actor.ActHandled:
		if !act.Own {
			l.enter(act.Actor, func(a *account) { a.handled++ })
		}
	case actor.ActStashed:
		l.enter(act.Actor, func(a *account) { a.stashed++ })
	case actor.ActDropped:
		l.enter(act.Actor, func(a *account) {
			a.dropped++
			if l.reasons == nil {
				l.reasons = map[actor.DropReason]uint64{}
			}
			l.reasons[act.Reason]++
		})
	}
}

func (l *Ledger) enter(who actor.PID, change func(*account)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[who]
	if a == nil {
		if l.accounts == nil {
			l.accounts = map[actor.PID]*account{}
		}
		a = &account{}
		l.accounts[who] = a
	}
	change(a)
}

// Check fails the test unless the books of sys balance. The system must have
// stopped: then nothing waits any more.
func (l *Ledger) Check(t testing.TB, sys *actor.System) {
	t.Helper()
	var wrong []string
	for range settleLooks {
		if wrong = l.Wrong(sys); len(wrong) == 0 {
			return
		}
		time.Sleep(settlePause) // somebody may be at sending something to who has stopped
	}
	t.Errorf("messages were lost, or came from nowhere:\n  %s", strings.Join(wrong, "\n  "))
}

// A ledger that doesn't balance is looked at so often before the test fails.
const (
	settleLooks = 100
	settlePause = 10 * time.Millisecond
)

// Wrong returns what doesn't balance in the books of a system that has stopped.
func (l *Ledger) Wrong(sys *actor.System) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wrong []string
	for _, who := range l.sorted() {
		if a := l.accounts[who]; a.waiting() != 0 {
			wrong = append(wrong, fmt.Sprintf("%v: %v", who, a))
		}
	}
	for _, r := range slices.Sorted(maps.Keys(l.reasons)) {
		if n, counted := l.reasons[r], sys.Dropped(r); n > counted {
			wrong = append(wrong, fmt.Sprintf("%d dead letters (%v), of which the system counted %d", n, r, counted))
		}
	}
	return wrong
}

func (l *Ledger) sorted() []actor.PID {
	pids := make([]actor.PID, 0, len(l.accounts))
	for p := range l.accounts { //det:ok sorted below
		pids = append(pids, p)
	}
	slices.SortFunc(pids, byBirth)
	return pids
}

// byBirth orders actors of one system by when they were spawned.
func byBirth(a, b actor.PID) int { return cmp.Compare(a.Location().ID, b.Location().ID) }

// Together makes one observer of many: a message goes through their Send in the
// order given, a factory through their Spawn. Those that are nil are left out.
func Together(observers ...*actor.Observer) *actor.Observer {
	observers = slices.DeleteFunc(slices.Clone(observers), func(o *actor.Observer) bool { return o == nil })
	switch len(observers) {
	case 0:
		return nil
	case 1:
		return observers[0]
	}
	return &actor.Observer{
		Spawn: func(s actor.Spawning) func() actor.Actor {
			for _, o := range observers {
				if o.Spawn != nil {
					s.Factory = o.Spawn(s)
				}
			}
			return s.Factory
		},
		Send: func(s actor.Sending) (any, error) {
			for _, o := range observers {
				if o.Send == nil {
					continue
				}
				msg, err := o.Send(s)
				if err != nil {
					return nil, err
				}
				s.Message = msg
			}
			return s.Message, nil
		},
		Act: func(a actor.Act) {
			for _, o := range observers {
				if o.Act != nil {
					o.Act(a)
				}
			}
		},
	}
}
