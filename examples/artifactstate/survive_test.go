package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/load"
)

// takesTime leaves a test out of a short run.
func takesTime(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs five processes for up to a minute")
	}
}

// witness is load on a cluster, with a record of all that came of it.
type witness struct {
	generator *load.Generator
	cancel    context.CancelFunc
	result    chan *load.Result

	mu       sync.Mutex // guards what follows
	outcomes []load.Outcome
}

// drive makes load until the witness is asked for its verdict.
func drive(t *testing.T, p places, config load.Config) *witness {
	t.Helper()
	w := &witness{result: make(chan *load.Result, 1)}
	config.Targets, config.Users, config.PairsPerUser, config.Ramp = p.targets(), 100, 3, -1
	config.Duration, config.Rate = 10*time.Minute, 150
	config.Observe = func(o load.Outcome) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.outcomes = append(w.outcomes, o)
	}
	var err error
	w.generator, err = load.New(config)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() { w.result <- w.generator.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		w.generator.Close()
	})
	return w
}

// since returns the outcomes of requests that were meant to arrive after then.
func (w *witness) since(then time.Time) []load.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []load.Outcome
	for _, o := range w.outcomes {
		if o.Intended.After(then) {
			out = append(out, o)
		}
	}
	return out
}

// homes returns where each pair's entity was when it was last heard of.
func (w *witness) homes() map[string]string {
	homes := map[string]string{}
	for _, o := range w.since(time.Time{}) {
		if o.Err == "" {
			homes[pairOf(o)] = o.Host
		}
	}
	return homes
}

func pairOf(o load.Outcome) string { return fmt.Sprintf("%s/%d", o.User, o.Artifact) }

// awaitSpread waits until every one of the hosts has answered for some entity,
// after then, and nothing fails.
func (w *witness) awaitSpread(t *testing.T, then time.Time, hosts ...string) time.Duration {
	t.Helper()
	return until(t, 40*time.Second, fmt.Sprintf("entities on each of %v", hosts), func() error {
		count := map[string]int{}
		for _, o := range w.since(then) {
			count[o.Host]++
		}
		for _, h := range hosts {
			if count[h] < 100 {
				return fmt.Errorf("answers by host: %v", count)
			}
		}
		return nil
	})
}

// settled is how long no entity may have moved before the shards count as evenly
// spread: longer than it takes to compare the hosts' shares twice.
const settled = 5 * time.Second

// awaitSettled waits until no shard moves any more. A shard that is being handed
// over while a process dies waits until that one is removed, since all nodes have
// a part in a hand-over: it is not among the unaffected.
func (w *witness) awaitSettled(t *testing.T) time.Duration {
	t.Helper()
	return until(t, time.Minute, "no entity moves any more", func() error {
		homes := map[string]string{}
		outcomes := w.since(time.Time{})
		slices.SortStableFunc(outcomes, func(a, b load.Outcome) int { return a.Done.Compare(b.Done) })
		var last time.Time
		for _, o := range outcomes {
			if o.Err != "" {
				continue
			}
			if before, known := homes[pairOf(o)]; known && before != o.Host {
				last = o.Done
			}
			homes[pairOf(o)] = o.Host
		}
		if len(outcomes) == 0 {
			return errors.New("nothing has been heard yet")
		}
		if last.Before(outcomes[0].Done) {
			last = outcomes[0].Done
		}
		if since := time.Since(last); since < settled {
			return fmt.Errorf("an entity moved %v ago", since)
		}
		return nil
	})
}

// quiet is how long nothing may fail before a disturbance counts as over: longer
// than an endpoint waits for an entity, so that no failure is still to come.
const quiet = 4 * time.Second

// awaitRecovery waits until all requests succeed again, those to the pairs of
// the lost host in particular, and returns how long after the disturbance the
// last request arrived that failed.
func (w *witness) awaitRecovery(t *testing.T, disturbed time.Time, lost string, homes map[string]string) time.Duration {
	t.Helper()
	last := disturbed
	until(t, 20*time.Second+quiet, "all requests succeed again", func() error {
		outcomes := w.since(disturbed)
		last = disturbed
		failure := ""
		for _, o := range outcomes {
			if o.Err != "" && o.Intended.After(last) {
				last, failure = o.Intended, fmt.Sprintf("%s of %s by %s: %s", o.Route, pairOf(o), o.Target, o.Err)
			}
		}
		if since := time.Since(last); since < quiet {
			return fmt.Errorf("%v after the disturbance: %s", last.Sub(disturbed), failure)
		}
		moved := 0
		for _, o := range outcomes {
			if o.Intended.After(last) && homes[pairOf(o)] == lost && o.Host != lost {
				moved++
			}
		}
		if lost != "" && moved < 20 {
			return fmt.Errorf("only %d answers about entities that were on %s", moved, lost)
		}
		return nil
	})
	require.LessOrEqual(t, last.Sub(disturbed), 20*time.Second)
	return last.Sub(disturbed)
}

