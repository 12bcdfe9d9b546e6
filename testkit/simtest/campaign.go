package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// campaignMin is how many seeds have to be run before something that happened in none
// of them is a failure.
const campaignMin = 200

// campaign counts, over all seeds of a test, what is to happen at times. A test whose
// worlds are so dull that it never does proves less than it seems to.
type campaign struct {
	mu     sync.Mutex
	counts map[string]int
}

// of returns script so that its worlds count for the campaign.
func (c *campaign) of(script func(w *World)) func(w *World) {
	return func(w *World) {
		w.campaign = c
		script(w)
	}
}

// Sometimes says that something should happen now and then, and how often it did in
// this world. A test fails that runs at least 200 seeds, none of which has met it.
func (w *World) Sometimes(what string, times int) {
	c := w.campaign
	if c == nil {
		return // one seed outside of any campaign
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[what] += times
}

// finish tells the totals of a test, and fails it for what never happened.
func (c *campaign) finish(t testing.TB, seeds int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var all, missing []string
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		all = append(all, fmt.Sprintf("%s: %d", what, c.counts[what]))
		if c.counts[what] == 0 {
			missing = append(missing, what)
		}
	}
	if len(all) > 0 {
		t.Logf("in all seeds together: %s", strings.Join(all, "; "))
	}
	if len(missing) > 0 && seeds >= campaignMin {
		t.Errorf("never happened in %d seeds: %s", seeds, strings.Join(missing, "; "))
	}
}
