package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// openLoops are the workloads O1 (tell) and O2 (ask): first the capacity, then
// how long messages take at fixed rates, parts of the product's capacity that
// all contenders are driven at.
func openLoops(scale int) []workload {
	kinds := []struct {
		id, what string
		n        int // messages when the capacity is measured
		floor    func(f floor, s schedule) latencies
		product  func(p troupe, s schedule) latencies
	}{
		{"O1", "tell", sized(2_000_000, scale), floor.tells, troupe.tells},
		{"O2", "ask", sized(400_000, scale), floor.asks, troupe.asks},
	}
	var all []workload
	for _, k := range kinds {
		all = append(all, workload{
			id: k.id, what: k.what + ", as fast as it goes", unit: "M/s", higher: true, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(k.n, k.floor(f, unpaced(k.n)).took) },
				func(p troupe) figures { return rate(k.n, k.product(p, unpaced(k.n)).took) }),
		})
		for _, load := range []float64{0.25, 0.5, 0.75} {
			all = append(all, workload{
				id: fmt.Sprintf("%s %.0f %%", k.id, 100*load), what: k.what, unit: "µs", contenders: besideFloor, load: load, of: k.id,
				run: func(contender string, perSecond float64) figures {
					s := paced(perSecond, openLoopTime/time.Duration(scale))
					return beside(
						func(f floor) figures { return k.floor(f, s).figures() },
						func(p troupe) figures { return k.product(p, s).figures() })(contender, 0)
				},
			})
		}
	}
	return all
}

// openLoopTime is how long messages are sent at a fixed rate.
const openLoopTime = 2 * time.Second

// schedule says when each of n messages is due, whatever became of the others.
type schedule struct {
	n   int
	gap float64 // nanoseconds from one to the next; 0: all at once
}

func unpaced(n int) schedule { return schedule{n: n} }

// paced schedules so many messages a second for d.
func paced(perSecond float64, d time.Duration) schedule {
	n := min(max(int(perSecond*d.Seconds()), 1000), 50_000_000)
	return schedule{n: n, gap: 1e9 / perSecond}
}

// due returns when the message is due, from the beginning.
func (s schedule) due(i int) time.Duration { return time.Duration(float64(i) * s.gap) }

// drive calls send for every message when it is due; those that were missed
// meanwhile come at once. It spins while it waits for less than a sleep is good
// for, and lets others run.
func (s schedule) drive(begun time.Time, send func(i int)) {
	const shortest = 200 * time.Microsecond
	for i := 0; i < s.n; {
		upTo := s.n
		if s.gap > 0 {
			elapsed := time.Since(begun)
			upTo = min(s.n, int(float64(elapsed)/s.gap)+1)
			if upTo <= i {
				if left := s.due(i) - elapsed; left > 2*shortest {
					time.Sleep(left - shortest)
				} else {
					runtime.Gosched()
				}
				continue
			}
		}
		for ; i < upTo; i++ {
			send(i)
		}
	}
}

// latencies are how long each message of a schedule took: from when it was due,
// not from when it was sent. A sender that is held up so makes the figures worse
// and not better; that is the correction for coordinated omission.
type latencies struct {
	each []uint32 // nanoseconds
	took time.Duration
}

func newLatencies(n int) latencies { return latencies{each: make([]uint32, n)} }

// note records that message i is done.
func (l latencies) note(s schedule, begun time.Time, i int) {
	l.each[i] = uint32(min(max(time.Since(begun)-s.due(i), 0), math.MaxUint32))
}

// figures returns the percentiles in microseconds, without the first tenth,
// in which heaps grow and workers wake.
func (l latencies) figures() figures {
	steady := slices.Clone(l.each[len(l.each)/10:])
	slices.Sort(steady)
	out := figures{}
	for _, p := range percentiles {
		i := min(int(math.Ceil(p.part*float64(len(steady)))), len(steady)) - 1
		out[p.name] = float64(steady[max(i, 0)]) / 1000
	}
	return out
}

var percentiles = []struct {
	name string
	part float64
}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}}

// tells sends to one receiver.
func (f floor) tells(s schedule) latencies {
	l := newLatencies(s.n)
	b := f.box(1024)
	done := make(chan struct{})
	begun := time.Now()
	go func() {
		defer close(done)
		for range s.n {
			l.note(s, begun, b.recv().(int))
		}
	}()
	s.drive(begun, func(i int) { b.send(i) })
	<-done
	l.took = time.Since(begun)
	return l
}

func (p troupe) tells(s schedule) latencies {
	l := newLatencies(s.n)
	done := make(chan struct{})
	var begun time.Time
	sink := p.spawnFunc(func(ctx *actor.Context) {
		i := ctx.Message().(int)
		l.note(s, begun, i)
		if i == s.n-1 { // the messages of one sender keep their order
			close(done)
		}
	})
	begun = time.Now()
	s.drive(begun, func(i int) { sink.Tell(i) })
	<-done
	l.took = time.Since(begun)
	return l
}

// underWayMax bounds the asks under way at a fixed rate, underWayFast those when
// the capacity is measured.
const (
	underWayMax  = 10_000
	underWayFast = 64
)

// asking makes every ask on a goroutine of its own, as a server makes one for
// each of its requests.
func asking(s schedule, ask func()) latencies {
	l := newLatencies(s.n)
	room := make(chan struct{}, underWayMax)
	if s.gap == 0 {
		room = make(chan struct{}, underWayFast)
	}
	begun := time.Now()
	s.drive(begun, func(i int) {
		room <- struct{}{}
		go func() {
			ask()
			l.note(s, begun, i)
			<-room
		}()
	})
	for range cap(room) { // until the last one is done
		room <- struct{}{}
	}
	l.took = time.Since(begun)
	return l
}

func (f floor) asks(s schedule) latencies {
	server := f.box(1024)
	go f.serve(server)
	defer server.send(nil)
	return asking(s, func() {
		q := question{make(chanBox, 1)}
		server.send(q)
		q.reply.recv()
	})
}

func (p troupe) asks(s schedule) latencies {
	server := p.spawnFunc(echo)
	return asking(s, func() {
		if _, err := actor.AskAs[int](context.Background(), server, any(1)); err != nil {
			panic(err)
		}
	})
}
