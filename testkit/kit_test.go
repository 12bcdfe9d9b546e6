package testkit_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/testkit"
)

// witness is a test that notes what is held against it, and whose cleanups are
// run by hand.
type witness struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (w *witness) Helper()             {}
func (w *witness) Log(...any)          {}
func (w *witness) Cleanup(f func())    { w.cleanups = append(w.cleanups, f) }
func (w *witness) Logf(string, ...any) {}
func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

// Fatalf ends the goroutine, as a real test's does.
func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	panic(w)
}

func (w *witness) end() string {
	for i := len(w.cleanups) - 1; i >= 0; i-- {
		w.cleanups[i]()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.errors, "\n")
}

type (
	known  struct{ Text string }
	secret struct {
		Text   string
		hidden string `msgpack:"-"`
	}
	unknown struct{ N int }
	private struct{ N int }
)

func registry(t *testing.T) *codec.Registry {
	reg := codec.NewRegistry()
	require.NoError(t, codec.Register[known](reg, "test.known"))
	require.NoError(t, codec.Register[secret](reg, "test.secret"))
	return reg
}

func TestRoundTrip(t *testing.T) { // A312
	w := &witness{TB: t}
	sys := testkit.Start(w, testkit.Config{System: actor.Config{Registry: registry(t)}, RoundTrip: true, Local: []any{private{}}})
	p := testkit.NewProbe(t, sys)
	p.PID().Tell(secret{"a", "b"})
	p.Expect(secret{"a", ""}) // what isn't exported stays behind
	p.PID().Tell(p.PID())
	p.Expect(p.PID()) // refs arrive as the same
	p.PID().Tell(private{1})
	p.PID().Tell(unknown{1})
	p.PID().Tell(unknown{2})
	p.Expect(private{1})
	p.Expect(unknown{1})
	p.Expect(unknown{2})
	echo := testkit.Must(sys.Spawn("", func() actor.Actor { return actor.Func(echo) }))
	got, err := actor.AskAs[secret](t.Context(), echo, any(secret{"a", "b"}))
	require.NoError(t, err)
	require.Equal(t, secret{"a", ""}, got)
	said := w.end()
	require.Equal(t, 1, strings.Count(said, "testkit_test.unknown, sent to"), "a type is reported once: %s", said)
	require.Contains(t, said, `register it with codec.Register[testkit_test.unknown]`)
	require.NotContains(t, said, "private")
}

func TestTravels(t *testing.T) {
	sys := testkit.New(t, actor.Config{Registry: registry(t)})
	require.Equal(t, known{"a"}, testkit.Travels(t, sys, known{"a"}))
	w := &witness{TB: t}
	require.Panics(t, func() { testkit.Travels(w, sys, secret{"a", "b"}) })
	require.Contains(t, w.end(), "fields that aren't exported, such as hidden, stay behind")
	w = &witness{TB: t}
	require.Panics(t, func() { testkit.Travels(w, sys, unknown{}) })
	require.Contains(t, w.end(), "codec.Register")
}

func TestStrict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{TB: t}
		sys := testkit.Start(w, testkit.Config{Strict: true})
		pid := testkit.Must(sys.Spawn("picky", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) { ctx.Unhandled() })
		}))
		pid.Tell("what?")
		synctest.Wait()
		sys.StopActor(pid)
		synctest.Wait()
		pid.Tell("anybody?")
		said := w.end()
		require.Contains(t, said, `unhandled string what? by troupe://test/user/picky`)
		require.Contains(t, said, `dead letter (actor stopped) string anybody? to troupe://test/user/picky`)
	})
}

func TestWhatIsLeftAtTheEndIsNoLoss(t *testing.T) {
	w := &witness{TB: t}
	sys := testkit.Start(w, testkit.Config{Strict: true})
	pid := testkit.Must(sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { _ = ctx.Stash() })
	}))
	for i := range 100 {
		pid.Tell(i)
	}
	require.Empty(t, w.end())
}

