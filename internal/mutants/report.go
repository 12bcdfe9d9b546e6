package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// report prints the table, a row as soon as it is known.
type report struct {
	out     io.Writer
	mutants []mutant

	mu       sync.Mutex
	done     int
	verdicts []verdict // by mutant
}

func (r *report) add(i int, v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verdicts[i] = v
	r.done++
	fmt.Fprintf(r.out, "%3d of %d  %s\n", r.done, len(r.mutants), r.row(i))
}

// row is a line of the table.
func (r *report) row(i int) string {
	m, v := r.mutants[i], r.verdicts[i]
	what := "SURVIVED  " + m.breaks
	switch {
	case v.err != nil:
		what = "ERROR     " + v.err.Error()
	case v.caught && m.equivalent != "":
		what = "CAUGHT, though said to be equivalent, by " + v.how + " of " + v.by.pkg()
	case v.caught:
		what = "caught    " + v.how + " of " + v.by.pkg()
	case m.equivalent != "":
		what = "equivalent: " + m.equivalent
	}
	return fmt.Sprintf("%-58s %4.0f s  %s", m.name, v.took.Seconds(), what)
}

// end prints the whole table in the order of the list, and returns an error when
// too few were caught, or the list is wrong.
func (r *report) end(least float64) error {
	fmt.Fprintln(r.out)
	var errs []error
	caught, counted, equivalent := 0, 0, 0
	for i, m := range r.mutants {
		fmt.Fprintln(r.out, r.row(i))
		v := r.verdicts[i]
		switch {
		case v.err != nil:
			errs = append(errs, v.err)
		case m.equivalent != "" && v.caught:
			errs = append(errs, fmt.Errorf("mutant %s is said to be equivalent and was caught by %s: take the reason out of the list", m.name, v.how))
		case m.equivalent != "":
			equivalent++
		case v.caught:
			caught++
			counted++
		default:
			counted++
		}
	}
	share := 100.0
	if counted > 0 {
		share = 100 * float64(caught) / float64(counted)
	}
	fmt.Fprintf(r.out, "\n%d mutants: %d caught, %d survived (%.1f %% caught), %d equivalent, %d errors of the list\n",
		len(r.mutants), caught, counted-caught, share, equivalent, len(errs))
	if share < least {
		errs = append(errs, fmt.Errorf("%.1f %% of the mutants were caught, want %g %%: write the test that is missing", share, least))
	}
	return errors.Join(errs...)
}
