package persistencetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// check is one rule of the kit and the test of it.
type check[S any] struct {
	rule string
	test func(t testing.TB, store S)
}

func runAll[S any](t testing.TB, open func(t testing.TB) S, checks []check[S]) {
	t.Helper()
	for _, c := range checks {
		run(t, c.rule, func(t testing.TB) { c.test(t, open(t)) })
	}
}

// run makes a subtest of f where t has subtests.
func run(t testing.TB, name string, f func(t testing.TB)) {
	t.Helper()
	if t, ok := t.(*testing.T); ok {
		t.Run(name, func(t *testing.T) { f(t) })
		return
	}
	t.Logf("checking: %s", name)
	f(t)
}

// base is the instant at which the events of the kit happen.
var base = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// epoch returns the n-th epoch of one grantor.
func epoch(n uint64) actor.Epoch { return actor.Epoch{Cluster: 1 << 60, Node: 3, Count: n} }

// Events returns events of id numbered from first to last, each with its own
// payload, time and tags, as an append takes them and a replay returns them
// after an append under epoch.
func Events(id string, epoch actor.Epoch, first, last uint64) []persistence.Event {
	var events []persistence.Event
	for seq := first; seq <= last; seq++ {
		events = append(events, persistence.Event{
			PersistenceID: id,
			Seq:           seq,
			Epoch:         epoch,
			Name:          "kit.Counted.v1",
			Payload:       fmt.Appendf(nil, "%s:%d\x00", id, seq),
			Time:          base.Add(time.Duration(seq) * time.Millisecond),
			Tags:          []string{"kit", fmt.Sprintf("mod3=%d", seq%3)},
		})
	}
	return events
}

func mustAppend(t testing.TB, j persistence.EventWriter, id string, e actor.Epoch, first, last uint64) {
	t.Helper()
	if err := j.Append(context.Background(), id, e, Events(id, e, first, last)); err != nil {
		t.Fatalf("append of events %d to %d of %q: %v", first, last, id, err)
	}
}

func mustClaim(t testing.TB, j persistence.EventWriter, id string, e actor.Epoch, want uint64) {
	t.Helper()
	highest, err := j.Claim(context.Background(), id, e)
	if err != nil {
		t.Fatalf("claim of %q under epoch %v: %v", id, e, err)
	}
	if highest != want {
		t.Fatalf("claim of %q returned highest sequence number %d, want %d", id, highest, want)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want one that is %q", what, err, want)
	}
}

// collect reads a whole replay.
func collect(t testing.TB, j persistence.EventReader, id string, from, to uint64) []persistence.Event {
	t.Helper()
	var events []persistence.Event
	for e, err := range j.Replay(context.Background(), id, from, to) {
		if err != nil {
			t.Fatalf("replay of %q from %d to %d: after %d events: %v", id, from, to, len(events), err)
		}
		events = append(events, e)
	}
	return events
}

// wantSeqs checks that a replay yields exactly the events from first to last;
// none when last is less than first.
func wantSeqs(t testing.TB, j persistence.EventReader, id string, from, to, first, last uint64) {
	t.Helper()
	got := collect(t, j, id, from, to)
	var want []uint64
	for seq := first; seq <= last; seq++ {
		want = append(want, seq)
	}
	var seqs []uint64
	for _, e := range got {
		seqs = append(seqs, e.Seq)
	}
	if !slices.Equal(seqs, want) {
		t.Fatalf("replay of %q from %d to %d yielded events %v, want %v", id, from, to, seqs, want)
	}
}

// wantStored checks that id holds exactly the given events, byte by byte.
func wantStored(t testing.TB, j persistence.EventReader, id string, want []persistence.Event) {
	t.Helper()
	got := collect(t, j, id, 0, persistence.SeqMax)
	if len(got) != len(want) {
		t.Fatalf("%q holds %d events, want %d", id, len(got), len(want))
	}
	for i := range want {
		if diff := differ(got[i], want[i]); diff != "" {
			t.Fatalf("event %d of %q: %s", want[i].Seq, id, diff)
		}
	}
}

func wantHighest(t testing.TB, j persistence.EventReader, id string, want uint64) {
	t.Helper()
	highest, err := j.HighestSeq(context.Background(), id)
	if err != nil {
		t.Fatalf("highest sequence number of %q: %v", id, err)
	}
	if highest != want {
		t.Fatalf("highest sequence number of %q is %d, want %d", id, highest, want)
	}
}

// differ names the first field in which two events differ.
func differ(got, want persistence.Event) string {
	switch {
	case got.PersistenceID != want.PersistenceID:
		return fmt.Sprintf("id is %q, want %q", got.PersistenceID, want.PersistenceID)
	case got.Seq != want.Seq:
		return fmt.Sprintf("sequence number is %d, want %d", got.Seq, want.Seq)
	case got.Epoch != want.Epoch:
		return fmt.Sprintf("epoch is %v, want %v", got.Epoch, want.Epoch)
	case got.Name != want.Name:
		return fmt.Sprintf("name is %q, want %q", got.Name, want.Name)
	case !bytes.Equal(got.Payload, want.Payload):
		return fmt.Sprintf("payload is %.100q, want %.100q", got.Payload, want.Payload)
	case got.Time != want.Time:
		return fmt.Sprintf("time is %v, want %v", got.Time, want.Time)
	case !slices.Equal(got.Tags, want.Tags):
		return fmt.Sprintf("tags are %q, want %q", got.Tags, want.Tags)
	}
	return ""
}
