// Command remote measures message passing between two processes on one machine: the
// workloads R1 to R4w beside their floor, which is the same exchange by frames with a
// length over a bare TCP connection; what TLS and polling change; how long asks take at
// fixed rates; whether a slow peer or a full buffer holds up what it must not; and the
// memory of an association. The README of the benchmarks says how to read the table.
//
// The two processes stand for two machines: each is given half of the processors, but in
// N1 and H1, which are about what goes on inside one process at a time, and in O, where
// those who ask need a goroutine for each ask.
//
// Every figure is the median of several runs, each in fresh processes, the contenders
// taking turns, so that the drift of the machine hits both alike. Only the ratios mean
// something on another machine.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/benchmarks/internal/chart"
	"github.com/troupe-go/troupe/benchmarks/internal/keys"
)

// options are the flags.
type options struct {
	runs, scale int
	only, svg   string

	one, to, serve, keys string // of the processes that this one starts
	rate                 float64
}

func main() {
	var o options
	flag.IntVar(&o.runs, "runs", 5, "runs of every workload and contender, each in fresh processes")
	flag.IntVar(&o.scale, "scale", 1, "divide the sizes of the workloads")
	flag.StringVar(&o.only, "only", "", "comma-separated ids, or their first letters, of the workloads to run; empty: all")
	flag.StringVar(&o.svg, "svg", "", "write a chart of the ratios to this file")
	flag.StringVar(&o.one, "one", "", "internal: run this workload,contender against the process at -to")
	flag.StringVar(&o.to, "to", "", "internal: the addresses of the other process")
	flag.StringVar(&o.serve, "serve", "", "internal: be this other process")
	flag.StringVar(&o.keys, "keys", "", "internal: the directory of the certificate")
	flag.Float64Var(&o.rate, "rate", 0, "internal: thousands of messages a second")
	flag.Parse()
	if err := o.do(); err != nil {
		fmt.Fprintln(os.Stderr, "remote:", err)
		os.Exit(1)
	}
}

func (o options) do() error {
	all := workloads(o.scale)
	switch {
	case o.serve != "":
		return o.serveAs()
	case o.one != "":
		id, name, _ := strings.Cut(o.one, ",")
		return o.runOne(all[slices.IndexFunc(all, func(w workload) bool { return w.id == id })], name)
	}
	rows, err := o.measure(slices.DeleteFunc(all, func(w workload) bool { return !o.wants(w) }))
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, chart.Draw(sections(rows)), 0o644); err != nil {
			return err
		}
	}
	return table(os.Stdout, rows)
}

// wants reports whether the workload is among those to run.
func (o options) wants(w workload) bool {
	if o.only == "" {
		return true
	}
	for _, id := range strings.Split(o.only, ",") {
		if id == w.id || id == w.id[:1] {
			return true
		}
	}
	return false
}

// serveAs is the other process: it says its addresses and lives until its input ends.
func (o options) serveAs() error {
	var addrs []string
	var err error
	switch o.serve {
	case bare:
		addrs = make([]string, 1)
		addrs[0], err = serveFloor()
	case manyPeers:
		addrs, err = serveMany(manyCount, false)
	case narrowPeers:
		addrs, err = serveMany(tenCount, true)
	default:
		cfg, bad := configOf(o.serve, o.keys)
		if bad != nil {
			return bad
		}
		rem, bad := serveAnswers(cfg)
		if bad != nil {
			return bad
		}
		addrs = []string{rem.Addr()}
	}
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(addrs, ","))
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until it is closed
	return nil
}

func (o options) runOne(w workload, name string) error {
	v, err := w.run(setting{name: name, addrs: strings.Split(o.to, ","), keys: o.keys, rate: o.rate})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

// measure runs everything, the contenders in turn.
func (o options) measure(all []workload) ([]row, error) {
	dir, err := os.MkdirTemp("", "remote")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := keys.Make(dir); err != nil {
		return nil, err
	}
	o.keys = dir
	var rows []row
	for _, w := range all {
		samples := map[string]map[string][]float64{} // by figure and contender
		for range o.runs {
			for _, name := range w.contenders {
				o.rate = w.rate
				got, err := o.sample(w, name)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", w.id, name, err)
				}
				for figure, v := range got { //det:ok every figure for itself
					if samples[figure] == nil {
						samples[figure] = map[string][]float64{}
					}
					samples[figure][name] = append(samples[figure][name], v)
				}
			}
		}
		for _, figure := range figureOrder {
			if samples[figure] != nil {
				rows = append(rows, row{workload: w, figure: figure, samples: samples[figure]})
			}
		}
		fmt.Fprint(os.Stderr, w.id, " ")
	}
	fmt.Fprintln(os.Stderr)
	return rows, nil
}

// procs is how many processors each of the two processes has.
func (w workload) procs() int {
	all := runtime.GOMAXPROCS(0)
	if w.whole {
		return all
	}
	return max(all/2, 1)
}

// sample runs one workload once, in two fresh processes.
func (o options) sample(w workload, name string) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	other := w.serve
	if other == "" {
		other = name
	}
	env := append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", w.procs()))
	server := exec.Command(self, "-serve", other, "-keys", o.keys)
	server.Stderr, server.Env = os.Stderr, env
	stdin, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = stdin.Close() // its end
		_ = server.Wait() // whatever it says now
	}()
	addrs, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, err
	}
	client := exec.Command(self, "-scale", fmt.Sprint(o.scale), "-one", w.id+","+name, "-to", strings.TrimSpace(addrs), "-keys", o.keys, "-rate", fmt.Sprint(o.rate))
	client.Stderr, client.Env = os.Stderr, env
	out, err := client.Output()
	if err != nil {
		return nil, err
	}
	var v figures
	return v, json.Unmarshal(out, &v)
}
