package testkit

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// New starts a system that logs through t and is stopped when the test ends.
// At most one [actor.Config] may be given; its Logger is replaced unless set.
func New(t testing.TB, cfg ...actor.Config) *actor.System {
	t.Helper()
	var c actor.Config
	if len(cfg) > 0 {
		c = cfg[0]
	}
	if c.Logger == nil {
		l := Logger(t)
		c.Logger = &l
	}
	sys, err := actor.NewSystem("test", c)
	if err != nil {
		t.Fatalf("start system: %v", err)
	}
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Errorf("%v", err)
		}
	})
	return sys
}

// Logger returns a logger that writes to the log of the test, which is shown
// when the test fails.
func Logger(t testing.TB) zerolog.Logger {
	out := zerolog.ConsoleWriter{Out: testWriter{t}, NoColor: true, PartsExclude: []string{zerolog.TimestampFieldName}}
	return zerolog.New(out)
}

// testWriter writes lines to the log of a test.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// Must returns v, and panics when err isn't nil; it is for set-up that can't fail.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Answers asks and fails the test unless the answer is want.
func Answers[M, R any](t testing.TB, ref actor.Ref[M], request actor.Request[R], want R) {
	t.Helper()
	got, err := actor.Ask(t.Context(), ref, request)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v answered %+v, not %+v", ref, got, want)
	}
}
