package persistencetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/persistence"
)

// Snapshots checks that a plug-in is a [persistence.SnapshotStore]. open
// returns an empty one every time it is called.
func Snapshots(t testing.TB, open func(t testing.TB) persistence.SnapshotStore) {
	t.Helper()
	runAll(t, open, snapshotChecks)
}

var snapshotChecks = []check[persistence.SnapshotStore]{
	{"T30..T35: the newest snapshot within the bound is loaded", latest},
	{"T36..T38: snapshots are deleted by range", deleteSnapshots},
	{"T39: a snapshot with the same number takes the place of the old one", overwrite},
	{"T40..T42: a snapshot comes back as it was saved", snapshotFidelity},
	{"snapshots outside the contract are refused", invalidSnapshots},
	{"the store keeps no slice of the caller", ownSnapshot},
	{"an ended context ends the call and stores nothing", endedSnapshotContext},
	{"a store that is also the journal refuses snapshots of an old owner", fencedSnapshot},
}

// snapshot returns the kit's snapshot of id at seq.
func snapshot(id string, seq uint64) persistence.Snapshot {
	return persistence.Snapshot{
		PersistenceID: id,
		Seq:           seq,
		Epoch:         epoch(1),
		Name:          "kit.Counter.v1",
		Payload:       fmt.Appendf(nil, "%s at %d", id, seq),
		Time:          base.Add(time.Duration(seq) * time.Second),
	}
}

func mustSave(t testing.TB, s persistence.SnapshotStore, snapshots ...persistence.Snapshot) {
	t.Helper()
	for _, snap := range snapshots {
		if err := s.SaveSnapshot(context.Background(), snap); err != nil {
			t.Fatalf("save of snapshot %d of %q: %v", snap.Seq, snap.PersistenceID, err)
		}
	}
}

// wantSnapshot checks what a load returns; a want with number 0 means none.
func wantSnapshot(t testing.TB, s persistence.SnapshotStore, id string, toSeq uint64, want persistence.Snapshot) {
	t.Helper()
	got, err := s.LoadSnapshot(context.Background(), id, toSeq)
	if err != nil {
		t.Fatalf("load of the snapshot of %q up to %d: %v", id, toSeq, err)
	}
	if got.Seq != want.Seq || got.Seq > 0 && (got.PersistenceID != want.PersistenceID || got.Epoch != want.Epoch ||
		got.Name != want.Name || !bytes.Equal(got.Payload, want.Payload) || !got.Time.Equal(want.Time) || got.Skipped != want.Skipped) {
		t.Fatalf("snapshot of %q up to %d is %.300v, want %.300v", id, toSeq, got, want)
	}
}

func latest(t testing.TB, s persistence.SnapshotStore) {
	none := persistence.Snapshot{}
	for seq := uint64(11); seq <= 15; seq++ {
		mustSave(t, s, snapshot("x", seq), snapshot("x2", seq+100))
	}
	wantSnapshot(t, s, "nobody", persistence.SeqMax, none)
	wantSnapshot(t, s, "x", 10, none)
	wantSnapshot(t, s, "x", 0, none)
	wantSnapshot(t, s, "x", 11, snapshot("x", 11))
	wantSnapshot(t, s, "x", 13, snapshot("x", 13))
	wantSnapshot(t, s, "x", 15, snapshot("x", 15))
	wantSnapshot(t, s, "x", persistence.SeqMax, snapshot("x", 15))
	wantSnapshot(t, s, "x", math.MaxUint64, snapshot("x", 15))
	wantSnapshot(t, s, "x2", math.MaxUint64, snapshot("x2", 115))
}

func deleteSnapshots(t testing.TB, s persistence.SnapshotStore) {
	mustDelete := func(from, to uint64) {
		t.Helper()
		if err := s.DeleteSnapshots(context.Background(), "x", from, to); err != nil {
			t.Fatalf("delete of snapshots %d to %d: %v", from, to, err)
		}
	}
	none := persistence.Snapshot{}
	mustDelete(0, math.MaxUint64)
	for seq := uint64(11); seq <= 15; seq++ {
		mustSave(t, s, snapshot("x", seq), snapshot("y", seq))
	}
	mustDelete(15, 15)
	wantSnapshot(t, s, "x", math.MaxUint64, snapshot("x", 14))
	mustDelete(13, 12)
	mustDelete(16, 20)
	wantSnapshot(t, s, "x", 13, snapshot("x", 13))
	mustDelete(0, 13)
	wantSnapshot(t, s, "x", 13, none)
	wantSnapshot(t, s, "x", 14, snapshot("x", 14))
	mustDelete(0, math.MaxUint64)
	wantSnapshot(t, s, "x", math.MaxUint64, none)
	wantSnapshot(t, s, "y", math.MaxUint64, snapshot("y", 15))
}

