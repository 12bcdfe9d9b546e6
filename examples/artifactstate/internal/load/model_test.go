package load

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func at0(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestFactKnowsWhatMayBe(t *testing.T) {
	type step struct {
		value  bool
		sent   int
		until  int // of a failed set; 0: it succeeded
		false_ bool
		true_  bool
	}
	for title, steps := range map[string][]step{
		"a set that succeeded is known": {
			{value: true, sent: 1, true_: true},
			{value: false, sent: 2, false_: true},
		},
		"a set that failed leaves both": {
			{value: true, sent: 1, until: 6, false_: true, true_: true},
		},
		"a failed set of what is so already leaves one": {
			{value: false, sent: 1, until: 6, false_: true},
		},
		"a success sent after the failed set's time clears the doubt": {
			{value: true, sent: 1, until: 6, false_: true, true_: true},
			{value: false, sent: 6, false_: true},
		},
		"a success sent before that time does not": {
			{value: true, sent: 1, until: 6, false_: true, true_: true},
			{value: false, sent: 5, false_: true, true_: true},
			{value: false, sent: 6, false_: true},
		},
		"a success of the failed value is sure, but not what comes next": {
			{value: true, sent: 1, until: 6, false_: true, true_: true},
			{value: true, sent: 2, true_: true},
			{value: false, sent: 3, false_: true, true_: true},
		},
		"the later of two failed sets counts": {
			{value: true, sent: 1, until: 6, false_: true, true_: true},
			{value: true, sent: 3, until: 8, false_: true, true_: true},
			{value: false, sent: 7, false_: true, true_: true},
			{value: false, sent: 8, false_: true},
		},
	} {
		t.Run(title, func(t *testing.T) {
			var f fact
			for i, s := range steps {
				if s.until > 0 {
					f.failed(s.value, at0(s.until))
				} else {
					f.succeeded(s.value, at0(s.sent))
				}
				require.Equal(t, s.false_, f.allows(false), "false after step %d", i)
				require.Equal(t, s.true_, f.allows(true), "true after step %d", i)
				require.Equal(t, s.false_ && s.true_, f.either())
			}
		})
	}
}

// TestFactNeverExcludesTheTruth plays a service in which a failed set takes
// effect at some moment until its limit, or never, and asks it all the time.
func TestFactNeverExcludesTheTruth(t *testing.T) {
	type late struct {
		value bool
		at    time.Time
	}
	random := rand.New(rand.NewPCG(3, 4))
	sharp := 0
	for range 2000 {
		var f fact
		var truth bool
		var pending []late
		now := noon
		catchUp := func() {
			var rest []late
			for _, l := range pending { // in the order of their times, since limits are equal
				if l.at.After(now) {
					rest = append(rest, l)
					continue
				}
				truth = l.value
			}
			pending = rest
		}
		for range 30 {
			now = now.Add(time.Duration(random.IntN(2000)) * time.Millisecond)
			catchUp()
			require.True(t, f.allows(truth))
			if !f.either() {
				sharp++
			}
			value := random.IntN(2) == 0
			if random.IntN(3) > 0 {
				f.succeeded(value, now)
				truth = value
				continue
			}
			f.failed(value, now.Add(5*time.Second))
			if random.IntN(2) == 0 {
				pending = append(pending, late{value, now.Add(time.Duration(random.IntN(5000)) * time.Millisecond)})
			}
		}
	}
	require.Greater(t, sharp, 10_000, "a model that allows everything checks nothing")
}
