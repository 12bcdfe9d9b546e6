package phi

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

var epoch = time.Unix(1_700_000_000, 0)

// beats feeds heartbeats at the given offsets from epoch.
func beats(d interface {
	Heartbeat(time.Time) time.Duration
}, offsets ...time.Duration) {
	for _, at := range offsets {
		d.Heartbeat(epoch.Add(at))
	}
}

// cdf of the logistic approximation, from the level.
func cdf(y float64) float64 { return 1 - math.Pow(10, -level(y)) }

// R064: the probability, its growth, and the level at known points.
func TestLevelAtKnownPoints(t *testing.T) {
	for _, c := range []struct{ y, want float64 }{
		{0, 0.5}, {0.6, 0.7257}, {1.5, 0.9332}, {2, 0.97725}, {2.5, 0.99379}, {3.5, 0.99977}, {4, 0.99997},
		{2.0 / 3, 0.7475},
	} {
		require.InDelta(t, c.want, cdf(c.y), 2e-4, "cdf of %v standard deviations", c.y)
	}
	for _, c := range []struct{ silence, want float64 }{
		{0, 0}, {500, 0.1}, {1000, 0.3}, {1200, 1.6}, {1400, 4.7}, {1600, 10.8}, {1700, 15.3},
	} {
		require.InDelta(t, c.want, level((c.silence-1000)/100), 0.1, "silence of %v with mean 1000 and deviation 100", c.silence)
	}
	require.InDelta(t, 38, level(10), 1)
	require.Zero(t, level(-25))
}

func TestLevelIsFiniteAndRises(t *testing.T) {
	before := -1.0
	for _, y := range []float64{-1e60, -1e18, -40, -25, -1, 0, 1, 5, 21, 38, 1e3, 1e18, 1e60} {
		got := level(y)
		require.False(t, math.IsNaN(got) || math.IsInf(got, 0), "level(%v) = %v", y, got)
		require.GreaterOrEqual(t, got, before, "level(%v)", y)
		require.GreaterOrEqual(t, got, 0.0)
		before = got
	}
}

func TestNothingHeardIsAvailable(t *testing.T) {
	d := New(Settings{})
	require.False(t, d.Monitoring())
	require.Zero(t, d.Phi(epoch))
	require.True(t, d.Available(epoch.Add(100*365*24*time.Hour)))
}

// R064: one heartbeat and an estimate are enough to grow suspicious.
func TestGuessAfterFirstHeartbeat(t *testing.T) {
	d := New(Settings{AcceptablePause: -1, FirstEstimate: time.Second})
	require.Zero(t, d.Heartbeat(epoch))
	require.True(t, d.Monitoring())
	require.InDelta(t, 0.3, d.Phi(epoch.Add(time.Second)), 0.2)
	require.InDelta(t, 4.5, d.Phi(epoch.Add(2*time.Second)), 0.3)
	require.Greater(t, d.Phi(epoch.Add(3*time.Second)), 15.0)
}

func TestAvailability(t *testing.T) {
	noPause := Settings{Threshold: 3, AcceptablePause: -1}
	pause := Settings{Threshold: 3, AcceptablePause: 3 * time.Second}
	steady := []time.Duration{0, 1000 * ms, 1100 * ms}
	silent := []time.Duration{0, 1000 * ms, 1100 * ms, 5 * time.Minute}
	for _, c := range []struct {
		title     string
		settings  Settings
		beats     []time.Duration
		at        time.Duration
		available bool
	}{
		{"short silence after a steady rhythm", noPause, steady, 1200 * ms, true},
		{"long silence after a steady rhythm", noPause, steady, 8100 * ms, false},
		{"within the acceptable pause", pause, steady, 5100 * ms, true},
		{"beyond the acceptable pause", pause, []time.Duration{0, 1000 * ms, 1500 * ms, 2000 * ms, 2500 * ms, 3000 * ms}, 8000 * ms, false},
		{"a heartbeat after five minutes of silence", pause, silent, 5 * time.Minute, true},
		{"and silence again: the five minutes are not part of the rhythm", pause, silent, 5*time.Minute + 7*time.Second, false},
		{"clock behind the last heartbeat", noPause, steady, -time.Hour, true},
	} {
		t.Run(c.title, func(t *testing.T) {
			d := New(c.settings)
			beats(d, c.beats...)
			require.Equal(t, c.available, d.Available(epoch.Add(c.at)))
		})
	}
}

// 0.52 s past mean plus pause with the defaults.
func TestDefaultsSuspectAfterFourAndAHalfSeconds(t *testing.T) {
	d := New(Settings{})
	for i := range 100 {
		d.Heartbeat(epoch.Add(time.Duration(i) * time.Second))
	}
	last := epoch.Add(99 * time.Second)
	require.True(t, d.Available(last.Add(4450*ms)))
	require.False(t, d.Available(last.Add(4600*ms)))
}