// requireUnaffected checks that requests to entities that were not on the lost
// host went on, and returns how many there were. One in fifty may fail: on a
// machine that is busy with other tests, an answer may take longer than an
// endpoint waits, with or without a disturbance.
func (w *witness) requireUnaffected(t *testing.T, disturbed time.Time, lost string, homes map[string]string) int {
	t.Helper()
	count, failed := 0, 0
	for _, o := range w.since(disturbed) {
		home, known := homes[pairOf(o)]
		if !known || home == lost {
			continue
		}
		count++
		if o.Err != "" {
			failed++
			t.Logf("%s of %s, on %s, by %s, %v after the disturbance: %s", o.Route, pairOf(o), home, o.Target, o.Intended.Sub(disturbed), o.Err)
		}
	}
	require.Greater(t, count, 100)
	require.LessOrEqual(t, failed*50, count, "%d of %d requests to unaffected shards failed", failed, count)
	return count
}

// verdict ends the load and requires that no answer was wrong and no
// acknowledged write was lost.
func (w *witness) verdict(t *testing.T) *load.Result {
	t.Helper()
	w.cancel()
	r := <-w.result
	require.Zero(t, r.WrongTotal, "%v", r.Wrong)
	w.readBack(t, r)
	return r
}

// readBack compares every pair with what was acknowledged.
func (w *witness) readBack(t *testing.T, r *load.Result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	v, err := w.generator.Verify(ctx)
	require.NoError(t, err)
	require.Empty(t, v.Wrong)
	require.Greater(t, v.Pairs, 100)
	r.Verified = &v
}

// TestKilledProcesses kills an entity process, the one that hosts the shard
// coordinator, and an endpoint, each with kill -9 and under load, and starts
// each again on its port.
func TestKilledProcesses(t *testing.T) {
	takesTime(t)
	f := startFive(t)
	w := drive(t, f.places, load.Config{})
	w.awaitSpread(t, time.Time{}, f.listen[:3]...)

	for _, victim := range []struct {
		what   string
		node   int
		oldest bool
	}{
		{"an entity process", 1, false},
		{"the process of the oldest member, which hosts the coordinator", 0, true},
	} {
		calm := w.awaitSettled(t)
		lost := f.listen[victim.node]
		require.Equal(t, victim.oldest, f.oldest(t) == lost, "the oldest entity node is %s", f.oldest(t))
		homes, incarnations := w.homes(), f.incarnations(t)
		killed := time.Now()
		f.nodes[victim.node].kill()
		w.generator.Mark("kill -9 " + f.nodes[victim.node].name)
		took := w.awaitRecovery(t, killed, lost, homes)
		unaffected := w.requireUnaffected(t, killed, lost, homes)
		t.Logf("the shards had settled after %.1f s", calm.Seconds())
		t.Logf("kill -9 of %s: the last request that failed arrived %.1f s later; %d requests to other shards went on", victim.what, took.Seconds(), unaffected)

		before := incarnations[lost]
		restarted := time.Now()
		f.start(t, victim.node)
		w.generator.Mark("restart")
		joined := f.awaitUp(t, 0, f.listen...)
		require.NotEqual(t, before, f.incarnations(t)[lost], "it is a new incarnation")
		shards := w.awaitSpread(t, restarted, lost)
		t.Logf("started again on its port: a member again after %.1f s, answers for shards after %.1f s", joined.Seconds(), (joined + shards).Seconds())
	}

	w.awaitSettled(t)
	killed := time.Now()
	f.nodes[4].kill()
	w.generator.Mark("kill -9 endpoint-2")
	took := w.awaitRecovery(t, killed, "", nil)
	t.Logf("kill -9 of an endpoint: the last request that failed arrived %.1f s later", took.Seconds())
	for _, o := range w.since(killed) {
		if o.Err != "" {
			require.Equal(t, "http://"+f.http[1], o.Target, "requests by way of the other endpoint go on")
		}
	}
	f.start(t, 4)
	f.awaitUp(t, 1, f.listen...)

	report(t, "kills", w.verdict(t))
}

// incarnations returns the incarnation at each address; there is one at most.
func (p places) incarnations(t *testing.T) map[string]string {
	t.Helper()
	members, err := p.members(0)
	require.NoError(t, err)
	out := map[string]string{}
	for _, m := range members {
		require.Empty(t, out[m.Address], "two members at one address: %+v", members)
		out[m.Address] = m.Incarnation
	}
	return out
}

