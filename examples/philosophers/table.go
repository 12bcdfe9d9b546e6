package main

import (
	"fmt"
	"io"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// options are what the program can be told.
type options struct {
	meals int           // for each philosopher
	eat   time.Duration // how long a meal takes
	think time.Duration // the least time between; the most is twice that
}

var names = []string{"Hypatia", "Laozi", "Diotima", "Avicenna", "Zeno"}

// guest is what the table knows of one philosopher.
type guest struct {
	name           string
	meals, denials int
}

// table is the parent of chopsticks and philosophers, and tells what the
// philosophers do. Its messages are their transitions.
type table struct {
	out    io.Writer
	o      options
	begun  time.Time
	guests []*guest
	seats  map[actor.PID]*guest
	gone   int
}

func newTable(out io.Writer, o options) func() actor.Receiver[actor.Transition[mood]] {
	return func() actor.Receiver[actor.Transition[mood]] {
		return &table{out: out, o: o, seats: map[actor.PID]*guest{}}
	}
}

// PreStart lays the table and lets the guests sit down.
func (t *table) PreStart(ctx *actor.Context) error {
	t.begun = ctx.Now()
	sticks, err := layChopsticks(ctx, len(names))
	if err != nil {
		return err
	}
	for i, name := range names {
		random := ctx.System().Rand(name)
		pid, err := seat(ctx, name, place{
			left: sticks[i], right: sticks[(i+1)%len(sticks)], meals: t.o.meals, eat: t.o.eat,
			think: func() time.Duration { return t.o.think + time.Duration(random.Int64N(int64(t.o.think))) },
		}.machine())
		if err != nil {
			return err
		}
		g := &guest{name: name}
		t.guests, t.seats[pid] = append(t.guests, g), g
		ctx.Watch(pid)
		pid.Tell(actor.SubscribeTransitions{Subscriber: ctx.Self()})
	}
	return nil
}

func layChopsticks(parent actor.Spawner, n int) ([]actor.Ref[chopstickMessage], error) {
	var sticks []actor.Ref[chopstickMessage]
	for i := range n {
		pid, err := parent.Spawn(fmt.Sprint("chopstick-", i+1), newChopstick)
		if err != nil {
			return nil, err
		}
		sticks = append(sticks, actor.Narrow[chopstickMessage](pid))
	}
	return sticks, nil
}

// seat starts a philosopher. One who fails isn't started again but leaves: the
// chopsticks notice the end of who holds them, and would not notice a restart.
func seat(parent actor.Spawner, name string, machine actor.FSM[mood, plate]) (actor.PID, error) {
	return parent.Spawn(name, machine.New, actor.Supervise{MaxRestarts: -1})
}

// Receive tells of one transition.
func (t *table) Receive(ctx *actor.Context, m actor.Transition[mood]) {
	g := t.seats[m.Machine]
	switch {
	case m.To == hungry:
		t.say(ctx, g, "is hungry and asks for both chopsticks")
	case m.To == eating:
		g.meals++
		t.say(ctx, g, "eats")
	case m.To == thinking && m.From == eating:
		t.say(ctx, g, "puts both back and thinks")
	case m.To == thinking:
		g.denials++
		t.say(ctx, g, "can't have both and thinks again")
	}
}

// Signal gets the ends of those that are watched. The present states of the
// machines come here, too, and are of no interest.
func (t *table) Signal(ctx *actor.Context, sig any) {
	end, ok := sig.(actor.Terminated)
	if !ok {
		return
	}
	t.say(ctx, t.seats[end.Ref], "leaves the table")
	if t.gone++; t.gone < len(t.guests) {
		return
	}
	fmt.Fprintln(t.out)
	for _, g := range t.guests {
		fmt.Fprintf(t.out, "%-9s meals %d, denied %d\n", g.name, g.meals, g.denials)
	}
	ctx.System().BeginStop("everybody has eaten")
}

func (t *table) say(ctx *actor.Context, g *guest, what string) {
	fmt.Fprintf(t.out, "%7.3f s  %-9s %s\n", ctx.Now().Sub(t.begun).Seconds(), g.name, what)
}
