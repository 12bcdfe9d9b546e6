package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// dispatcher is the front end: it has texts to transform and gives them to the
// workers in turn.
type dispatcher struct {
	out     io.Writer
	every   time.Duration
	workers []actor.PID
	next    int
	jobs    int
}

type jobDue struct{}

// PreStart begins to make jobs.
func (d *dispatcher) PreStart(ctx *actor.Context) error {
	ctx.Every(d.every, jobDue{})
	return nil
}

// Receive implements actor.Actor.
func (d *dispatcher) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case Available:
		if who := ctx.Sender(); !slices.Contains(d.workers, who) {
			d.workers = append(d.workers, who)
			ctx.Watch(who) // also when its node crashes or leaves
			fmt.Fprintf(d.out, "worker %s is available\n", who.Location().Addr)
		}
	case actor.Terminated:
		d.workers = slices.DeleteFunc(d.workers, func(w actor.PID) bool { return w == m.Ref })
		fmt.Fprintf(d.out, "worker %s is gone\n", m.Ref.Location().Addr)
	case jobDue:
		d.jobs++
		d.give(ctx, fmt.Sprintf("text %d", d.jobs))
	}
}

// give has the next worker transform a text. A job whose worker dies is lost
// here; who can't have that keeps it until the answer is there.
func (d *dispatcher) give(ctx *actor.Context, text string) {
	if len(d.workers) == 0 {
		fmt.Fprintf(d.out, "%s: no worker is available\n", text)
		return
	}
	d.next = (d.next + 1) % len(d.workers)
	actor.AskThen(ctx, actor.Narrow[Transform](d.workers[d.next]), Transform{Text: text}, func(answer Transformed, err error) {
		if err != nil {
			fmt.Fprintf(d.out, "%s: %v\n", text, err)
			return
		}
		fmt.Fprintf(d.out, "%s: %s, by %s\n", text, answer.Text, answer.Worker)
	})
}
