package persistencetest

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// Journal checks that a plug-in is a [persistence.Journal]. open returns an
// empty one every time it is called.
func Journal(t testing.TB, open func(t testing.TB) persistence.Journal) {
	t.Helper()
	runAll(t, open, journalChecks)
	runAll(t, open, fenceChecks)
	runAll(t, open, raceChecks)
}

var journalChecks = []check[persistence.Journal]{
	{"T01 T20 T21: events come back as they were written", fidelity},
	{"T01..T11: a replay yields the events of its range in order", windows},
	{"T11: an unknown id has no events", unknownID},
	{"an append is stored whole or not at all", wholeOrNothing},
	{"an append has to follow the last event", conflicts},
	{"T12..T18: deleted events are gone and their numbers are not used again", deletion},
	{"ids that look alike are different ids", independentIDs},
	{"arguments outside the contract are refused", invalidArguments},
	{"the bounds of the contract are reached", largest},
	{"an ended context ends the call and stores nothing", endedContext},
	{"the journal keeps no slice of the caller", ownSlices},
	{"a replay is independent of what happens meanwhile", interleavedReplay},
	{"a long replay is complete", longReplay},
	{"random calls have the results of the model", likeTheModel},
}

func fidelity(t testing.TB, j persistence.Journal) {
	const id = "account|ümlaut/\x01 |'\"%_"
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	full := epoch(1)
	events := []persistence.Event{
		{Seq: 1, Name: "plain", Payload: []byte("x"), Time: base},
		{Seq: 2, Name: "every.byte", Payload: every, Time: base.In(time.FixedZone("X", 3600)), Tags: []string{"b", "a", "a"}},
		{Seq: 3, Name: "nothing.at.all"},
		{Seq: 4, Name: "empty", Payload: []byte{}, Tags: []string{}, Time: time.Unix(0, 0)},
		{Seq: 5, Name: "before.1970", Time: time.Date(1700, 1, 1, 0, 0, 0, 1, time.UTC), Tags: []string{"ключ", `"quoted", with comma`}},
		{Seq: 6, Name: "far.off", Time: time.Date(2250, 1, 1, 0, 0, 0, 999, time.UTC)},
	}
	if err := j.Append(context.Background(), id, full, events[:4]); err != nil {
		t.Fatalf("append: %v", err)
	}
	if err := j.Append(context.Background(), id, full, events[4:]); err != nil {
		t.Fatalf("append: %v", err)
	}
	want := make([]persistence.Event, len(events))
	for i, e := range events {
		e.PersistenceID, e.Epoch = id, full
		if !e.Time.IsZero() {
			e.Time = e.Time.UTC()
		}
		want[i] = e
	}
	wantStored(t, j, id, want)

	const other = "other"
	biggest := actor.Epoch{Cluster: math.MaxUint64, Node: math.MaxUint64, Count: math.MaxUint64}
	mustAppend(t, j, other, biggest, 1, 1)
	wantStored(t, j, other, Events(other, biggest, 1, 1))
}

func windows(t testing.TB, j persistence.Journal) {
	const id = "window"
	mustAppend(t, j, id, epoch(1), 1, 1)
	mustAppend(t, j, id, epoch(1), 2, 3)
	mustAppend(t, j, id, epoch(1), 4, 5)
	for _, w := range []struct{ from, to, first, last uint64 }{
		{1, persistence.SeqMax, 1, 5},
		{0, math.MaxUint64, 1, 5},
		{3, persistence.SeqMax, 3, 5},
		{1, 3, 1, 3},
		{2, 3, 2, 3},
		{2, 2, 2, 2},
		{5, 9, 5, 5},
		{3, 2, 1, 0},
		{0, 0, 1, 0},
		{6, persistence.SeqMax, 1, 0},
		{math.MaxUint64, math.MaxUint64, 1, 0},
	} {
		wantSeqs(t, j, id, w.from, w.to, w.first, w.last)
	}
	wantHighest(t, j, id, 5)
}

func unknownID(t testing.TB, j persistence.Journal) {
	wantStored(t, j, "nobody", nil)
	wantHighest(t, j, "nobody", 0)
	mustClaim(t, j, "nobody", epoch(1), 0)
	wantHighest(t, j, "nobody", 0)
	wantStored(t, j, "nobody", nil)
	if err := j.DeleteTo(context.Background(), "nobody", epoch(1), 10); err != nil {
		t.Fatalf("delete of an id without events: %v", err)
	}
	mustAppend(t, j, "nobody", epoch(1), 1, 1)
}

