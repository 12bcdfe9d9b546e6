package testkit

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// Config says how a system of [Start] is made and what is looked after in it.
// The zero value is what [New] does.
type Config struct {
	// System configures the system. Its Logger writes through the test unless
	// it is set; its Observer is told of everything, too.
	System actor.Config
	// RoundTrip encodes and decodes every message through the system's
	// registry before it is delivered, so that what would not work between
	// nodes fails on one. What can't travel fails the test, and is delivered as
	// it is.
	RoundTrip bool
	// Local has a value of each type that RoundTrip leaves alone, because it
	// never leaves the process.
	Local []any
	// Strict fails the test for dead letters and unhandled messages that come
	// before the system is stopped.
	Strict bool
	// Unchecked does without the checks that every system of a test has: the
	// [Ledger] and the [LifeCycle]. Benchmarks have none in any case.
	Unchecked bool
}

// New starts a system that logs through t and is stopped when the test ends.
// Its messages are counted by a [Ledger], its actors looked after by a
// [LifeCycle]. At most one [actor.Config] may be given; [Start] can say more.
func New(t testing.TB, cfg ...actor.Config) *actor.System {
	t.Helper()
	var c Config
	if len(cfg) > 0 {
		c.System = cfg[0]
	}
	return Start(t, c)
}

// Start is [New] with a configuration of more than the system.
func Start(t testing.TB, cfg Config) *actor.System {
	t.Helper()
	k := &kit{t: t}
	observers := []*actor.Observer{cfg.System.Observer}
	_, benchmark := t.(*testing.B)
	if !cfg.Unchecked && !benchmark {
		k.ledger, k.life = &Ledger{}, &LifeCycle{}
		observers = append(observers, k.ledger.Observer(), k.life.Observer())
	}
	if cfg.Strict {
		observers = append(observers, &actor.Observer{Act: k.lost})
	}
	if cfg.RoundTrip {
		observers = append(observers, &actor.Observer{Send: newRoundTrip(t, k.sys.Load, cfg.Local).send})
	}
	cfg.System.Observer = Together(observers...)
	if cfg.System.Logger == nil {
		l := Logger(t)
		cfg.System.Logger = &l
	}
	sys, err := actor.NewSystem("test", cfg.System)
	if err != nil {
		t.Fatalf("start system: %v", err)
	}
	k.sys.Store(sys)
	t.Cleanup(k.stop)
	return sys
}

// kit looks after the system of a test.
type kit struct {
	t      testing.TB
	sys    atomic.Pointer[actor.System]
	ledger *Ledger
	life   *LifeCycle

	mu       sync.Mutex
	stopping bool
	losses   []string
}

// lost notes what a strict system must not lose.
func (k *kit) lost(a actor.Act) {
	var what string
	switch ev := a.Message.(type) {
	case actor.DeadLetter:
		what = "dead letter (" + ev.Reason.String() + ") " + show(ev.Message) + " to " + ev.To.String()
	case actor.Unhandled:
		what = "unhandled " + show(ev.Message) + " by " + ev.To.String()
	}
	if a.Kind != actor.ActPublished || what == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopping {
		k.losses = append(k.losses, what)
	}
}

// stop ends the system and looks at what is left behind.
func (k *kit) stop() {
	k.mu.Lock()
	k.stopping = true
	losses := slices.Clone(k.losses)
	k.mu.Unlock()
	if len(losses) > 0 {
		k.t.Errorf("messages came to nothing:\n  %s", strings.Join(losses, "\n  "))
	}
	sys := k.sys.Load()
	if err := sys.Stop(context.Background()); err != nil {
		k.t.Errorf("%v", err)
		return
	}
	for a := range sys.Tree() {
		k.t.Errorf("%v outlives its system", a.Ref)
	}
	if k.ledger != nil {
		k.life.CheckEnd(k.t)
		k.ledger.Check(k.t, sys)
	}
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
