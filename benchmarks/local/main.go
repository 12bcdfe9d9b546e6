// Command local measures message passing inside one process: the workloads
// L1 to L9, F1 and F2, each beside its floor. The floor is raw goroutines with
// channels, or with a queue of two slices under a mutex, whichever is quicker.
//
// Every figure is the median of several runs, each in a fresh process, the
// contenders taking turns, so that the drift of the machine hits all alike.
// Only the ratios mean something on another machine.
package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// workload is one row of the table.
type workload struct {
	id, what, unit string
	higher         bool    // higher figures are better
	target         float64 // of the ratio product : floor
	floor          func(f floor) map[string]float64
	product        func(p product) map[string]float64
	keeps          bool // the workload stops the system itself
}

// rate returns millions a second.
func rate(n int, d time.Duration) map[string]float64 {
	return map[string]float64{"": float64(n) / d.Seconds() / 1e6}
}

// each returns nanoseconds for one.
func each(n int, d time.Duration) map[string]float64 {
	return map[string]float64{"": float64(d.Nanoseconds()) / float64(n)}
}

func workloads(scale int) []workload {
	n := func(full int) int { return max(full/scale, 1000) }
	million, ten := n(1_000_000), n(10_000_000)
	return []workload{
		{id: "L1", what: "1 sender → 1 actor", unit: "M/s", higher: true, target: 0.75,
			floor:   func(f floor) map[string]float64 { return rate(ten, f.oneWay(1, 1, ten)) },
			product: func(p product) map[string]float64 { return rate(ten, p.oneWay(1, 1, ten)) }},
		{id: "L2", what: "8 senders → 1 actor", unit: "M/s", higher: true, target: 0.73,
			floor:   func(f floor) map[string]float64 { return rate(8*million, f.oneWay(8, 1, million)) },
			product: func(p product) map[string]float64 { return rate(8*million, p.oneWay(8, 1, million)) }},
		{id: "L3", what: "8 pairs, one way", unit: "M/s", higher: true, target: 0.9,
			floor:   func(f floor) map[string]float64 { return rate(8*million, f.oneWay(1, 8, million)) },
			product: func(p product) map[string]float64 { return rate(8*million, p.oneWay(1, 8, million)) }},
		{id: "L3pp", what: "8 pairs, ping-pong", unit: "M/s", higher: true, target: 2,
			floor:   func(f floor) map[string]float64 { return rate(16*million/4, f.pingPong(8, million/4)) },
			product: func(p product) map[string]float64 { return rate(16*million/4, p.pingPong(8, million/4)) }},
		{id: "L4", what: "ping-pong of one pair", unit: "ns", target: 0.4,
			floor:   func(f floor) map[string]float64 { return each(million, f.pingPong(1, million)) },
			product: func(p product) map[string]float64 { return each(million, p.pingPong(1, million)) }},
		{id: "L5", what: "ask from a goroutine", unit: "ns", target: 1.5,
			floor:   func(f floor) map[string]float64 { return each(million/2, f.ask(1, million/2)) },
			product: func(p product) map[string]float64 { return each(million/2, p.ask(1, million/2)) }},
		{id: "L5c", what: "64 concurrent askers", unit: "M/s", higher: true, target: 0.65,
			floor:   func(f floor) map[string]float64 { return rate(million, f.ask(64, million)) },
			product: func(p product) map[string]float64 { return rate(million, p.ask(64, million)) }},
		{id: "L6 spawn", what: "start actors that stay", unit: "ns", target: 0.4, keeps: true,
			floor:   func(f floor) map[string]float64 { return spawned(f.spawn(million))(million) },
			product: func(p product) map[string]float64 { return spawned(p.spawn(million))(million) }},
		{id: "L7", what: "ring of 10 000, a hop", unit: "ns", target: 0.26,
			floor:   func(f floor) map[string]float64 { return each(million, f.ring(10_000, million)) },
			product: func(p product) map[string]float64 { return each(million, p.ring(10_000, million)) }},
		{id: "L8", what: "skynet, 100 000 leaves", unit: "ms", target: 1.5,
			floor: func(f floor) map[string]float64 {
				return map[string]float64{"": float64(f.skynet(100_000).Microseconds()) / 1000}
			},
			product: func(p product) map[string]float64 {
				return map[string]float64{"": float64(p.skynet(100_000).Microseconds()) / 1000}
			}},
		{id: "L9", what: "100 actors, random peers", unit: "M/s", higher: true, target: 1.5,
			floor:   func(f floor) map[string]float64 { return rate(million, f.peers(100, million)) },
			product: func(p product) map[string]float64 { return rate(million, p.peers(100, million)) }},
		{id: "F1", what: "asks answered of 800, askers block", unit: "", higher: true,
			product: func(p product) map[string]float64 {
				return map[string]float64{"": float64(p.blockedAsks(50 * time.Millisecond))}
			}},
		{id: "F2", what: "sends refused of 100 to a mailbox of 10", unit: "", higher: true,
			product: func(p product) map[string]float64 { return map[string]float64{"": float64(p.refused())} }},
	}
}

