package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	pattern := flags.String("run", "", "only mutants whose name matches this regular expression")
	jobs := flags.Int("jobs", 2, "how many are examined at a time")
	least := flags.Float64("least", 95, "per cent of the mutants that must be caught")
	cheapest := flags.Int("cheapest", 0, "run only so many checks of each mutant, the cheapest; 0: all")
	list := flags.Bool("list", false, "say what there is, and plant nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pick, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	mutants := picked(all(), pick)
	if len(mutants) == 0 {
		return fmt.Errorf("no mutant matches %q", *pattern)
	}
	if *list {
		for _, m := range mutants {
			fmt.Fprintf(out, "%-58s %s\n", m.name, m.breaks)
		}
		return nil
	}
	if *cheapest > 0 {
		for i, m := range mutants {
			mutants[i].checks = m.checks[:min(*cheapest, len(m.checks))]
		}
	}
	root, err := rootOf(ctx)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	l := lab{root: root, scratch: scratch}
	if err := l.checkChecks(ctx, mutants, out); err != nil {
		return err
	}
	r := &report{out: out, verdicts: make([]verdict, len(mutants)), mutants: mutants}
	each(len(mutants), *jobs, func(i int) { r.add(i, l.examine(ctx, mutants[i])) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.end(*least)
}

// rootOf returns the root of the repository, wherever in it the command runs.
func rootOf(ctx context.Context) (string, error) {
	work, err := exec.CommandContext(ctx, "go", "env", "GOWORK").Output()
	if err != nil {
		return "", err
	}
	if path := strings.TrimSpace(string(work)); path != "" {
		return filepath.Dir(path), nil
	}
	return "", errors.New("no go.work above this folder: run it inside of the repository")
}

// checkChecks runs every check on the code as it is.
func (l lab) checkChecks(ctx context.Context, mutants []mutant, out io.Writer) error {
	var checks []check
	for _, m := range mutants {
		for _, c := range m.checks {
			if !slices.Contains(checks, c) {
				checks = append(checks, c)
			}
		}
	}
	for i, c := range checks { // one after the other: each has the machine to itself, as its limit supposes
		v := l.sound(ctx, c)
		fmt.Fprintf(out, "check %d of %d: %v (%.0f s)\n", i+1, len(checks), c, v.took.Seconds())
		if v.err != nil {
			return v.err
		}
		if v.caught {
			return fmt.Errorf("%v fails without any mutant, in %s: mend that first", c, v.how)
		}
	}
	return nil
}

// each calls f for 0 to n-1, several at a time.
func each(n, jobs int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