func wholeOrNothing(t testing.TB, j persistence.Journal) {
	const id = "whole"
	mustAppend(t, j, id, epoch(1), 1, 2)
	bad := Events(id, epoch(1), 3, 5)
	bad[2].Seq = 7
	wantError(t, "append with a gap inside", j.Append(context.Background(), id, epoch(1), bad), persistence.ErrInvalid)
	bad = Events(id, epoch(1), 3, 5)
	bad[2].Name = ""
	wantError(t, "append whose last event has no name", j.Append(context.Background(), id, epoch(1), bad), persistence.ErrInvalid)
	wantError(t, "append whose first event exists", j.Append(context.Background(), id, epoch(1), Events(id, epoch(1), 2, 4)), persistence.ErrConflict)
	wantStored(t, j, id, Events(id, epoch(1), 1, 2))
	wantHighest(t, j, id, 2)
	mustAppend(t, j, id, epoch(1), 3, 5)
	wantStored(t, j, id, Events(id, epoch(1), 1, 5))
}

func conflicts(t testing.TB, j persistence.Journal) {
	const id = "conflict"
	ctx := context.Background()
	wantError(t, "first append begins at 2", j.Append(ctx, id, epoch(1), Events(id, epoch(1), 2, 2)), persistence.ErrConflict)
	mustAppend(t, j, id, epoch(1), 1, 3)
	for _, first := range []uint64{1, 3, 5, persistence.SeqMax} {
		err := j.Append(ctx, id, epoch(1), Events(id, epoch(1), first, first))
		wantError(t, "append that doesn't follow event 3", err, persistence.ErrConflict)
	}
	wantStored(t, j, id, Events(id, epoch(1), 1, 3))
}

func deletion(t testing.TB, j persistence.Journal) {
	const id = "deletion"
	ctx := context.Background()
	mustAppend(t, j, id, epoch(1), 1, 5)
	mustDelete := func(seq uint64) {
		t.Helper()
		if err := j.DeleteTo(ctx, id, epoch(1), seq); err != nil {
			t.Fatalf("delete to %d: %v", seq, err)
		}
	}
	mustDelete(3)
	for _, w := range []struct{ from, to, first, last uint64 }{
		{1, persistence.SeqMax, 4, 5}, {3, persistence.SeqMax, 4, 5}, {4, persistence.SeqMax, 4, 5},
		{1, 2, 1, 0}, {1, 3, 1, 0}, {1, 4, 4, 4},
	} {
		wantSeqs(t, j, id, w.from, w.to, w.first, w.last)
	}
	wantHighest(t, j, id, 5)
	mustDelete(2)
	mustDelete(3)
	wantSeqs(t, j, id, 1, persistence.SeqMax, 4, 5)
	mustAppend(t, j, id, epoch(1), 6, 6)
	mustDelete(math.MaxUint64)
	wantStored(t, j, id, nil)
	wantHighest(t, j, id, 6)
	mustClaim(t, j, id, epoch(1), 6)
	wantError(t, "append of a deleted number", j.Append(ctx, id, epoch(1), Events(id, epoch(1), 1, 1)), persistence.ErrConflict)
	mustAppend(t, j, id, epoch(1), 7, 8)
	wantStored(t, j, id, Events(id, epoch(1), 7, 8))
}

func independentIDs(t testing.TB, j persistence.Journal) {
	ids := []string{"a", "A", "a ", " a", "a|1", "a|10", "a\x00", "a\x00b", "á", "a\u0301", "1", "01", "1.0", strings.Repeat("a", persistence.IDMax)}
	for i, id := range ids {
		mustAppend(t, j, id, epoch(uint64(i)), 1, uint64(i+1))
	}
	for i, id := range ids {
		wantStored(t, j, id, Events(id, epoch(uint64(i)), 1, uint64(i+1)))
		wantHighest(t, j, id, uint64(i+1))
	}
}

