// Command hostile measures what an attack on the port of a node costs those whom the
// cluster serves: how long asks take meanwhile, beside how long they take in peace.
//
// It starts three nodes of a cluster, which listen on the loopback interface and share a
// secret; a process that asks actors on all three at a fixed rate, each ask counted from
// when it was due; and an attacker, who knocks at the port of the first node from another
// address of the loopback interface, so that the bounds for one host are its own. Peace,
// a feint and the attack take turns, several times, in the same processes, because every
// machine drifts.
//
// The attacker stands for one with a machine of its own: it has one processor, at the
// lowest priority there is (on Linux SCHED_IDLE, elsewhere nice 19), so that it only gets
// the time that nobody else wants, and what it costs itself is not taken for a cost of
// those attacked. How far that is true the feint shows, in which it makes as many
// connections to itself. What the kernel does for the packets of the attack is such a
// cost: some of that is done in the name of the attacker and some in that of the nodes,
// and with a real network it would all be on the machine of the nodes but for the sending.
//
// Nothing goes to another address than loopback ones, every loop has a bound in time and
// in number, and the processes end with the one that started them. The README of the
// benchmarks says how to read the table.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	rounds, scale  int
	rate           float64
	only, profiles string
}

const (
	phaseTime  = 4 * time.Second // of peace, feint and attack each
	phaseLeast = 300 * time.Millisecond
	pauseTime  = 250 * time.Millisecond // between two, in which nothing is measured
)

func main() {
	if text := os.Getenv(partEnv); text != "" {
		if err := playPart(text); err != nil {
			fmt.Fprintln(os.Stderr, "hostile:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of peace, feint and attack; the figures are medians over them")
	flag.IntVar(&o.scale, "scale", 1, "divide the time of each phase, and with it the connections made")
	flag.Float64Var(&o.rate, "rate", 2000, "asks a second")
	flag.StringVar(&o.only, "only", "", "comma-separated ids of the attacks to run; empty: all")
	flag.StringVar(&o.profiles, "profiles", "", "write processor profiles of the attacked node to this directory, of peace and of attack")
	flag.Parse()
	if err := o.do(); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func (o options) do() error {
	var rows []row
	for _, a := range attacks() {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), a.id) {
			continue
		}
		r, err := o.measure(a)
		if err != nil {
			return fmt.Errorf("%s: %w", a.id, err)
		}
		rows = append(rows, r)
		fmt.Fprint(os.Stderr, a.id, " ")
	}
	fmt.Fprintln(os.Stderr)
	return table(os.Stdout, rows)
}

// phase is how long peace, feint and attack take each time.
func (o options) phase() time.Duration { return max(phaseTime/time.Duration(o.scale), phaseLeast) }

// playPart is what a process does that another one has started.
func playPart(text string) error {
	var p part
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return err
	}
	switch p.Name {
	case partNode:
		return p.node()
	case partLoad:
		return p.load()
	case partAttacker:
		return p.attacker()
	}
	return fmt.Errorf("there is no part %q", p.Name)
}
