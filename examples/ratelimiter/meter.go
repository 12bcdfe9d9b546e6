package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// report is what the meter is told.
type report interface{ isReport() }

type (
	worked  struct{ client string } // a client has done one piece of work
	refused struct{ client string } // a client was refused
	second  struct{}                // one second has passed
)

func (worked) isReport()  {}
func (refused) isReport() {}
func (second) isReport()  {}

// meter counts and tells, every second.
type meter struct {
	out     io.Writer
	o       options
	begun   time.Time
	seconds int
	now     map[string]int // work of this second
	total   map[string]int
	refused map[string]int
}

func newMeter(out io.Writer, o options) actor.Receiver[report] {
	return &meter{out: out, o: o, now: map[string]int{}, total: map[string]int{}, refused: map[string]int{}}
}

// PreStart begins the first second.
func (m *meter) PreStart(ctx *actor.Context) error {
	m.begun = ctx.Now()
	ctx.Schedule(actor.Schedule{Every: time.Second, FixedRate: true}, second{})
	return nil
}

// Receive counts, and every second tells.
func (m *meter) Receive(ctx *actor.Context, msg report) {
	switch msg := msg.(type) {
	case worked:
		m.now[msg.client]++
		m.total[msg.client]++
	case refused:
		m.refused[msg.client]++
	case second:
		m.seconds++
		permits, each := m.counts(m.now)
		fmt.Fprintf(m.out, "second %d: %3d permits: %s\n", m.seconds, permits, each)
		clear(m.now)
		if m.seconds == m.o.seconds {
			m.sum(ctx)
			ctx.System().BeginStop("time is up")
		}
	}
}

// Signal gets the transitions of the limiter.
func (m *meter) Signal(ctx *actor.Context, sig any) {
	if t, ok := sig.(actor.Transition[limiterState]); ok && m.o.verbose {
		fmt.Fprintf(m.out, "%.2f s: the limiter is %s\n", ctx.Now().Sub(m.begun).Seconds(), t.To)
	}
}

// counts returns the sum and the counts of all clients.
func (m *meter) counts(of map[string]int) (sum int, each string) {
	var parts []string
	for _, c := range m.o.clients() {
		parts = append(parts, fmt.Sprintf("%s %d", c.name, of[c.name]))
		sum += of[c.name]
	}
	return sum, strings.Join(parts, ", ")
}

// sum tells what came out.
func (m *meter) sum(ctx *actor.Context) {
	permits, each := m.counts(m.total)
	refusals, refusedEach := m.counts(m.refused)
	beyond := float64(permits-m.o.rate.burst) / ctx.Now().Sub(m.begun).Seconds()
	fmt.Fprintf(m.out, "\nin all:   %3d permits: %s\n", permits, each)
	fmt.Fprintf(m.out, "refused:  %3d requests: %s\n", refusals, refusedEach)
	fmt.Fprintf(m.out, "measured: %.1f permits a second beyond the burst of %d; allowed: %d\n",
		beyond, m.o.rate.burst, m.o.rate.perSecond)
}
