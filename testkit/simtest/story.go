package simtest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// verdict stands between a world and its test: it keeps what fails the seed until
// the whole story can be told, the most important first.
type verdict struct {
	testing.TB
	failed bool
	at     time.Duration
	now    func() time.Duration
	text   []string
}

func (v *verdict) Helper()      {}
func (v *verdict) Failed() bool { return v.failed || v.TB.Failed() }

func (v *verdict) add(text string) {
	if !v.failed && v.now != nil {
		v.at = v.now()
	}
	v.failed = true
	v.text = append(v.text, strings.TrimSpace(text))
}

func (v *verdict) Fail() { v.failed = true }

func (v *verdict) FailNow() {
	v.failed = true
	runtime.Goexit()
}

func (v *verdict) Error(args ...any)                 { v.add(fmt.Sprintln(args...)) }
func (v *verdict) Errorf(format string, args ...any) { v.add(fmt.Sprintf(format, args...)) }

func (v *verdict) Fatal(args ...any) {
	v.Error(args...)
	v.FailNow()
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	v.FailNow()
}

// Bounds on the parts of a story.
const (
	timelineFirst = 40  // of the timeline's beginning
	timelineLast  = 160 // and of its end
	heardMax      = 120 // messages that matter
	tailEvents    = 60
	wordMax       = 400 // bytes of a message
)

// timeline keeps what was done to a world: the first few and the last entries.
type timeline struct {
	first, last []string
	left        int // entries between them that were dropped
}

func (t *timeline) add(at time.Duration, text string) {
	line := stamp(at) + "  " + text
	if len(t.first) < timelineFirst {
		t.first = append(t.first, line)
		return
	}
	if len(t.last) == 2*timelineLast {
		t.last = slices.Delete(t.last, 0, timelineLast)
		t.left += timelineLast
	}
	t.last = append(t.last, line)
}

// String returns the entries, one a line.
func (t *timeline) String() string {
	last, left := t.last, t.left
	if over := len(last) - timelineLast; over > 0 {
		last, left = last[over:], left+over
	}
	all := slices.Clone(t.first)
	if left > 0 {
		all = append(all, fmt.Sprintf("%12s  (%d more)", "…", left))
	}
	return strings.Join(append(all, last...), "\n")
}

// stamp is an instant of virtual time for the eye.
func stamp(at time.Duration) string { return fmt.Sprintf("%11.3fs", at.Seconds()) }

// story tells why a seed failed: how to see it again, what broke, what had been
// done to the world, the messages that matter, and then the rest.
func (w *World) story(where string, v *verdict, heard *ear) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d fails after %.3fs of virtual time\nreplay: %s\n", w.seed, v.at.Seconds(), replay(where, v.TB, w.seed))
	part := func(title, text string) {
		if text = strings.TrimRight(text, "\n"); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s\n", title, text)
		}
	}
	part("broken", strings.Join(v.text, "\n"))
	part("what happened to the world", w.faults.String())
	if heard != nil {
		part(heard.title(), heard.String())
	}
	part("faults drawn", w.drawn.String())
	part(fmt.Sprintf("last %d of %d events", min(tailEvents, w.trace.count), w.trace.count), w.trace.tail(tailEvents))
	part("last log lines", w.logs.String())
	return b.String()
}

// ear listens to the messages of a world and keeps the last that name something.
type ear struct {
	w     *World
	about []string
	lines []string
	count int
}

// overhear runs a seed that has failed once more and listens: to what the broken
// invariant is about, or else to every message but the most frequent. It returns nil
// when the seed takes another course this time.
func overhear(w *World, where string, without []string, script func(w *World)) *ear {
	if w.trace.follow != nil || w.trace.keep {
		return nil // it is compared with itself already
	}
	heard := &ear{about: w.about}
	v := &verdict{TB: &trial{TB: w.t}}
	again := newWorld(v, w.seed)
	again.off, again.ear, heard.w = without, heard, again
	apart(func() {
		defer again.close()
		defer func() { _ = recover() }()
		script(again)
		again.checkEnd()
	})
	if again.trace.hash != w.trace.hash {
		return nil
	}
	return heard
}

func (e *ear) title() string {
	if len(e.about) == 0 {
		return fmt.Sprintf("the last %d of %d messages, without heartbeats and gossip", min(heardMax, e.count), e.count)
	}
	return fmt.Sprintf("the last %d of %d messages about %s", min(heardMax, e.count), e.count, strings.Join(e.about, ", "))
}

// String returns what was heard, oldest first.
func (e *ear) String() string { return strings.Join(e.lines[max(0, len(e.lines)-heardMax):], "\n") }

// frequent are the messages that a story without a subject leaves out.
var frequent = []string{"cluster.heartbeat", "cluster.beatDue", "cluster.reapDue", "cluster.tick", "membership.Digest", "membership.Seen",
	"membership.Gossip", "membership.Delta", "membership.Recent", "singleton.tick", "sharding.tick"}

// hear takes a message that is about to be delivered on n.
func (e *ear) hear(n *Node, s actor.Sending) {
	text := fmt.Sprintf("%T", s.Message)
	if len(e.about) == 0 && slices.ContainsFunc(frequent, func(f string) bool { return strings.HasPrefix(text, f) }) {
		return
	}
	// To print an ask would give it a name, which it may not have got so far.
	to, from := " an asker", "an asker"
	if !s.Answer {
		to = s.To.Location().Path
	}
	if !s.Ask {
		from = s.From.Location().Addr + s.From.Location().Path
	}
	text += fmt.Sprintf(" %+v", s.Message)
	if len(e.about) > 0 && !slices.ContainsFunc(e.about, func(word string) bool { return strings.Contains(text, word) || strings.Contains(to, word) }) {
		return
	}
	if len(text) > wordMax {
		text = text[:wordMax] + "…"
	}
	if len(e.lines) == 2*heardMax {
		e.lines = slices.Delete(e.lines, 0, heardMax)
	}
	e.count++
	e.lines = append(e.lines, fmt.Sprintf("%s  %s%s <- %s  %s", stamp(time.Duration(e.w.now)), n.name, to, from, text))
}
