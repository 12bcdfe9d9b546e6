package main

import (
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// The contenders of F3.
const (
	allAwake      = "nobody sleeps"
	asleep        = "10 000 sleep"
	fallingAsleep = "10 000 fall asleep meanwhile"
)

// sleepers is the workload F3: how long asks of an actor take while ten thousand
// others sleep in their handlers, or fall asleep one after another.
func sleepers(scale int) []workload {
	return []workload{{
		id: "F3", what: "ask at 5 000 a second", unit: "µs", contenders: []string{allAwake, asleep, fallingAsleep},
		run: func(contender string, _ float64) figures {
			p := newTroupe(actor.Config{SlowTurn: -1})
			defer p.stop()
			lasts := openLoopTime / time.Duration(scale)
			d := p.dormitory(10_000)
			defer d.wake()
			switch contender {
			case asleep:
				d.lieDown(0)
				d.asleep.Wait()
			case fallingAsleep:
				go d.lieDown(lasts)
			}
			return p.asks(paced(5_000, lasts)).figures()
		},
	}}
}

// dormitory is where actors sleep in their handlers.
type dormitory struct {
	beds    []actor.PID
	asleep  sync.WaitGroup // done when all are
	morning chan struct{}
}

func (p troupe) dormitory(n int) *dormitory {
	d := &dormitory{morning: make(chan struct{})}
	d.asleep.Add(n)
	for range n {
		d.beds = append(d.beds, p.spawnFunc(func(*actor.Context) {
			d.asleep.Done()
			<-d.morning
		}))
	}
	return d
}

// lieDown sends all to sleep, one after another over so long a time; it ends
// early in the morning.
func (d *dormitory) lieDown(over time.Duration) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	begun := time.Now()
	for down := 0; down < len(d.beds); {
		due := len(d.beds)
		if elapsed := time.Since(begun); elapsed < over {
			due = int(float64(len(d.beds)) * float64(elapsed) / float64(over))
		}
		for ; down < due; down++ {
			d.beds[down].Tell(nil)
		}
		select {
		case <-tick.C:
		case <-d.morning:
			return
		}
	}
}

// wake ends the night.
func (d *dormitory) wake() { close(d.morning) }
