package persistencetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/persistence"
)

var raceChecks = []check[persistence.Journal]{
	{"PS-1: of concurrent appends of one number exactly one is stored", oneWinner},
	{"concurrent appends to many ids are all stored", manyIDs},
	{"PS-1: after a claim has returned nothing older gets in", claimAgainstWriter},
}

func oneWinner(t testing.TB, j persistence.Journal) {
	const id, writers, rounds = "contended", 4, 25
	won := make([]int, rounds+1)
	var wonMu sync.Mutex
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for seq := uint64(1); seq <= rounds; seq++ {
				err := j.Append(context.Background(), id, epoch(1), Events(id, epoch(1), seq, seq))
				if err == nil {
					wonMu.Lock()
					won[seq]++
					wonMu.Unlock()
				} else if !errors.Is(err, persistence.ErrConflict) {
					t.Errorf("append of event %d: %v, want nil or a conflict", seq, err)
				}
			}
		})
	}
	group.Wait()
	for seq := 1; seq <= rounds; seq++ {
		if won[seq] != 1 {
			t.Errorf("event %d was acknowledged %d times, want once", seq, won[seq])
		}
	}
	wantStored(t, j, id, Events(id, epoch(1), 1, rounds))
}

func manyIDs(t testing.TB, j persistence.Journal) {
	const writers, events = 16, 20
	name := func(w int) string { return fmt.Sprintf("many|%d", w) }
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			id := name(w)
			for seq := uint64(1); seq <= events; seq += 2 {
				if err := j.Append(context.Background(), id, epoch(1), Events(id, epoch(1), seq, seq+1)); err != nil {
					t.Errorf("append to %q: %v", id, err)
					return
				}
			}
		})
	}
	group.Wait()
	for w := range writers {
		wantStored(t, j, name(w), Events(name(w), epoch(1), 1, events))
	}
}

func claimAgainstWriter(t testing.TB, j persistence.Journal) {
	const id, owners = "handed", 6
	var group sync.WaitGroup
	var highest uint64
	for owner := uint64(1); owner <= owners; owner++ {
		mustClaim(t, j, id, epoch(owner), 0+highest)
		next := highest + 1
		started := make(chan struct{})
		group.Go(func() { // writes until it is fenced
			for seq := next; ; seq++ {
				err := j.Append(context.Background(), id, epoch(owner), Events(id, epoch(owner), seq, seq))
				if seq == next {
					close(started)
				}
				if errors.Is(err, persistence.ErrFenced) {
					return
				}
				if err != nil {
					t.Errorf("append of owner %d: %v, want nil or fenced", owner, err)
					return
				}
			}
		})
		<-started
		var err error
		if highest, err = j.Claim(context.Background(), id, epoch(owner+1)); err != nil {
			t.Fatalf("claim: %v", err)
		}
		for _, e := range collect(t, j, id, 1, persistence.SeqMax) {
			if e.Seq > highest {
				t.Fatalf("event %d of epoch %v got in after the claim had returned %d", e.Seq, e.Epoch, highest)
			}
		}
	}
	group.Wait()
	wantHighest(t, j, id, highest)
	var last persistence.Event
	for _, e := range collect(t, j, id, 1, persistence.SeqMax) {
		if e.Seq != last.Seq+1 || e.Epoch.Older(last.Epoch) {
			t.Fatalf("event %d of epoch %v follows event %d of epoch %v", e.Seq, e.Epoch, last.Seq, last.Epoch)
		}
		last = e
	}
}
