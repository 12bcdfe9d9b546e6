package simtest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	flagSeed  = flag.Uint64("sim.seed", 0, "run only this seed, with all logs")
	flagSeeds = flag.Int("sim.seeds", 0, "how many seeds to run, instead of what the test asks for")
	flagFirst = flag.Uint64("sim.first", 1, "the first seed to run")
	flagTwice = flag.Float64("sim.twice", 0.02, "the share of seeds that are run twice to compare their traces")
	flagQuiet = flag.Bool("sim.quiet", false, "with -sim.seed: don't print the logs as they come")
	flagOff   = flag.String("sim.off", "", "fields of Swarm to set to zero, with commas between them")
	flagTry   = flag.Bool("sim.shrink", false, "with -sim.seed: find out which faults the failure needs")
	flagHang  = flag.Duration("sim.hang", 2*time.Minute, "real time without an event after which a seed counts as hanging")
)

// Run runs script once for each of so many seeds, each in a [World] of its
// own, and stops at the first seed that fails. The failure tells the command
// that replays the seed. Flags change what is run:
//
//	-sim.seed=N   only seed N, with logs
//	-sim.seeds=N  N seeds instead of the number given here
//	-sim.first=N  begin at seed N
//	-sim.off=A,B  without the faults A and B of the seed's [Swarm]
//	-sim.shrink   with -sim.seed: find out which faults the failure needs
//	-sim.twice=P  run the share P of seeds twice and compare the traces
//
// Seeds that once failed are kept in testdata/seeds/<name of the test>.txt, one
// a line with words behind it that say what it found; they are run first, always.
//
// The seeds are shared out over as many parallel subtests as there are
// processors; use [World.T] and not an outer test inside script.
func Run(t *testing.T, seeds int, script func(w *World)) {
	t.Helper()
	where := caller()
	if *flagSeed != 0 {
		if *flagTry {
			tellShrunk(t, *flagSeed, where, script)
		}
		runSeed(t, *flagSeed, where, !*flagQuiet, script)
		return
	}
	if *flagSeeds > 0 && t.Name() != "" { // an example has one seed
		seeds = *flagSeeds
	}
	for _, seed := range saved(t) {
		runSeed(t, seed, where, false, script)
	}
	all := &campaign{counts: map[string]int{}}
	script = all.of(script)
	began := time.Now()
	lanes := max(1, min(runtime.GOMAXPROCS(0), seeds))
	if lanes == 1 {
		lane(t, 0, 1, seeds, where, script)
	} else {
		t.Run("lane", func(t *testing.T) {
			for i := range lanes {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					t.Parallel()
					lane(t, i, lanes, seeds, where, script)
				})
			}
		})
	}
	if took := time.Since(began); !t.Failed() {
		all.finish(t, seeds)
		t.Logf("%d seeds in %.1f s: %.0f seeds a minute", seeds, took.Seconds(), float64(seeds)/took.Minutes())
	}
}

// lane runs every step-th seed.
func lane(t *testing.T, from, step, seeds int, where string, script func(w *World)) {
	for i := from; i < seeds; i += step {
		if runSeed(t, *flagFirst+uint64(i), where, false, script); t.Failed() {
			return
		}
	}
}

