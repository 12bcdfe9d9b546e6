package simtest_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/testkit/simtest"
)

// A tally is an event-sourced list of the operations that were put into it,
// each at most once. Who asks for it gets its length and a hash over it, so
// that every answer can be compared with the final journal.
type tally struct {
	Ops  []uint64
	Hash uint64
}

// command is what a tally takes.
type command interface{ isCommand() }

// put asks for an operation to be stored.
type put struct {
	actor.Returns[result]
	Op uint64
}

// look asks for the present state; as a command that stores nothing it may
// come from an owner who was replaced and doesn't know it.
type look struct{ actor.Returns[result] }

func (put) isCommand()  {}
func (look) isCommand() {}

// added is the event of a put.
type added struct{ Op uint64 }

// result is the state after a command.
type result struct {
	Len  int
	Hash uint64
}

func (t tally) with(op uint64) tally {
	return tally{Ops: append(t.Ops, op), Hash: (t.Hash ^ op) * 0x9e3779b97f4a7c15}
}

func (t tally) result() result { return result{Len: len(t.Ops), Hash: t.Hash} }

// tallying is the behaviour.
type tallying struct {
	persistence.Effects[tally, added]
	recovered func(seq uint64)
}

func (b tallying) Decide(t tally, c command) persistence.Effect[tally, added] {
	state := func(t tally) any { return t.result() }
	switch m := c.(type) {
	case put:
		if slices.Contains(t.Ops, m.Op) {
			return b.None().ReplyWith(state)
		}
		return b.Persist(added{m.Op}).ReplyWith(state)
	case look:
		return b.None().ReplyWith(state)
	}
	return b.Unhandled()
}

func (b tallying) Evolve(t tally, e added) tally { return t.with(e.Op) }

func (b tallying) Signal(_ *actor.Context, t tally, signal any) {
	if s, ok := signal.(persistence.RecoveryCompleted); ok && b.recovered != nil {
		b.recovered(s.Seq)
	}
}

// registerTally makes the types known that travel or are stored.
func registerTally(reg *codec.Registry) error {
	for _, err := range []error{
		codec.Register[tally](reg, "simtest.tally.v1"), codec.Register[added](reg, "simtest.added.v1"),
		codec.Register[put](reg, "simtest.put.v1"), codec.Register[look](reg, "simtest.look.v1"),
		codec.Register[result](reg, "simtest.result.v1"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// ledger is what the clients know: which operations they sent to which tally,
// which were acknowledged, and every answer.
type ledger struct {
	w       *simtest.World
	writes  *simtest.Writes
	lastOp  uint64
	acked   map[string][]uint64
	answers map[string]map[result]bool
	puts    map[string][]putting
	looks   map[string]history
	// verifying makes owners ask the journal before they answer from memory. exact
	// says that nobody answers from memory who was replaced: because of that, or
	// since no fault hides one owner from the next.
	verifying, exact bool
	count            int // acknowledged operations
	failed           int // asks without an answer
}

func newLedger(w *simtest.World) *ledger {
	return &ledger{
		w: w, writes: simtest.NewWrites(w), acked: map[string][]uint64{}, answers: map[string]map[result]bool{},
		puts: map[string][]putting{}, looks: map[string]history{},
	}
}

// putting is an operation that somebody has sent: when, and until when it was tried.
type putting struct {
	op       uint64
	from, to time.Duration
}

// asking is one try to send a command.
type asking func(c actor.Request[result]) (result, error)

// through sends with an ask to a ref.
func through(ref actor.Ref[command]) asking {
	return func(c actor.Request[result]) (result, error) { return actor.Ask(context.Background(), ref, c) }
}

// put sends one new operation until it is acknowledged.
func (l *ledger) put(n *simtest.Node, id string, ask asking) {
	l.lastOp++
	op, at := l.lastOp, len(l.puts[id])
	began := l.w.Elapsed()
	l.puts[id] = append(l.puts[id], putting{op: op, from: began, to: never})
	for {
		tried := l.w.Elapsed()
		r, err := ask(put{Op: op})
		if err == nil {
			if !l.exact {
				tried = began // from when on the answer was true
			}
			l.puts[id][at].to = l.w.Elapsed()
			l.count++
			l.acked[id] = append(l.acked[id], op)
			l.saw(id, tried, r)
			l.writes.Acked(id, uint64(r.Len))
			return
		}
		l.failed++
		sleep(n, 50*time.Millisecond)
	}
}

// look asks once for the state.
func (l *ledger) look(id string, ask asking) {
	tried := l.w.Elapsed()
	r, err := ask(look{})
	switch {
	case err != nil:
		l.failed++
	case l.exact:
		l.saw(id, tried, r)
	default:
		l.note(id, r)
	}
}

// saw notes an answer that was true at some time since from.
func (l *ledger) saw(id string, from time.Duration, r result) {
	l.note(id, r)
	h := l.looks[id]
	h.add(0, from, l.w.Elapsed(), r)
	l.looks[id] = h
}

func (l *ledger) note(id string, r result) {
	if l.answers[id] == nil {
		l.answers[id] = map[result]bool{}
	}
	l.answers[id][r] = true
}

// audit compares all answers with what the journal says in the end: every
// acknowledged operation is there once, every answer was a state that the tally once
// had, and all of them respect real time.
func (l *ledger) audit() {
	for _, id := range slices.Sorted(maps.Keys(l.answers)) {
		var t tally
		there := map[uint64]bool{}
		states := map[result]bool{t.result(): true}
		after := map[uint64]result{}
		for e, err := range l.w.Stored().Replay(context.Background(), id, 1, persistence.SeqMax) {
			require.NoError(l.w.T(), err)
			op, err := decodeAdded(e)
			require.NoError(l.w.T(), err)
			if there[op] {
				l.w.Failf("operation %d is in %s twice", op, id)
			}
			there[op] = true
			t = t.with(op)
			states[t.result()] = true
			after[op] = t.result()
		}
		for r := range l.answers[id] {
			if !states[r] {
				l.w.Failf("%s never was what it was said to be: %+v", id, r)
			}
		}
		for _, op := range l.acked[id] {
			if !there[op] {
				l.w.Failf("operation %d of %s was acknowledged and is lost", op, id)
			}
		}
		h := l.looks[id]
		for _, p := range l.puts[id] {
			if r, stored := after[p.op]; stored {
				h.add(p.op, p.from, p.to, r)
			}
		}
		if !h.linearizable() {
			l.w.Failf("the answers of %s don't respect real time: %+v", id, h)
		}
	}
}

func decodeAdded(e persistence.Event) (uint64, error) {
	reg := codec.NewRegistry()
	if err := registerTally(reg); err != nil {
		return 0, err
	}
	v, err := reg.Decode(codec.Scope{Registry: reg}, e.Name, e.Payload)
	if err != nil {
		return 0, err
	}
	a, ok := v.(added)
	if !ok {
		return 0, fmt.Errorf("event %d of %s is a %T", e.Seq, e.PersistenceID, v)
	}
	return a.Op, nil
}
