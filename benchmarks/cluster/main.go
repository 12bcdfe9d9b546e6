// Command cluster measures membership: how fast clusters form and how fast a
// crash is known to all, in real processes on this machine and in simulation;
// how often a node that lives is held for dead; what gossip costs up to a
// thousand nodes. It prints a table with the target of every figure, and
// writes plots as SVG.
//
// Figures of the simulation are in virtual time: they are the same on every
// machine of one architecture. Those of real processes depend on it.
package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// A process with these in its environment is a node of a measured cluster.
const (
	nodeEnv  = "TROUPE_BENCH_NODE"
	seedsEnv = "TROUPE_BENCH_SEEDS"
	viaEnv   = "TROUPE_BENCH_VIA" // by which way it dials whom; it then tells every view
)

// row is one line of the table.
type row struct {
	what, got, target string
	missed            bool
}

type bench struct {
	rows  []row
	plots map[string][]byte
	scale int // of how much is measured, in percent
}

func main() {
	if addr := os.Getenv(nodeEnv); addr != "" {
		if err := runNode(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flags := flag.NewFlagSet("cluster", flag.ExitOnError)
	real := flags.Bool("real", true, "measure real processes")
	sim := flags.Bool("sim", true, "measure in simulation")
	scale := flags.Int("scale", 100, "how much to measure, in percent")
	out := flags.String("plots", "", "directory to write the plots to; none without")
	_ = flags.Parse(os.Args[1:]) // it exits on errors
	b := &bench{plots: map[string][]byte{}, scale: *scale}
	if err := b.run(*real, *sim); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b.print()
	if err := b.write(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (b *bench) run(real, sim bool) error {
	var steps []func() error
	if real {
		steps = append(steps, b.realFormation, b.realTwenty)
	}
	if sim {
		steps = append(steps, b.simCrashes, b.simSuspicions, b.simGossip)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// many scales a number of repetitions.
func (b *bench) many(n int) int { return max(1, n*b.scale/100) }

// within adds a row for a time with a largest value.
func (b *bench) within(what string, got, target time.Duration) {
	b.rows = append(b.rows, row{what, got.Round(time.Millisecond).String(), "≤ " + target.String(), got > target})
}

// atMost adds a row for a number with a largest value.
func (b *bench) atMost(what string, got, target float64, unit string) {
	b.rows = append(b.rows, row{what, fmt.Sprintf("%.4g %s", got, unit), fmt.Sprintf("≤ %.4g %s", target, unit), got > target})
}

func (b *bench) realFormation() error {
	for _, c := range []struct {
		n      int
		target time.Duration
	}{{3, 500 * time.Millisecond}, {10, 1500 * time.Millisecond}} {
		var formed []time.Duration
		for range b.many(5) {
			p, err := launch(c.n)
			if err != nil {
				return err
			}
			d, err := p.formation()
			p.end()
			if err != nil {
				return err
			}
			formed = append(formed, d)
		}
		b.within(fmt.Sprintf("formation of %d processes, median of %d", c.n, len(formed)), percentile(formed, 0.5), c.target)
	}
	var known []time.Duration
	for i := range b.many(5) {
		d, err := b.realCrash(5, i%5)
		if err != nil {
			return err
		}
		known = append(known, d)
	}
	b.within(fmt.Sprintf("crash known to all of 5 processes, longest of %d", len(known)), percentile(known, 1), 4500*time.Millisecond)
	return nil
}

func (b *bench) realCrash(n, victim int) (time.Duration, error) {
	p, err := launch(n)
	if err != nil {
		return 0, err
	}
	defer p.end()
	if _, err := p.formation(); err != nil {
		return 0, err
	}
	time.Sleep(3 * time.Second) // a rhythm of heartbeats
	return p.crash(victim)
}

func (b *bench) realTwenty() error {
	p, err := launch(20)
	if err != nil {
		return err
	}
	defer p.end()
	formed, err := p.formation()
	if err != nil {
		return err
	}
	b.within("formation of 20 processes", formed, 15*time.Second)
	time.Sleep(3 * time.Second)
	cpu, err := p.idleCPU(time.Duration(b.many(10)) * time.Second)
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row{what: "processor time of an idle node of 20", got: fmt.Sprintf("%.2f %% of one core", cpu*100)})
	known, err := p.crash(19)
	if err != nil {
		return err
	}
	b.within("crash known to all of 20 processes", known, 5*time.Second)
	return nil
}

func (b *bench) simCrashes() error {
	median, worst := line{name: "median"}, line{name: "99 of 100"}
	for _, c := range []struct {
		n, seeds, each int
		target         time.Duration
	}{{5, 40, 5, 4500 * time.Millisecond}, {20, 20, 5, 5 * time.Second}, {100, 4, 10, 5700 * time.Millisecond}} {
		var all []time.Duration
		var slowest time.Duration
		for seed := range b.many(c.seeds) {
			formed, known, err := crashes(uint64(seed+1), c.n, c.each)
			if err != nil {
				return err
			}
			all, slowest = append(all, known...), max(slowest, formed)
		}
		b.within(fmt.Sprintf("crash known to all of %d, simulated, p99 of %d", c.n, len(all)), percentile(all, 0.99), c.target)
		if c.n == 100 {
			b.within("formation of 100, simulated, the slowest", slowest, time.Minute)
		}
		median.points = append(median.points, [2]float64{float64(c.n), percentile(all, 0.5).Seconds()})
		worst.points = append(worst.points, [2]float64{float64(c.n), percentile(all, 0.99).Seconds()})
	}
	b.plots["crash.svg"] = plot("From a crash until all others know", "seconds of virtual time", []line{median, worst})
	return nil
}

func (b *bench) simSuspicions() error {
	span := time.Duration(b.many(120)) * time.Minute
	for _, c := range []struct {
		what   string
		noisy  bool
		target float64
	}{{"quiet", false, 0}, {"noisy", true, 0.2}} {
		rate, err := suspicions(1, 20, span, c.noisy)
		if err != nil {
			return err
		}
		b.atMost(fmt.Sprintf("false suspicions a node-hour, %s, over %.0f node-hours", c.what, 20*span.Hours()), rate, c.target, "")
	}
	return nil
}

func (b *bench) simGossip() error {
	have, know, bytes, reference := line{name: "until all have it"}, line{name: "until all know that"}, line{name: "one change, bytes a node"}, line{name: "log2 of the nodes"}
	targets := map[int]float64{100: 4096, 1000: 16384}
	for _, n := range []int{3, 10, 30, 100, 300, 1000} {
		s, err := spread(1, n)
		if err != nil {
			return err
		}
		size := float64(n)
		round := 500 * time.Millisecond
		have.points = append(have.points, [2]float64{size, s.have.Seconds() / round.Seconds()})
		know.points = append(know.points, [2]float64{size, s.know.Seconds() / round.Seconds()})
		reference.points = append(reference.points, [2]float64{size, math.Log2(size)})
		bytes.points = append(bytes.points, [2]float64{size, float64(s.bytes)})
		if target, ok := targets[n]; ok {
			b.atMost(fmt.Sprintf("gossip of one change among %d", n), float64(s.bytes), target, "bytes a node")
			b.atMost(fmt.Sprintf("gossip of %d while idle", n), float64(s.idle), 200, "bytes a second a node")
			b.atMost(fmt.Sprintf("rounds until all of %d know that all know", n), math.Ceil(s.know.Seconds()/round.Seconds()), math.Floor(math.Log2(size))+2, "")
		}
	}
	b.plots["rounds.svg"] = plot("Rounds of gossip that a change takes", "rounds of 0.5 s", []line{have, know, reference})
	b.plots["bytes.svg"] = plot("What a change costs a node", "bytes", []line{bytes})
	return nil
}

func (b *bench) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tmeasured\ttarget\t")
	for _, r := range b.rows {
		verdict := ""
		if r.missed {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.what, r.got, r.target, verdict)
	}
	_ = w.Flush()
}

func (b *bench) write(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, svg := range b.plots {
		if err := os.WriteFile(filepath.Join(dir, name), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}