func overwrite(t testing.TB, s persistence.SnapshotStore) {
	mustSave(t, s, snapshot("x", 1), snapshot("x", 2))
	second := snapshot("x", 2)
	second.Payload, second.Name, second.Epoch, second.Time = []byte("second"), "kit.Counter.v2", epoch(2), base
	mustSave(t, s, second)
	wantSnapshot(t, s, "x", 2, second)
	wantSnapshot(t, s, "x", 1, snapshot("x", 1))
}

func snapshotFidelity(t testing.TB, s persistence.SnapshotStore) {
	large := snapshot("large", 1)
	large.Payload = bytes.Repeat([]byte("0123456789\x00\xff"), 100_000)
	empty := persistence.Snapshot{PersistenceID: "ümlaut\x00|'", Seq: persistence.SeqMax, Name: "empty"}
	mustSave(t, s, large, empty)
	wantSnapshot(t, s, large.PersistenceID, math.MaxUint64, large)
	wantSnapshot(t, s, empty.PersistenceID, math.MaxUint64, empty)
}

func invalidSnapshots(t testing.TB, s persistence.SnapshotStore) {
	change := func(f func(s *persistence.Snapshot)) persistence.Snapshot {
		snap := snapshot("x", 1)
		f(&snap)
		return snap
	}
	for _, c := range []struct {
		what string
		snap persistence.Snapshot
	}{
		{"no id", change(func(s *persistence.Snapshot) { s.PersistenceID = "" })},
		{"a long id", change(func(s *persistence.Snapshot) { s.PersistenceID = strings.Repeat("x", persistence.IDMax+1) })},
		{"number 0", change(func(s *persistence.Snapshot) { s.Seq = 0 })},
		{"a number beyond the largest", change(func(s *persistence.Snapshot) { s.Seq = persistence.SeqMax + 1 })},
		{"no name", change(func(s *persistence.Snapshot) { s.Name = "" })},
		{"a payload beyond the largest", change(func(s *persistence.Snapshot) { s.Payload = make([]byte, persistence.SnapshotMax+1) })},
	} {
		wantError(t, "snapshot with "+c.what, s.SaveSnapshot(context.Background(), c.snap), persistence.ErrInvalid)
	}
	_, err := s.LoadSnapshot(context.Background(), "", 1)
	wantError(t, "load of the empty id", err, persistence.ErrInvalid)
	wantError(t, "delete of the empty id", s.DeleteSnapshots(context.Background(), "", 0, 1), persistence.ErrInvalid)
	wantSnapshot(t, s, "x", math.MaxUint64, persistence.Snapshot{})
}

func ownSnapshot(t testing.TB, s persistence.SnapshotStore) {
	snap := snapshot("x", 1)
	mustSave(t, s, snap)
	clear(snap.Payload)
	wantSnapshot(t, s, "x", 1, snapshot("x", 1))
	loaded, err := s.LoadSnapshot(context.Background(), "x", 1)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	clear(loaded.Payload)
	wantSnapshot(t, s, "x", 1, snapshot("x", 1))
}

func endedSnapshotContext(t testing.TB, s persistence.SnapshotStore) {
	mustSave(t, s, snapshot("x", 1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, "save", s.SaveSnapshot(ctx, snapshot("x", 2)), context.Canceled)
	_, err := s.LoadSnapshot(ctx, "x", 9)
	wantError(t, "load", err, context.Canceled)
	wantError(t, "delete", s.DeleteSnapshots(ctx, "x", 0, 9), context.Canceled)
	wantSnapshot(t, s, "x", math.MaxUint64, snapshot("x", 1))
}

func fencedSnapshot(t testing.TB, s persistence.SnapshotStore) {
	j, ok := s.(persistence.EventWriter)
	if !ok {
		return // a store of snapshots alone knows no fence
	}
	mustAppend(t, j, "x", epoch(1), 1, 2)
	mustSave(t, s, snapshot("x", 1))
	mustClaim(t, j, "x", epoch(2), 2)
	wantError(t, "snapshot of an old owner", s.SaveSnapshot(context.Background(), snapshot("x", 2)), persistence.ErrFenced)
	wantSnapshot(t, s, "x", math.MaxUint64, snapshot("x", 1))
}
