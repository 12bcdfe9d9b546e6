package simtest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Measure runs script once, in a world of its own made from seed, outside of
// any test: for programs that measure in virtual time. It returns what would
// have failed a test. It blocks until the script is through, however long
// that takes.
func Measure(seed uint64, script func(w *World)) error {
	t := &outside{}
	apart(func() { runWorld(t, seed, ".", false, trace{}, nil, script) })
	if t.failed {
		return errors.New(strings.Join(t.said, "\n"))
	}
	return nil
}

// outside stands for the test where there is none.
type outside struct {
	testing.TB // nil: what isn't defined here is of no use in a world
	failed     bool
	said       []string
}

func (o *outside) Helper()      {}
func (o *outside) Name() string { return "measure" }
func (o *outside) Failed() bool { return o.failed }
func (o *outside) Fail()        { o.failed = true }

func (o *outside) FailNow() {
	o.failed = true
	runtime.Goexit()
}

func (o *outside) Logf(format string, args ...any) {
	o.said = append(o.said, fmt.Sprintf(format, args...))
}

func (o *outside) Errorf(format string, args ...any) {
	o.Logf(format, args...)
	o.Fail()
}

func (o *outside) Fatalf(format string, args ...any) {
	o.Logf(format, args...)
	o.FailNow()
}
