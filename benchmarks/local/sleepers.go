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
// others sleep in their handlers.
func sleepers(scale int) []workload {
	return []workload{{
		id: "F3", what: "ask at 5 000 a second", unit: "µs", contenders: []string{allAwake, asleep, fallingAsleep},
		run: func(contender string, _ float64) figures {
			p := newTroupe(actor.Config{SlowTurn: -1})
			defer p.stop()
			wake := make(chan struct{})
			defer close(wake)
			switch contender {
			case asleep:
				p.sleep(10_000, wake).Wait()
			case fallingAsleep:
				p.sleep(10_000, wake)
			}
			return p.asks(paced(5_000, openLoopTime/time.Duration(scale))).figures()
		},
	}}
}

// sleep starts n actors that sleep in their handlers until wake is closed. The
// group returned is done when all of them do.
func (p troupe) sleep(n int, wake <-chan struct{}) *sync.WaitGroup {
	var awake sync.WaitGroup
	awake.Add(n)
	for range n {
		p.spawnFunc(func(*actor.Context) {
			awake.Done()
			<-wake
		}).Tell(nil)
	}
	return &awake
}