// oldest returns the address of the oldest entity node.
func (p places) oldest(t *testing.T) string {
	t.Helper()
	members, err := p.members(0)
	require.NoError(t, err)
	members = slices.DeleteFunc(members, func(m httpapi.Member) bool { return !slices.Contains(m.Roles, roleEntity) })
	return slices.MinFunc(members, func(a, b httpapi.Member) int { return cmp.Compare(a.Age, b.Age) }).Address
}

// report shows the figures, and keeps the page where the test was told to.
func report(t *testing.T, name string, r *load.Result) {
	t.Helper()
	t.Logf("%d answered, %d failed, %.0f/s, p50 %v, p99 %v, max %v, wrong answers %d; %d pairs read back, %d in doubt; errors %v",
		r.Latency.Count, r.Failed(), r.Throughput, r.Latency.P50, r.Latency.P99, r.Latency.Max, r.WrongAnswers(), r.Verified.Pairs, r.Verified.Unsure, r.Errors)
	page, err := os.Create(filepath.Join(t.ArtifactDir(), name+".html"))
	require.NoError(t, err)
	require.NoError(t, r.WriteHTML(page))
	require.NoError(t, page.Close())
}

// TestFrozenProcess stops an entity process for 40 s with SIGSTOP, at a moment at
// which it has writes that wait for the file. When it wakes they go on, under
// the epoch of then: nothing but that epoch keeps them out. (Nothing else does,
// because the endpoints wait for their entities for longer than the freeze, so
// that commands don't refuse themselves.)
func TestFrozenProcess(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	launcher := spawn(t, "launcher", p.flags("-ask-timeout", "60s")...)
	p.awaitUp(t, 0, p.listen...)
	started := launcher.out.await(t, time.Second, `entity-2 +│ .*pid=(\d+)`, 1)
	pid, err := strconv.Atoi(started[0][1])
	require.NoError(t, err)
	w := drive(t, p, load.Config{LateWithin: 65 * time.Second})
	w.awaitSpread(t, time.Time{}, p.listen[:3]...)
	homes := w.homes()

	frozen := freezeWhileWriting(t, pid, p.data)
	w.generator.Mark("SIGSTOP entity-2")
	others := slices.Delete(slices.Clone(p.listen), 1, 2)
	p.awaitUp(t, 0, others...)
	downed := time.Since(frozen)
	w.awaitMoved(t, frozen.Add(downed), p.listen[1], homes)
	moved := time.Since(frozen)
	r := w.verdict(t)                               // nobody writes any more, so that the sleeper finds the file free
	time.Sleep(40*time.Second - time.Since(frozen)) // the length of the freeze is what is tested
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
	woke := time.Now()

	launcher.out.await(t, 20*time.Second, `entity-2 +│ .*a write was refused.*fenced by a newer epoch`, 1)
	launcher.out.await(t, 20*time.Second, fmt.Sprintf(`entity-2 was removed from the cluster \(exit code %d\)`, launch.ExitDowned), 1)
	ended := time.Since(woke)
	w.readBack(t, r) // what it tried to write has not come through
	launcher.out.await(t, 20*time.Second, `entity-2 +│ .*pid=(\d+)`, 2)
	p.awaitUp(t, 0, p.listen...)
	rejoined := time.Since(woke)
	after := drive(t, p, load.Config{LateWithin: 65 * time.Second})
	after.awaitSpread(t, time.Time{}, p.listen[:3]...)
	t.Logf("SIGSTOP: no member any more after %.1f s, its shards elsewhere after %.1f s; after SIGCONT it ended with code %d within %.1f s and was a member again after %.1f s",
		downed.Seconds(), moved.Seconds(), launch.ExitDowned, ended.Seconds(), rejoined.Seconds())
	report(t, "freeze", r)
	calm := after.verdict(t)
	report(t, "afterwards", calm)
	require.Zero(t, calm.Failed(), "all is well again: %v", calm.Errors)
	launcher.signal(syscall.SIGTERM)
	launcher.awaitExit(t, 15*time.Second, launch.ExitLeft)
}

// awaitMoved waits until entities that were on the lost host answer elsewhere.
func (w *witness) awaitMoved(t *testing.T, then time.Time, lost string, homes map[string]string) {
	t.Helper()
	until(t, 20*time.Second, "the shards of "+lost+" have new homes", func() error {
		moved := 0
		for _, o := range w.since(then) {
			if homes[pairOf(o)] == lost && o.Err == "" && o.Host != lost {
				moved++
			}
		}
		if moved < 50 {
			return fmt.Errorf("%d answers about entities that were there", moved)
		}
		return nil
	})
}