// A ledger in which nothing is wrong for the product is shown what would be.
func TestLedger(t *testing.T) {
	sys := testkit.New(t)
	for title, c := range map[string]struct {
		sent, stashed, handled, dropped int
		reason                          actor.DropReason
		wrong                           string
	}{
		"all handled":             {sent: 2, handled: 2},
		"one stashed, and again":  {sent: 1, stashed: 1, handled: 2},
		"one vanishes":            {sent: 2, handled: 1, wrong: "2 sent and 0 stashed, but 1 handled and 0 dead letters"},
		"one comes twice":         {sent: 1, handled: 2, wrong: "1 sent and 0 stashed, but 2 handled and 0 dead letters"},
		"a stashed one vanishes":  {sent: 1, stashed: 1, handled: 1, wrong: "1 sent and 1 stashed"},
		"a drop nobody counts":    {sent: 1, dropped: 1, reason: actor.DropTooLarge, wrong: "1 dead letters (too large), of which the system counted 0"},
		"a drop that was no drop": {dropped: 1, reason: actor.DropTooLarge, wrong: "0 sent and 0 stashed, but 0 handled and 1 dead letters"},
	} {
		t.Run(title, func(t *testing.T) {
			l := &testkit.Ledger{}
			o := l.Observer()
			pid := testkit.NewProbe(t, sys).PID()
			for range c.sent {
				_, err := o.Send(actor.Sending{To: pid, Message: "m"})
				require.NoError(t, err)
			}
			for kind, n := range map[actor.ActKind]int{actor.ActStashed: c.stashed, actor.ActHandled: c.handled, actor.ActDropped: c.dropped} {
				for range n {
					o.Act(actor.Act{Kind: kind, Actor: pid, Reason: c.reason})
				}
			}
			wrong := strings.Join(l.Wrong(sys), "\n")
			if c.wrong == "" {
				require.Empty(t, wrong)
			} else {
				require.Contains(t, wrong, c.wrong)
			}
		})
	}
}

func TestTogether(t *testing.T) {
	require.Nil(t, testkit.Together(nil, nil))
	var acts []string
	note := func(name string) *actor.Observer {
		return &actor.Observer{
			Act:  func(actor.Act) { acts = append(acts, name) },
			Send: func(s actor.Sending) (any, error) { return s.Message.(string) + name, nil },
		}
	}
	refuses := &actor.Observer{Send: func(actor.Sending) (any, error) { return nil, errors.New("no") }}
	o := testkit.Together(note("a"), nil, note("b"), &actor.Observer{})
	o.Act(actor.Act{})
	require.Equal(t, []string{"a", "b"}, acts)
	msg, err := o.Send(actor.Sending{Message: "m"})
	require.NoError(t, err)
	require.Equal(t, "mab", msg)
	_, err = testkit.Together(refuses, note("c")).Send(actor.Sending{Message: "m"})
	require.Error(t, err)
}

// typedDoor is an actor with all hooks and a protocol of its own.
type typedDoor struct{ notes *[]string }

func (d *typedDoor) PreStart(*actor.Context) error {
	*d.notes = append(*d.notes, "PreStart")
	return nil
}
func (d *typedDoor) PostStop(*actor.Context) { *d.notes = append(*d.notes, "PostStop") }
func (d *typedDoor) PreRestart(*actor.Context, error) {
	*d.notes = append(*d.notes, "PreRestart")
}
func (d *typedDoor) Receive(ctx *actor.Context, msg string) {
	if msg == "fail" {
		ctx.Fail(errors.New("told to"))
	}
	ctx.Reply(msg)
}
func (d *typedDoor) Inspect() any { return "open" }

// The checks that every kit system has change nothing for the actors.
func TestChecksAreTransparent(t *testing.T) {
	sys := testkit.New(t)
	var notes []string
	ref := testkit.Must(actor.SpawnTyped(sys, "door", func() actor.Receiver[string] { return &typedDoor{&notes} }))
	_, err := actor.AskAs[string](t.Context(), ref, "fail")
	require.NoError(t, err)
	in, err := actor.Inspect(t.Context(), ref)
	require.NoError(t, err)
	require.Equal(t, "*testkit_test.typedDoor", in.Type)
	require.Equal(t, "open", in.State)
	require.NoError(t, actor.GracefulStop(t.Context(), ref))
	require.Equal(t, []string{"PreStart", "PreRestart", "PreStart", "PostStop"}, notes)
}
