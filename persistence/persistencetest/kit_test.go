package persistencetest_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
)

// A kit that finds nothing proves nothing: each of these stores breaks one
// rule, and the kit has to say which.
func TestKitCatchesBrokenJournals(t *testing.T) {
	for name, c := range map[string]struct {
		open func() persistence.Journal
		says string
	}{
		"claims don't fence":          {func() persistence.Journal { return noFence{persistence.NewMemory()} }, "fenced"},
		"numbers aren't compared":     {func() persistence.Journal { return renumbering{persistence.NewMemory()} }, "conflict"},
		"a batch is stored by halves": {func() persistence.Journal { return halves{persistence.NewMemory()} }, "gap inside"},
		"a replay loses its last":     {func() persistence.Journal { return shortReplay{persistence.NewMemory()} }, "holds"},
		"deleting forgets the number": {func() persistence.Journal { return &forgetful{Memory: persistence.NewMemory()} }, "highest"},
		"payloads are shared":         {func() persistence.Journal { return sharing{persistence.NewMemory(), map[string][]byte{}} }, "payload"},
	} {
		t.Run(name, func(t *testing.T) {
			caught := catch(func(t testing.TB) {
				persistencetest.Journal(t, func(testing.TB) persistence.Journal { return c.open() })
			})
			require.NotEmpty(t, caught, "the kit passed a broken journal")
			require.Contains(t, caught[0], c.says)
		})
	}
}

func TestKitCatchesBrokenSnapshotStores(t *testing.T) {
	caught := catch(func(t testing.TB) {
		persistencetest.Snapshots(t, func(testing.TB) persistence.SnapshotStore { return oldestFirst{persistence.NewMemory()} })
	})
	require.NotEmpty(t, caught)
	require.Contains(t, caught[0], `snapshot of "x" up to 13`)
}

// recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper()             {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// catch runs f until it gives up and returns what it complained about.
func catch(f func(t testing.TB)) []string {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.failures
}

type noFence struct{ *persistence.Memory }

func (j noFence) Claim(ctx context.Context, id string, _ actor.Epoch) (uint64, error) {
	return j.HighestSeq(ctx, id)
}

type renumbering struct{ *persistence.Memory }

func (j renumbering) Append(ctx context.Context, id string, e actor.Epoch, events []persistence.Event) error {
	if err := persistence.CheckAppend(id, events); err != nil {
		return err
	}
	highest, err := j.HighestSeq(ctx, id)
	if err != nil {
		return err
	}
	for i := range events {
		events[i].Seq = highest + uint64(i) + 1
	}
	return j.Memory.Append(ctx, id, e, events)
}

type halves struct{ *persistence.Memory }

func (j halves) Append(ctx context.Context, id string, e actor.Epoch, events []persistence.Event) error {
	if len(events) == 0 {
		return j.Memory.Append(ctx, id, e, nil)
	}
	for _, event := range events {
		if err := j.Memory.Append(ctx, id, e, []persistence.Event{event}); err != nil {
			return err
		}
	}
	return nil
}

type shortReplay struct{ *persistence.Memory }

func (j shortReplay) Replay(ctx context.Context, id string, from, to uint64) iter.Seq2[persistence.Event, error] {
	highest, err := j.HighestSeq(ctx, id)
	if err != nil || highest == 0 {
		return j.Memory.Replay(ctx, id, from, to)
	}
	return j.Memory.Replay(ctx, id, from, min(to, highest-1))
}

// forgetful derives the highest number from the events that are left.
type forgetful struct {
	*persistence.Memory
}

func (j *forgetful) HighestSeq(ctx context.Context, id string) (highest uint64, err error) {
	if _, err := j.Memory.HighestSeq(ctx, id); err != nil {
		return 0, err
	}
	for e, err := range j.Replay(ctx, id, 1, persistence.SeqMax) {
		if err != nil {
			return 0, err
		}
		highest = e.Seq
	}
	return highest, nil
}

// sharing hands out the payload it was given.
type sharing struct {
	*persistence.Memory
	payloads map[string][]byte
}

func (j sharing) Append(ctx context.Context, id string, e actor.Epoch, events []persistence.Event) error {
	err := j.Memory.Append(ctx, id, e, events)
	if err == nil {
		for _, event := range events {
			j.payloads[fmt.Sprint(id, event.Seq)] = event.Payload
		}
	}
	return err
}

func (j sharing) Replay(ctx context.Context, id string, from, to uint64) iter.Seq2[persistence.Event, error] {
	return func(yield func(persistence.Event, error) bool) {
		for e, err := range j.Memory.Replay(ctx, id, from, to) {
			if p, ok := j.payloads[fmt.Sprint(id, e.Seq)]; ok && strings.HasPrefix(id, "slices") {
				e.Payload = p
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

type oldestFirst struct{ *persistence.Memory }

func (s oldestFirst) LoadSnapshot(ctx context.Context, id string, to uint64) (persistence.Snapshot, error) {
	if err := persistence.CheckID(id); err != nil {
		return persistence.Snapshot{}, err
	}
	for seq := uint64(1); seq <= min(to, 1000); seq++ {
		if snap, err := s.Memory.LoadSnapshot(ctx, id, seq); err != nil || snap.Seq > 0 {
			return snap, err
		}
	}
	return persistence.Snapshot{}, nil
}