// saved reads the seeds that once failed. Code changes shift what a seed does,
// so they are a reminder more than a proof.
func saved(t *testing.T) (seeds []uint64) {
	t.Helper()
	name := strings.ReplaceAll(t.Name(), "/", "_")
	text, err := os.ReadFile(filepath.Join("testdata", "seeds", name+".txt"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		seed, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds/%s.txt: %v", name, err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// Replay runs script for each of the given seeds, which once failed.
func Replay(t *testing.T, script func(w *World), seeds ...uint64) {
	t.Helper()
	where := caller()
	for _, seed := range seeds {
		runSeed(t, seed, where, false, script)
	}
}

func runSeed(t testing.TB, seed uint64, where string, echo bool, script func(w *World)) {
	t.Helper()
	// Which seeds are run twice depends on nothing but the seed.
	twice := float64(mix(seed, 0x9e3779b97f4a7c15)>>11)/(1<<53) < *flagTwice
	first := runWorld(t, seed, where, echo, trace{keep: twice}, off(), script)
	if !twice {
		return
	}
	second := runWorld(t, seed, where, false, trace{follow: first.all}, off(), script)
	if second.differ == "" && second.count < first.count {
		second.differ = fmt.Sprintf("event %d: the second run had ended, the first goes on with\n  %v", second.count, first.all[second.count])
	}
	if second.hash != first.hash || second.differ != "" {
		t.Fatalf("seed %d runs differently each time; hashes %#x and %#x. The first difference is at %s\nreplay: %s",
			seed, first.hash, second.hash, second.differ, replay(where, t, seed))
	}
}

// runWorld runs one seed once and returns its trace. What fails it is told at the
// end, as one story.
func runWorld(t testing.TB, seed uint64, where string, echo bool, tr trace, without []string, script func(w *World)) *trace {
	t.Helper()
	v := &verdict{TB: t}
	w := newWorld(v, seed)
	v.now = w.Elapsed
	w.off = without
	w.trace = tr
	w.echo = echo
	hang := *flagHang
	if _, measures := t.(*outside); measures {
		hang = 24 * time.Hour
	}
	unguard := guard(hang, &w.beat, func(what string) string {
		return fmt.Sprintf("seed %d %s\nreplay: %s", seed, what, replay(where, t, seed))
	})
	ended := false
	defer func() {
		unguard()
		w.close()
		switch {
		case ended:
		case v.failed:
			t.Fatalf("%s", w.story(where, v, overhear(w, where, without, script)))
		default: // a panic of the script, or a skip
			t.Logf("%s", w.story(where, v, nil))
		}
	}()
	script(w)
	w.checkEnd()
	if w.drawn.Stale > 0 && w.members != nil {
		w.Sometimes("a message of a protocol came again, or late", w.repeats)
	}
	ended = !v.failed
	if echo {
		fmt.Printf("seed %d: %d events, %v of virtual time, hash %#x\n", seed, w.trace.count, w.Elapsed(), w.trace.hash)
	}
	return &w.trace
}

// heapMax is how much memory the worlds of a test may take together.
const heapMax = 8 << 30

// guard ends the program when a seed stands still for too long, or takes too much
// memory, in the real world: nothing inside it would notice. How long a seed takes
// doesn't count: that depends on what else the machine does.
func guard(hang time.Duration, beat *atomic.Uint64, tell func(what string) string) (stop func()) {
	moved, seen := time.Now(), beat.Load()
	var timer *time.Timer
	var over atomic.Bool
	timer = time.AfterFunc(time.Hour, func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if n := beat.Load(); n != seen {
			moved, seen = time.Now(), n
		}
		switch {
		case over.Load():
			return
		case time.Since(moved) > hang:
			buf := make([]byte, 1<<20)
			buf = buf[:runtime.Stack(buf, true)]
			panic(tell(fmt.Sprintf("hangs for %v of real time: a lock is held across a wait, or a loop never ends", hang)) + "\n" + string(buf))
		case m.HeapAlloc > heapMax:
			panic(tell(fmt.Sprintf("runs, or one beside it, while %d MiB are in use: something grows without bound", m.HeapAlloc>>20)))
		}
		timer.Reset(time.Second)
	})
	timer.Reset(time.Second)
	return func() {
		over.Store(true)
		timer.Stop()
	}
}

// off lists the faults that the command line turns off.
func off() []string {
	if *flagOff == "" {
		return nil
	}
	return strings.Split(*flagOff, ",")
}

// replay returns the command that runs one seed of the test again.
func replay(where string, t testing.TB, seed uint64) string {
	name, _, _ := strings.Cut(t.Name(), "/lane/")
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = "^" + parts[i] + "$"
	}
	return fmt.Sprintf("go test %s -run '%s' -sim.seed=%d", where, strings.Join(parts, "/"), seed)
}

// caller returns the import path of the package of the test.
func caller() string {
	pc, _, _, ok := runtime.Caller(2)
	if !ok {
		return "."
	}
	name := runtime.FuncForPC(pc).Name()
	slash := strings.LastIndexByte(name, '/')
	if dot := strings.IndexByte(name[slash+1:], '.'); dot >= 0 {
		name = name[:slash+1+dot]
	}
	return strings.TrimSuffix(name, "_test")
}