func invalidArguments(t testing.TB, j persistence.Journal) {
	ctx := context.Background()
	valid := Events("x", epoch(1), 1, 1)
	change := func(f func(e *persistence.Event)) []persistence.Event {
		e := valid[0]
		f(&e)
		return []persistence.Event{e}
	}
	for _, c := range []struct {
		what   string
		id     string
		events []persistence.Event
	}{
		{"empty id (P007)", "", valid},
		{"long id", strings.Repeat("x", persistence.IDMax+1), valid},
		{"id that isn't UTF-8", "x\xff", valid},
		{"number 0", "x", change(func(e *persistence.Event) { e.Seq = 0 })},
		{"number beyond the largest", "x", change(func(e *persistence.Event) { e.Seq = persistence.SeqMax + 1 })},
		{"no name", "x", change(func(e *persistence.Event) { e.Name = "" })},
		{"long name", "x", change(func(e *persistence.Event) { e.Name = strings.Repeat("n", persistence.NameMax+1) })},
		{"large payload", "x", change(func(e *persistence.Event) { e.Payload = make([]byte, persistence.PayloadMax+1) })},
		{"many tags", "x", change(func(e *persistence.Event) { e.Tags = make([]string, persistence.TagsMax+1) })},
		{"empty tag", "x", change(func(e *persistence.Event) { e.Tags = []string{""} })},
		{"many events", "x", Events("x", epoch(1), 1, persistence.AppendMax+1)},
	} {
		wantError(t, "append with "+c.what, j.Append(ctx, c.id, epoch(1), c.events), persistence.ErrInvalid)
	}
	_, err := j.Claim(ctx, "", epoch(1))
	wantError(t, "claim of the empty id", err, persistence.ErrInvalid)
	_, err = j.HighestSeq(ctx, "")
	wantError(t, "highest of the empty id", err, persistence.ErrInvalid)
	wantError(t, "delete of the empty id", j.DeleteTo(ctx, "", epoch(1), 1), persistence.ErrInvalid)
	wantReplayError(t, j, ctx, "", persistence.ErrInvalid)
	wantStored(t, j, "x", nil)
	mustAppend(t, j, "x", actor.Epoch{}, 1, 1) // none of the refused calls raised the fence
}

func wantReplayError(t testing.TB, j persistence.Journal, ctx context.Context, id string, want error) {
	t.Helper()
	pairs := 0
	for _, err := range j.Replay(ctx, id, 1, persistence.SeqMax) {
		pairs++
		wantError(t, "replay", err, want)
	}
	if pairs != 1 {
		t.Fatalf("a failing replay yielded %d pairs, want the error alone", pairs)
	}
}

func largest(t testing.TB, j persistence.Journal) {
	id := strings.Repeat("i", persistence.IDMax)
	e := persistence.Event{
		PersistenceID: id, Epoch: epoch(1), Seq: 1, Time: base,
		Name:    strings.Repeat("n", persistence.NameMax),
		Payload: bytes.Repeat([]byte{0xfe}, persistence.PayloadMax),
	}
	for range persistence.TagsMax {
		e.Tags = append(e.Tags, strings.Repeat("t", persistence.NameMax))
	}
	if err := j.Append(context.Background(), id, epoch(1), []persistence.Event{e}); err != nil {
		t.Fatalf("append of the largest event: %v", err)
	}
	wantStored(t, j, id, []persistence.Event{e})
	mustAppend(t, j, "many", epoch(1), 1, persistence.AppendMax)
	wantSeqs(t, j, "many", 1, persistence.SeqMax, 1, persistence.AppendMax)
}

func endedContext(t testing.TB, j persistence.Journal) {
	const id = "ended"
	mustAppend(t, j, id, epoch(1), 1, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, "append", j.Append(ctx, id, epoch(2), Events(id, epoch(2), 2, 2)), context.Canceled)
	_, err := j.Claim(ctx, id, epoch(2))
	wantError(t, "claim", err, context.Canceled)
	wantError(t, "delete", j.DeleteTo(ctx, id, epoch(2), 1), context.Canceled)
	_, err = j.HighestSeq(ctx, id)
	wantError(t, "highest sequence number", err, context.Canceled)
	wantReplayError(t, j, ctx, id, context.Canceled)
	mustAppend(t, j, id, epoch(1), 2, 2)
	wantStored(t, j, id, Events(id, epoch(1), 1, 2))
}

