package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// figures are what one run of a workload measures: the main figure has the name
// "", others have names of their own.
type figures map[string]float64

// workload is one thing that is measured, for several contenders that take turns.
type workload struct {
	id, what, unit string
	higher         bool    // higher figures are better
	target         float64 // of the ratio product : floor; 0: none
	// contenders are those compared. For a workload beside its floor they are
	// floors and product; otherwise the first is what the others are held
	// against.
	contenders []string
	run        func(contender string, rate float64) figures
	// load is the part of the capacity at which an open loop is driven; the
	// capacity is the product's main figure in the workload with the id of.
	load float64
	of   string
}

// The contenders of a workload beside its floor.
const (
	channels = "channels"
	queue    = "queue"
	product  = "troupe"
)

var besideFloor = []string{channels, queue, product}

// hasFloor tells whether the workload is measured beside its floor.
func (w workload) hasFloor() bool { return slices.Contains(w.contenders, channels) }

// family is the first word of the id: what -only takes.
func (w workload) family() string {
	first, _, _ := strings.Cut(w.id, " ")
	return first
}

// beside runs the floors and the product.
func beside(floorRun func(f floor) figures, productRun func(p troupe) figures) func(string, float64) figures {
	return func(contender string, _ float64) figures {
		switch contender {
		case channels:
			return floorRun(floor{newChanBox})
		case queue:
			return floorRun(floor{newQueueBox})
		}
		p := newTroupe(actor.Config{})
		defer p.stop()
		return productRun(p)
	}
}

// alone runs the product without a floor.
func alone(run func(p troupe) figures) func(string, float64) figures {
	return beside(nil, run)
}

// rate returns millions a second.
func rate(n int, d time.Duration) figures {
	return figures{"": float64(n) / d.Seconds() / 1e6}
}

// each returns nanoseconds for one.
func each(n int, d time.Duration) figures {
	return figures{"": float64(d.Nanoseconds()) / float64(n)}
}

// milliseconds returns how long it took.
func milliseconds(d time.Duration) figures {
	return figures{"": float64(d.Microseconds()) / 1000}
}

// workloads are all of them, their sizes divided by scale.
func workloads(scale int) []workload {
	return slices.Concat(throughput(scale), openLoops(scale), costs(scale), sleepers(scale))
}

// sized divides the size of a workload.
func sized(full, scale int) int { return max(full/scale, 1000) }

// skynetSizes are powers of ten, as skynet needs them.
func skynetSize(full, scale int) int {
	n := full
	for n > 1000 && full/n < scale {
		n /= 10
	}
	return n
}

// throughput are the workloads L1 to L9, F1 and F2.
func throughput(scale int) []workload {
	million, ten := sized(1_000_000, scale), sized(10_000_000, scale)
	skynet := func(id string, leaves int) workload {
		return workload{id: id, what: fmt.Sprintf("skynet, %d leaves", leaves), unit: "ms", target: 1.5, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return milliseconds(f.skynet(leaves)) },
				func(p troupe) figures { return milliseconds(p.skynet(leaves)) })}
	}
	return []workload{
		{id: "L1", what: "1 sender → 1 actor", unit: "M/s", higher: true, target: 0.75, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(ten, f.oneWay(1, 1, ten)) },
				func(p troupe) figures { return rate(ten, p.oneWay(1, 1, ten)) })},
		{id: "L2", what: "8 senders → 1 actor", unit: "M/s", higher: true, target: 0.73, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(8*million, f.oneWay(8, 1, million)) },
				func(p troupe) figures { return rate(8*million, p.oneWay(8, 1, million)) })},
		{id: "L3", what: "8 pairs, one way", unit: "M/s", higher: true, target: 0.9, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(8*million, f.oneWay(1, 8, million)) },
				func(p troupe) figures { return rate(8*million, p.oneWay(1, 8, million)) })},
		{id: "L3pp", what: "8 pairs, ping-pong", unit: "M/s", higher: true, target: 2, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(16*(million/4), f.pingPong(8, million/4)) },
				func(p troupe) figures { return rate(16*(million/4), p.pingPong(8, million/4)) })},
		{id: "L4", what: "ping-pong of one pair", unit: "ns", target: 0.4, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return each(million, f.pingPong(1, million)) },
				func(p troupe) figures { return each(million, p.pingPong(1, million)) })},
		{id: "L5", what: "ask from a goroutine", unit: "ns", target: 1.5, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return each(million/2, f.ask(1, million/2)) },
				func(p troupe) figures { return each(million/2, p.ask(1, million/2)) })},
		{id: "L5c", what: "64 concurrent askers", unit: "M/s", higher: true, target: 0.65, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(million, f.ask(64, million)) },
				func(p troupe) figures { return rate(million, p.ask(64, million)) })},
		{id: "L6 spawn", what: "start actors that stay", unit: "ns", target: 0.4, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return spawned(million)(f.spawn(million)) },
				func(p troupe) figures { return spawned(million)(p.spawn(million)) })},
		{id: "L7", what: "ring of 10 000, a hop", unit: "ns", target: 0.26, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return each(million, f.ring(10_000, million)) },
				func(p troupe) figures { return each(million, p.ring(10_000, million)) })},
		skynet("L8", skynetSize(100_000, scale)),
		skynet("L8 1M", skynetSize(1_000_000, scale)),
		{id: "L9", what: "100 actors, random peers", unit: "M/s", higher: true, target: 1.5, contenders: besideFloor,
			run: beside(
				func(f floor) figures { return rate(million, f.peers(100, million)) },
				func(p troupe) figures { return rate(million, p.peers(100, million)) })},
		{id: "F1", what: "asks answered of 800, askers block", higher: true, contenders: []string{product},
			run: alone(func(p troupe) figures { return figures{"": float64(p.blockedAsks(50 * time.Millisecond))} })},
		{id: "F2", what: "sends refused of 100 to a mailbox of 10", higher: true, contenders: []string{product},
			run: alone(func(p troupe) figures { return figures{"": float64(p.refused())} })},
	}
}

// spawned makes the three figures of L6.
func spawned(n int) func(spawn time.Duration, bytes float64, stop time.Duration) figures {
	return func(spawn time.Duration, bytes float64, stop time.Duration) figures {
		return figures{"": each(n, spawn)[""], "bytes": bytes, "stop": each(n, stop)[""]}
	}
}