func TestLateIntervals(t *testing.T) {
	d := New(Settings{AcceptablePause: 3 * time.Second})
	require.Zero(t, d.Heartbeat(epoch))
	require.Equal(t, 2*time.Second, d.Heartbeat(epoch.Add(2*time.Second)))
	require.True(t, d.Late(2*time.Second))
	require.False(t, d.Late(1999*ms))
	require.False(t, New(Settings{AcceptablePause: -1}).Late(time.Hour), "no pause, no share of it")
}

func TestClockJumpsLeaveTheDetectorUsable(t *testing.T) {
	d := New(Settings{})
	beats(d, 0, time.Second)
	require.Zero(t, d.Heartbeat(epoch.Add(-240*time.Hour)), "an interval is never negative")
	require.True(t, d.Available(epoch.Add(-240*time.Hour)))
	require.False(t, d.Available(epoch), "silence counts from the newest heartbeat, not the greatest instant")
	require.False(t, d.Available(time.Unix(1<<40, 0)), "a silence longer than a Duration holds")
}

func TestWindow(t *testing.T) {
	for _, c := range []struct {
		title          string
		cap            int
		in             []time.Duration
		mean, variance float64
	}{
		{"empty", 3, nil, 0, 0},
		{"one sample has no variance", 3, []time.Duration{100}, 100, 0},
		{"five samples", 20, []time.Duration{100, 200, 125, 340, 130}, 179, 7584},
		{"full", 3, []time.Duration{100, 110, 90}, 100, 66.6667},
		{"the oldest leaves", 3, []time.Duration{100, 110, 90, 140}, 113.3333, 422.2222},
		{"and the next oldest", 3, []time.Duration{100, 110, 90, 140, 80}, 103.3333, 688.8889},
		{"negative intervals count as 0", 3, []time.Duration{-5, -7}, 0, 0},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := window{cap: c.cap}
			for _, v := range c.in {
				w.add(v)
			}
			require.InDelta(t, c.mean, w.mean(), 1e-3)
			require.InDelta(t, c.variance, w.variance(), 1e-3)
		})
	}
}

// A window at its widest: 65536 of the longest intervals, then 0s again.
func TestWindowSumsDontOverflow(t *testing.T) {
	w := window{cap: samplesMax}
	for range samplesMax {
		w.add(math.MaxInt64)
	}
	require.InEpsilon(t, float64(intervalMax), w.mean(), 1e-12)
	require.Zero(t, w.variance())
	for range samplesMax / 2 {
		w.add(0)
	}
	half := float64(intervalMax) / 2
	require.InEpsilon(t, half*half, w.variance(), 1e-9)
	for range samplesMax / 2 {
		w.add(0)
	}
	require.Equal(t, window{ring: w.ring, cap: w.cap, next: w.next}, w, "the sums come back to exactly 0")
}

// twin is the detector as the paper tells it: all intervals kept, mean and
// deviation in two passes, the tail by its formula.
type twin struct {
	settings  Settings
	intervals []float64
	last      time.Time
}

func (w *twin) phi(now time.Time) float64 {
	var mean, variance float64
	for _, v := range w.intervals {
		mean += v / float64(len(w.intervals))
	}
	for _, v := range w.intervals {
		variance += (v - mean) * (v - mean) / float64(len(w.intervals))
	}
	deviation := max(math.Sqrt(variance), float64(w.settings.minStdDeviation()))
	y := (float64(max(now.Sub(w.last), 0)) - mean - float64(w.settings.acceptablePause())) / deviation
	e := math.Exp(-y * (1.5976 + 0.070566*y*y))
	if y > 0 {
		return -math.Log10(e / (1 + e))
	}
	return -math.Log10(1 - 1/(1+e))
}

func (w *twin) heartbeat(now time.Time) {
	if w.intervals == nil {
		e := float64(w.settings.firstEstimate())
		w.intervals = []float64{0.75 * e, 1.25 * e}
	} else if w.phi(now) < w.settings.threshold() {
		w.intervals = append(w.intervals, float64(max(now.Sub(w.last), 0)))
		w.intervals = w.intervals[max(0, len(w.intervals)-w.settings.samples()):]
	}
	w.last = now
}

func TestDetectorAgreesWithItsTwin(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := Settings{
			Threshold: 1 + 15*r.Float64(), Samples: 2 + r.IntN(20),
			MinStdDeviation: time.Duration(1+r.IntN(300)) * ms,
			AcceptablePause: time.Duration(r.IntN(4000)-500) * ms,
			FirstEstimate:   time.Duration(100+r.IntN(2000)) * ms,
		}
		d, w, now := New(s), &twin{settings: s}, epoch
		for step := range 200 {
			now = now.Add(time.Duration(r.ExpFloat64() * float64(time.Second)))
			want, got := 0.0, d.Phi(now)
			if step > 0 {
				want = w.phi(now)
			}
			// Past 300 the formula of the twin leaves the range of a float.
			if want < 300 {
				require.InDelta(t, want, got, 1e-6*(1+want), "seed %d step %d", seed, step)
			} else {
				require.Greater(t, got, 299.0, "seed %d step %d", seed, step)
			}
			if step > 0 && (math.Abs(want-s.threshold()) < 1e-3 || r.IntN(4) == 0) {
				continue
			}
			require.Equal(t, want < s.threshold(), d.Available(now))
			d.Heartbeat(now)
			w.heartbeat(now)
		}
	}
}