func ownSlices(t testing.TB, j persistence.Journal) {
	const id = "slices"
	spoil := func(e *persistence.Event) {
		for i := range e.Payload {
			e.Payload[i] = '!'
		}
		for i := range e.Tags {
			e.Tags[i] = "!"
		}
	}
	events := Events(id, epoch(1), 1, 2)
	if err := j.Append(context.Background(), id, epoch(1), events); err != nil {
		t.Fatalf("append: %v", err)
	}
	for i := range events {
		spoil(&events[i])
	}
	wantStored(t, j, id, Events(id, epoch(1), 1, 2))
	for _, e := range collect(t, j, id, 1, 2) {
		spoil(&e)
	}
	wantStored(t, j, id, Events(id, epoch(1), 1, 2))
}

func interleavedReplay(t testing.TB, j persistence.Journal) {
	const id = "interleaved"
	ctx := context.Background()
	mustAppend(t, j, id, epoch(1), 1, 20)
	replay := j.Replay(ctx, id, 1, persistence.SeqMax)
	for e, err := range replay {
		if err != nil {
			t.Fatalf("replay: %v", err)
		}
		if e.Seq == 5 {
			break
		}
	}
	var seen uint64
	for e, err := range replay { // the same sequence again, from its beginning
		if err != nil {
			t.Fatalf("replay: %v", err)
		}
		seen++
		if e.Seq != seen {
			t.Fatalf("replay yielded event %d, want %d", e.Seq, seen)
		}
		mustAppend(t, j, id, epoch(1), 20+seen, 20+seen)
		wantSeqs(t, j, id, seen, seen+1, seen, seen+1)
	}
	if seen != 20 {
		t.Fatalf("replay yielded %d events, want the 20 that were there when it began", seen)
	}
	wantSeqs(t, j, id, 1, persistence.SeqMax, 1, 40)
}

func longReplay(t testing.TB, j persistence.Journal) {
	const id = "long"
	const total = 3000
	for first := uint64(1); first <= total; first += 500 {
		mustAppend(t, j, id, epoch(1), first, first+499)
	}
	wantStored(t, j, id, Events(id, epoch(1), 1, total))
	wantSeqs(t, j, id, 1234, 2345, 1234, 2345)
}

// likeTheModel makes the same random calls to the journal and to the one in
// memory, which is simple enough to be read in one go.
func likeTheModel(t testing.TB, j persistence.Journal) {
	const seed = 20260301
	random := rand.New(rand.NewPCG(seed, seed))
	model := persistence.NewMemory()
	ctx := context.Background()
	ids := []string{"m1", "m2", "m3"}
	for step := range 600 {
		id, e := ids[random.IntN(len(ids))], epoch(uint64(random.IntN(4)+step/150))
		if random.IntN(20) == 0 {
			e = actor.Epoch{}
		}
		highest, _ := model.HighestSeq(ctx, id)
		var got, want error
		switch op := random.IntN(10); {
		case op < 5:
			first := highest + 1
			if random.IntN(8) == 0 {
				first = highest + uint64(random.IntN(3))
			}
			first = max(first, 1)
			events := Events(id, e, first, first+uint64(random.IntN(4))-1)
			got, want = j.Append(ctx, id, e, events), model.Append(ctx, id, e, events)
		case op < 7:
			var a, b uint64
			a, got = j.Claim(ctx, id, e)
			b, want = model.Claim(ctx, id, e)
			if a != b {
				t.Fatalf("seed %d step %d: claim returned %d, the model %d", seed, step, a, b)
			}
		case op < 8:
			seq := uint64(random.IntN(int(highest) + 3))
			got, want = j.DeleteTo(ctx, id, e, seq), model.DeleteTo(ctx, id, e, seq)
		default:
			from, to := uint64(random.IntN(int(highest)+3)), uint64(random.IntN(int(highest)+3))
			a, b := collect(t, j, id, from, to), collect(t, model, id, from, to)
			if len(a) != len(b) || len(a) > 0 && (differ(a[0], b[0]) != "" || differ(a[len(a)-1], b[len(b)-1]) != "") {
				t.Fatalf("seed %d step %d: replay of %q from %d to %d differs from the model's", seed, step, id, from, to)
			}
		}
		if kind(got) != kind(want) {
			t.Fatalf("seed %d step %d: error is %v, the model's %v", seed, step, got, want)
		}
	}
	for _, id := range ids {
		wantStored(t, j, id, collect(t, model, id, 0, persistence.SeqMax))
	}
}