// spawned makes the three figures of L6.
func spawned(spawn time.Duration, bytes float64, stop time.Duration) func(n int) map[string]float64 {
	return func(n int) map[string]float64 {
		return map[string]float64{"": each(n, spawn)[""], "bytes": bytes, "stop": each(n, stop)[""]}
	}
}

// contenders are the columns of the table.
var contenders = []string{"channels", "queue", "troupe"}

func main() {
	runs := flag.Int("runs", 5, "runs of every workload and contender, each in a fresh process")
	scale := flag.Int("scale", 1, "divide the sizes of the workloads")
	only := flag.String("only", "", "comma-separated ids of the workloads to run; empty: all")
	svg := flag.String("svg", "", "write a chart of the ratios to this file")
	one := flag.String("one", "", "internal: run this workload,contender and print its figures")
	flag.Parse()
	all := workloads(*scale)
	if *one != "" {
		id, contender, _ := strings.Cut(*one, ",")
		runOne(all[slices.IndexFunc(all, func(w workload) bool { return w.id == id })], contender)
		return
	}
	if *only != "" {
		wanted := strings.Split(*only, ",")
		all = slices.DeleteFunc(all, func(w workload) bool { return !slices.Contains(wanted, w.id) })
	}
	rows, err := measure(all, *runs, *scale)
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
	print(rows)
	if *svg != "" {
		if err := os.WriteFile(*svg, chart(rows), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "local:", err)
			os.Exit(1)
		}
	}
}

// runOne runs one workload for one contender and prints its figures as JSON.
func runOne(w workload, contender string) {
	var figures map[string]float64
	switch contender {
	case "channels":
		figures = w.floor(floor{newChanBox})
	case "queue":
		figures = w.floor(floor{newQueueBox})
	default:
		p := newProduct()
		figures = w.product(p)
		if !w.keeps {
			p.stop()
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(figures) // a map of numbers
}

// row is what came out for one figure of one workload.
type row struct {
	workload
	figure  string
	samples map[string][]float64
}

// measure runs everything, the contenders in turn.
func measure(all []workload, runs, scale int) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, w := range all {
		samples := map[string]map[string][]float64{}
		for range runs {
			for _, c := range contenders {
				if c != "troupe" && w.floor == nil {
					continue
				}
				out, err := exec.Command(self, "-scale", fmt.Sprint(scale), "-one", w.id+","+c).Output()
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", w.id, c, err)
				}
				var figures map[string]float64
				if err := json.Unmarshal(out, &figures); err != nil {
					return nil, fmt.Errorf("%s, %s: %w", w.id, c, err)
				}
				for figure, v := range figures {
					if samples[figure] == nil {
						samples[figure] = map[string][]float64{}
					}
					samples[figure][c] = append(samples[figure][c], v)
				}
			}
		}
		for _, figure := range []string{"", "bytes", "stop"} {
			if samples[figure] != nil {
				rows = append(rows, newRow(w, figure, samples[figure]))
			}
		}
		fmt.Fprint(os.Stderr, w.id, " ")
	}
	fmt.Fprintln(os.Stderr)
	return rows, nil
}

func newRow(w workload, figure string, samples map[string][]float64) row {
	r := row{workload: w, figure: figure, samples: samples}
	switch figure {
	case "bytes":
		r.id, r.what, r.unit, r.target = "L6 bytes", "heap and stack of an idle one", "B", 0
	case "stop":
		r.id, r.what, r.target = "L6 stop", "stop all", 0
	}
	return r
}

// median returns the middle of the samples and their spread in per cent of it.
func median(samples []float64) (mid, spread float64) {
	if len(samples) == 0 {
		return 0, 0
	}
	s := slices.Sorted(slices.Values(samples))
	mid = s[len(s)/2]
	return mid, 100 * (s[len(s)-1] - s[0]) / cmp.Or(mid, 1)
}

// ratio returns the product's median over that of the better floor.
func (r row) ratio() (float64, bool) {
	channels, _ := median(r.samples["channels"])
	queue, _ := median(r.samples["queue"])
	troupe, _ := median(r.samples["troupe"])
	if channels == 0 || queue == 0 {
		return 0, false
	}
	best := min(channels, queue)
	if r.higher {
		best = max(channels, queue)
	}
	return troupe / best, true
}

func print(rows []row) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "id\twhat\tchannels\tqueue\ttroupe\tunit\tof the floor\ttarget\t")
	for _, r := range rows {
		fmt.Fprintf(out, "%s\t%s\t", r.id, r.what)
		for _, c := range contenders {
			if mid, spread := median(r.samples[c]); len(r.samples[c]) > 0 {
				fmt.Fprintf(out, "%.4g ±%.0f %%\t", mid, spread/2)
			} else {
				fmt.Fprint(out, "–\t")
			}
		}
		fmt.Fprintf(out, "%s\t", r.unit)
		if ratio, ok := r.ratio(); ok {
			fmt.Fprintf(out, "%.2f\t", ratio)
		} else {
			fmt.Fprint(out, "\t")
		}
		switch {
		case r.target == 0:
			fmt.Fprintln(out, "\t")
		case r.higher:
			fmt.Fprintf(out, "≥ %.2f\t\n", r.target)
		default:
			fmt.Fprintf(out, "≤ %.2f\t\n", r.target)
		}
	}
	_ = out.Flush()
}
