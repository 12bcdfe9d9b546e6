// Command remote measures message passing between two processes on one machine: the
// workloads R1 to R4w, each beside its floor, which is the same exchange by frames
// with a length over a bare TCP connection.
//
// Every figure is the median of several runs, each in fresh processes, the contenders
// taking turns, so that the drift of the machine hits both alike. Only the ratios mean
// something on another machine.
package main

import (
	"bufio"
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
	target         float64 // of the ratio troupe : floor
	figure         func(c contender) (float64, error)
}

// contender is one end of a connection to the other process.
type contender interface {
	// oneWay sends n messages with a body of so many bytes, and returns the time
	// until the last has arrived; window > 0: so many without an answer.
	oneWay(n, size, window int) (time.Duration, error)
	// rounds has n questions answered, so many at a time, each by its own asker or
	// all by one.
	rounds(n, atOnce int, askers bool) (time.Duration, error)
}

func workloads(scale int) []workload {
	n := func(full int) int { return max(full/scale, 200) }
	rate := func(n int, d time.Duration, unit float64) float64 { return float64(n) / d.Seconds() / unit }
	return []workload{
		{"R1", "one way, 24 bytes", "M/s", true, 0.18, func(c contender) (float64, error) {
			d, err := c.oneWay(n(3_000_000), 16, 0)
			return rate(n(3_000_000), d, 1e6), err
		}},
		{"R1k", "one way, 1 KiB", "M/s", true, 0, func(c contender) (float64, error) {
			d, err := c.oneWay(n(500_000), 1<<10, 0)
			return rate(n(500_000), d, 1e6), err
		}},
		{"R2", "round trip", "µs", false, 1.6, func(c contender) (float64, error) {
			d, err := c.rounds(n(20_000), 1, false)
			return float64(d.Microseconds()) / float64(n(20_000)), err
		}},
		{"R2p", "round trips, 100 at once", "k/s", true, 0.38, func(c contender) (float64, error) {
			d, err := c.rounds(n(500_000), 100, false)
			return rate(n(500_000), d, 1e3), err
		}},
		{"R3", "asks, 64 askers", "k/s", true, 0.28, func(c contender) (float64, error) {
			d, err := c.rounds(n(300_000), 64, true)
			return rate(n(300_000), d, 1e3), err
		}},
		{"R4", "64 KiB, no flow control", "MB/s", true, 0, func(c contender) (float64, error) {
			d, err := c.oneWay(n(20_000), 64<<10, 0)
			return rate(n(20_000)*64<<10, d, 1e6), err
		}},
		{"R4w", "64 KiB, window of 32", "MB/s", true, 0.5, func(c contender) (float64, error) {
			d, err := c.oneWay(n(20_000), 64<<10, 32)
			return rate(n(20_000)*64<<10, d, 1e6), err
		}},
	}
}

var contenders = []string{"floor", "troupe"}

func main() {
	runs := flag.Int("runs", 5, "runs of every workload and contender, each in fresh processes")
	scale := flag.Int("scale", 1, "divide the sizes of the workloads")
	only := flag.String("only", "", "comma-separated ids of the workloads to run; empty: all")
	one := flag.String("one", "", "internal: run this workload,contender against the process at -to")
	to := flag.String("to", "", "internal: the address of the other process")
	serve := flag.String("serve", "", "internal: be the other process of this contender")
	flag.Parse()
	var err error
	switch all := workloads(*scale); {
	case *serve != "":
		err = serveAs(*serve)
	case *one != "":
		id, name, _ := strings.Cut(*one, ",")
		err = runOne(all[slices.IndexFunc(all, func(w workload) bool { return w.id == id })], name, *to)
	default:
		if *only != "" {
			all = slices.DeleteFunc(all, func(w workload) bool { return !slices.Contains(strings.Split(*only, ","), w.id) })
		}
		err = measure(all, *runs, *scale)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "remote:", err)
		os.Exit(1)
	}
}

// serveAs is the other process: it says its address and lives until its input ends.
func serveAs(name string) error {
	addr, err := map[string]func() (string, error){"floor": serveFloor, "troupe": serveTroupe}[name]()
	if err != nil {
		return err
	}
	fmt.Println(addr)
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until it is closed
	return nil
}

func runOne(w workload, name, to string) error {
	c, err := map[string]func(string) (contender, error){"floor": dialFloor, "troupe": dialTroupe}[name](to)
	if err != nil {
		return err
	}
	v, err := w.figure(c)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

// measure runs everything, the contenders in turn, and prints the table.
func measure(all []workload, runs, scale int) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "id\twhat\tfloor\ttroupe\tunit\tof the floor\ttarget\t")
	for _, w := range all {
		samples := map[string][]float64{}
		for range runs {
			for _, name := range contenders {
				v, err := sample(w, name, scale)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", w.id, name, err)
				}
				samples[name] = append(samples[name], v)
			}
		}
		floor, floorSpread := median(samples["floor"])
		troupe, spread := median(samples["troupe"])
		fmt.Fprintf(out, "%s\t%s\t%.4g ±%.0f %%\t%.4g ±%.0f %%\t%s\t%.2f\t", w.id, w.what, floor, floorSpread/2, troupe, spread/2, w.unit, troupe/cmp.Or(floor, 1))
		switch {
		case w.target == 0:
			fmt.Fprint(out, "–\t\n")
		case w.higher:
			fmt.Fprintf(out, "≥ %g\t\n", w.target)
		default:
			fmt.Fprintf(out, "≤ %g\t\n", w.target)
		}
		fmt.Fprint(os.Stderr, w.id, " ")
	}
	fmt.Fprintln(os.Stderr)
	return out.Flush()
}

// sample runs one workload once, in two fresh processes.
func sample(w workload, name string, scale int) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	server := exec.Command(self, "-serve", name)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = stdin.Close() // its end
		_ = server.Wait() // whatever it says now
	}()
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, err
	}
	client := exec.Command(self, "-scale", fmt.Sprint(scale), "-one", w.id+","+name, "-to", strings.TrimSpace(addr))
	client.Stderr = os.Stderr
	out, err := client.Output()
	if err != nil {
		return 0, err
	}
	var v float64
	return v, json.Unmarshal(out, &v)
}

// median returns the middle of the samples and their spread in per cent of it.
func median(samples []float64) (mid, spread float64) {
	s := slices.Sorted(slices.Values(samples))
	mid = s[len(s)/2]
	return mid, 100 * (s[len(s)-1] - s[0]) / cmp.Or(mid, 1)
}