// freezeWhileWriting stops a process while it waits for the lock of the file,
// which this function holds for a while. That way it has writes under way, and
// does not have the lock itself: a process that is stopped with the lock holds
// up all writers of the file until it wakes, which is for SQLite to solve, not
// for the cluster.
func freezeWhileWriting(t *testing.T, pid int, data string) time.Time {
	t.Helper()
	db, err := sql.Open("sqlite", data+"?_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	time.Sleep(time.Second) // some 25 sets come to the process in the meantime
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	frozen := time.Now()
	_, err = db.Exec("ROLLBACK")
	require.NoError(t, err)
	return frozen
}

// TestStopAndStartAll ends a cluster with an interrupt, starts it again on the
// same file and expects every state to be there.
func TestStopAndStartAll(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	launcher := spawn(t, "launcher", p.flags()...)
	formed := p.awaitUp(t, 0, p.listen...)
	launcher.out.await(t, 10*time.Second, `curl .*getAllStates`, 1)
	w := drive(t, p, load.Config{})
	w.awaitSpread(t, time.Time{}, p.listen[:3]...)
	r := w.verdict(t)

	asked := time.Now()
	launcher.signal(syscall.SIGINT)
	launcher.awaitExit(t, 15*time.Second, launch.ExitLeft)
	left := time.Since(asked)

	again := spawn(t, "launcher again", p.flags()...)
	formedAgain := p.awaitUp(t, 0, p.listen...)
	w.readBack(t, r)
	t.Logf("formed after %.1f s, left after %.1f s, formed again after %.1f s; %d pairs read back", formed.Seconds(), left.Seconds(), formedAgain.Seconds(), r.Verified.Pairs)

	// A process that is killed is started anew at once, while the others still
	// hold its predecessor for a member.
	before := p.incarnations(t)[p.listen[2]]
	pid, err := strconv.Atoi(again.out.await(t, time.Second, `entity-3 +│ .*pid=(\d+)`, 1)[0][1])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	killed := time.Now()
	again.out.await(t, 10*time.Second, `entity-3 ended by itself \(signal: killed\)`, 1)
	until(t, 20*time.Second, "a new incarnation has taken its place", func() error {
		members, err := p.members(0)
		if err != nil {
			return err
		}
		for _, m := range members {
			if m.Address == p.listen[2] && m.Incarnation != before && m.Status == "up" && len(members) == 5 {
				return nil
			}
		}
		return fmt.Errorf("members: %+v", members)
	})
	t.Logf("a killed process was replaced after %.1f s", time.Since(killed).Seconds())
	w.readBack(t, r)

	// The end of the launcher itself, however sudden, is the end of its nodes.
	again.kill()
	until(t, 20*time.Second, "the nodes end with their parent", func() error {
		for _, a := range slices.Concat(p.listen, p.http) {
			if err := launch.CheckListen(a, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestWhatKeepsItFromStarting: the message says which and what to do, and nothing
// is started.
func TestWhatKeepsItFromStarting(t *testing.T) {
	p := newPlaces(t)
	holder := spawn(t, "holder", "-node", "entity", "-listen", p.listen[2], "-seeds", p.listen[0], "-data", filepath.Join(t.TempDir(), "x.db"))
	until(t, 10*time.Second, "the port is taken", func() error {
		if launch.CheckListen(p.listen[2], "") == nil {
			return errors.New("it is free")
		}
		return nil
	})
	locked := filepath.Join(t.TempDir(), "is-a-directory.db")
	require.NoError(t, os.Mkdir(locked, 0o755))
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	require.NoError(t, os.WriteFile(foreign, []byte("This is not a database, it only looks a little like one."), 0o600))

	free := newPlaces(t)
	for title, c := range map[string]struct {
		args []string
		says []string
	}{
		"a port is taken":            {p.flags(), []string{"port taken", p.listen[2], "-listen"}},
		"the file is a directory":    {append(free.flags(), "-data", locked), []string{"data file", locked, "-data"}},
		"the file is something else": {append(free.flags(), "-data", foreign), []string{"data file", foreign, "-data"}},
		"a single node's port is taken": {
			[]string{"-node", "entity", "-listen", p.listen[2], "-data", free.data}, []string{"port taken", p.listen[2], "-listen"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			began := time.Now()
			launcher := spawn(t, title, c.args...)
			launcher.awaitExit(t, 10*time.Second, launch.ExitConfig)
			for _, want := range c.says {
				require.Contains(t, launcher.out.String(), want)
			}
			require.NotContains(t, launcher.out.String(), "pid=", "a node was started")
			t.Logf("%v: %s", time.Since(began).Round(time.Millisecond), launcher.out)
		})
	}
	holder.kill()
}