func TestRhythmScalesWithTheIntervals(t *testing.T) {
	settings := Settings{Samples: 3, AcceptablePause: -1, MinStdDeviation: 1}
	at := func(unit time.Duration) float64 {
		d := New(settings)
		beats(d, 0, 9*unit, 20*unit, 30*unit, 41*unit)
		return d.Phi(epoch.Add(52 * unit))
	}
	require.InDelta(t, at(10*ms), at(50*ms), 0.001)
}

func TestSettings(t *testing.T) {
	require.NoError(t, Settings{}.Validate())
	for title, s := range map[string]Settings{
		"Threshold":       {Threshold: math.NaN()},
		"Samples":         {Samples: 1},
		"MinStdDeviation": {MinStdDeviation: -1},
		"FirstEstimate":   {FirstEstimate: -1},
	} {
		require.ErrorContains(t, s.Validate(), title)
		d, plain := New(s), New(Settings{})
		beats(d, 0, time.Second)
		beats(plain, 0, time.Second)
		require.Equal(t, plain.Phi(epoch.Add(5*time.Second)), d.Phi(epoch.Add(5*time.Second)), title)
	}
	require.ErrorContains(t, Settings{Samples: samplesMax + 1}.Validate(), "Samples")
	require.ErrorContains(t, Settings{Threshold: -1}.Validate(), "Threshold")
}

func TestDeadline(t *testing.T) {
	d := NewDeadline(time.Second, 4*time.Second)
	require.False(t, d.Monitoring())
	require.True(t, d.Available(epoch), "never heard")
	require.Zero(t, d.Heartbeat(epoch))
	require.True(t, d.Monitoring())
	require.True(t, d.Available(epoch.Add(5*time.Second-1)))
	require.False(t, d.Available(epoch.Add(5*time.Second)))
	require.Equal(t, time.Minute, d.Heartbeat(epoch.Add(time.Minute)))
	require.True(t, d.Available(epoch.Add(time.Minute)))
	require.Zero(t, d.Heartbeat(epoch), "a clock that went back")
	require.True(t, NewDeadline(math.MaxInt64, math.MaxInt64).Heartbeat(epoch) == 0)
	long := NewDeadline(math.MaxInt64, math.MaxInt64)
	long.Heartbeat(epoch)
	require.True(t, long.Available(epoch.Add(1000*time.Hour)), "the sum of both saturates")
}

func TestRegistry(t *testing.T) {
	r := NewRegistry[string](Settings{})
	require.True(t, r.Available("a", epoch))
	require.False(t, r.Monitoring("a"))
	require.Zero(t, r.Phi("a", epoch))
	r.Heartbeat("a", epoch)
	require.True(t, r.Monitoring("a"))
	require.False(t, r.Monitoring("b"))
	dead := epoch.Add(time.Minute)
	require.False(t, r.Available("a", dead))
	require.Greater(t, r.Phi("a", dead), 8.0)
	require.True(t, r.Available("b", dead), "one peer's silence is not another's")
	require.Equal(t, 1, r.Len())
	require.True(t, r.Late(2*time.Second))
	r.Remove("a")
	r.Remove("b")
	require.True(t, r.Available("a", dead), "a new start")
	require.Zero(t, r.Len())
}

func FuzzDetector(f *testing.F) {
	f.Add(int64(0), int64(1), int64(-1), 8.0, 2)
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(0), math.Inf(1), -1)
	f.Fuzz(func(t *testing.T, a, b, pause int64, threshold float64, samples int) {
		d := New(Settings{Threshold: threshold, Samples: samples, AcceptablePause: time.Duration(pause)})
		beats(d, 0, time.Duration(a), time.Duration(b), time.Duration(a))
		for _, at := range []int64{a, b, 0, math.MaxInt64, math.MinInt64} {
			got := d.Phi(epoch.Add(time.Duration(at)))
			if math.IsNaN(got) || math.IsInf(got, 0) || got < 0 {
				t.Fatalf("phi %v", got)
			}
		}
	})
}

func TestRegistryOfPlainDetectors(t *testing.T) {
	r := NewRegistry[string](Settings{Fixed: true, FirstEstimate: time.Second, AcceptablePause: 2 * time.Second})
	now := time.Unix(1000, 0)
	require.True(t, r.Available("a", now))
	for range 10 { // a rhythm that an accrual detector would get used to
		now = now.Add(2900 * time.Millisecond)
		r.Heartbeat("a", now)
	}
	require.True(t, r.Available("a", now.Add(2999*time.Millisecond)))
	require.Zero(t, r.Phi("a", now.Add(2999*time.Millisecond)))
	require.False(t, r.Available("a", now.Add(3*time.Second)))
	require.True(t, math.IsInf(r.Phi("a", now.Add(3*time.Second)), 1))
	r.Remove("a")
	require.False(t, r.Monitoring("a"))
}
