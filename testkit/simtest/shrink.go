package simtest

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// trial stands in for a test whose failure is expected: it takes note of the
// failure instead of passing it on.
type trial struct {
	testing.TB
	failed bool
	text   strings.Builder
}

func (v *trial) Helper()      {}
func (v *trial) Failed() bool { return v.failed }

func (v *trial) Log(args ...any)                 { fmt.Fprintln(&v.text, args...) }
func (v *trial) Logf(format string, args ...any) { fmt.Fprintf(&v.text, format+"\n", args...) }

func (v *trial) Error(args ...any)                 { v.Log(args...); v.failed = true }
func (v *trial) Errorf(format string, args ...any) { v.Logf(format, args...); v.failed = true }

func (v *trial) FailNow()                          { v.failed = true; runtime.Goexit() }
func (v *trial) Fatal(args ...any)                 { v.Log(args...); v.FailNow() }
func (v *trial) Fatalf(format string, args ...any) { v.Logf(format, args...); v.FailNow() }

// try runs a seed that may fail and returns what it says.
func try(t testing.TB, seed uint64, where string, without []string, script func(w *World)) *trial {
	v := &trial{TB: t}
	apart(func() { runWorld(v, seed, where, false, trace{}, without, script) })
	return v
}

// shrink finds out which families of faults a failure of the seed needs: it
// takes one after the other away as long as the seed still fails. It returns
// the names of those that it can do without.
func shrink(t testing.TB, seed uint64, where string, script func(w *World)) (without []string) {
	for _, family := range families() {
		if v := try(t, seed, where, append(without, family), script); v.failed {
			without = append(without, family)
		}
	}
	return without
}

// families lists the fields of Swarm that are faults, those that can be set to
// zero and leave a world that works.
func families() []string {
	return []string{"Crash", "Leave", "Pause", "Sever", "Partition", "OneWay", "Partial", "Swizzle", "Clog", "Refuse", "Outage",
		"DiskSlow", "DiskDoubt", "DiskBreak", "DiskLate", "Stale", "Linger", "Stall", "Split", "SkewMax"}
}

// without returns s with the named fields set to zero.
func (s Swarm) without(names []string) Swarm {
	v := reflect.ValueOf(&s).Elem()
	for _, name := range names {
		if f := v.FieldByName(name); f.IsValid() {
			f.SetZero()
		}
	}
	return s
}

// tellShrunk replays a failing seed with fewer and fewer faults and logs what
// is left.
func tellShrunk(t testing.TB, seed uint64, where string, script func(w *World)) {
	without := shrink(t, seed, where, script)
	t.Logf("seed %d fails as well without %s\nreplay: %s -sim.off=%s", seed, strings.Join(without, ", "),
		replay(where, t, seed), strings.Join(without, ","))
}
