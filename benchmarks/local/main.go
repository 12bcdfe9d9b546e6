// Command local measures message passing inside one process: throughput beside
// raw goroutines (L1 to L9), what must not go wrong (F1 to F3), how long messages
// take at fixed rates (O1, O2), and what each safety feature costs (S1 to S3).
// The README beside it says what the workloads are and how to read the tables.
//
// Every figure is the median of several runs, each in a fresh process, the
// contenders taking turns, so that the drift of the machine hits all alike.
// Only the ratios mean something on another machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
)

func main() {
	runs := flag.Int("runs", 5, "runs of every workload and contender, each in a fresh process")
	scale := flag.Int("scale", 1, "divide the sizes of the workloads")
	only := flag.String("only", "", "comma-separated workloads to run, such as L1,L8,O2; empty: all")
	svg := flag.String("svg", "", "write a chart of the ratios to this file")
	one := flag.String("one", "", "internal: run this workload,contender,rate and print its figures")
	flag.Parse()
	if *runs < 1 || *scale < 1 {
		fail(fmt.Errorf("-runs and -scale must be above zero"))
	}
	all := workloads(*scale)
	if *one != "" {
		if err := runOne(all, *one); err != nil {
			fail(err)
		}
		return
	}
	all, err := chosen(all, *only)
	if err != nil {
		fail(err)
	}
	rows, err := measure(all, *runs, *scale)
	if err != nil {
		fail(err)
	}
	tables(os.Stdout, rows)
	if *svg != "" {
		if err := os.WriteFile(*svg, chart.Draw(sections(rows)), 0o644); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "local:", err)
	os.Exit(1)
}

// chosen returns the workloads whose family is in the list.
func chosen(all []workload, only string) ([]workload, error) {
	if only == "" {
		return all, nil
	}
	var out []workload
	for _, name := range strings.Split(only, ",") {
		found := slices.DeleteFunc(slices.Clone(all), func(w workload) bool { return w.family() != name })
		if len(found) == 0 {
			return nil, fmt.Errorf("-only: there is no workload %q", name)
		}
		out = append(out, found...)
	}
	return out, nil
}

// runOne runs one workload for one contender and prints its figures as JSON.
func runOne(all []workload, what string) error {
	parts := strings.Split(what, ",")
	if len(parts) != 3 {
		return fmt.Errorf("-one %q: want workload,contender,rate", what)
	}
	i := slices.IndexFunc(all, func(w workload) bool { return w.id == parts[0] })
	if i < 0 {
		return fmt.Errorf("-one %q: there is no such workload", what)
	}
	perSecond, err := strconv.ParseFloat(parts[2], 64)
	if err != nil {
		return fmt.Errorf("-one %q: %w", what, err)
	}
	return json.NewEncoder(os.Stdout).Encode(all[i].run(parts[1], perSecond))
}

// measure runs everything, the contenders in turn.
func measure(all []workload, runs, scale int) ([]row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, w := range all {
		samples := map[string]map[string][]float64{} // by figure, then by contender
		perSecond := w.load * capacity(rows, w.of)
		for range runs {
			for _, c := range w.contenders {
				f, err := inFreshProcess(self, scale, fmt.Sprintf("%s,%s,%g", w.id, c, perSecond))
				if err != nil {
					return nil, err
				}
				for figure, v := range f {
					if samples[figure] == nil {
						samples[figure] = map[string][]float64{}
					}
					samples[figure][c] = append(samples[figure][c], v)
				}
			}
		}
		if w.load > 0 {
			w.what = fmt.Sprintf("%s at %.3g M/s", w.what, perSecond/1e6)
		}
		for _, figure := range figureOrder {
			if samples[figure] != nil {
				rows = append(rows, newRow(w, figure, samples[figure]))
			}
		}
		fmt.Fprint(os.Stderr, w.id, "  ")
	}
	fmt.Fprintln(os.Stderr)
	return rows, nil
}

// processTime bounds one run: one that hangs is to be seen, not waited for.
const processTime = 5 * time.Minute

// inFreshProcess runs one workload for one contender in a process of its own.
func inFreshProcess(self string, scale int, what string) (figures, error) {
	ctx, cancel := context.WithTimeout(context.Background(), processTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, self, "-scale", fmt.Sprint(scale), "-one", what).Output()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: not done after %v", what, processTime)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w\n%s", what, err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var f figures
	if err := json.Unmarshal(out, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return f, nil
}

// capacity returns the product's capacity, a second, in a workload that was
// measured before.
func capacity(rows []row, id string) float64 {
	for _, r := range rows {
		if r.id == id && r.figure == "" {
			mid, _ := median(r.samples[product])
			return mid * 1e6
		}
	}
	return 0
}
