package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/benchmarks/internal/openloop"
	"github.com/troupe-go/troupe/remote"
)

// askPatience is how long an ask may take before it counts as failed.
const askPatience = 10 * time.Second

// served is what a phase was like for those who asked.
type served struct {
	Asks, Failed int
	P50, P99     float64 // µs
	Max          float64
	TargetP99    float64 // of those asked of the attacked node
}

// load is the program that asks: a system that is no member of the cluster, but knows
// the secret of its nodes.
func (p part) load() error {
	var lines counter
	sys, err := newTown(&lines)
	if err != nil {
		return err
	}
	cfg, err := p.remoting()
	if err != nil {
		return err
	}
	if _, err := remote.Start(sys, cfg); err != nil {
		return err
	}
	var refs []actor.PID // one of each node in turn
	for k := range answerers {
		for _, addr := range p.Addrs {
			refs = append(refs, sys.RefAt(addr, fmt.Sprint("/user/a", k)))
		}
	}
	return serve(func(_, about string) (any, error) {
		d, err := time.ParseDuration(about)
		if err != nil {
			return nil, err
		}
		return asking(refs, len(p.Addrs), p.Rate, d)
	})
}

// asking asks all in turn at the rate, for a time.
func asking(refs []actor.PID, nodes int, rate float64, d time.Duration) (served, error) {
	l := openloop.New(max(int(rate*d.Seconds()), len(refs)), rate)
	l.Sleeps = true // the processors belong to those that are measured
	var failed atomic.Int64
	err := l.Each(func(i int) error {
		ctx, cancel := context.WithTimeout(context.Background(), askPatience)
		defer cancel()
		a, err := actor.Ask(ctx, refs[i%len(refs)], question{N: int64(i)})
		if err != nil || a.N != int64(i) {
			failed.Add(1)
		}
		return nil
	})
	all := openloop.Percentiles(l.Steady(nil), time.Microsecond)
	target := openloop.Percentiles(l.Steady(func(i int) bool { return i%len(refs)%nodes == 0 }), time.Microsecond)
	return served{Asks: l.Len(), Failed: int(failed.Load()), P50: all["p50"], P99: all["p99"], Max: all["max"], TargetP99: target["p99"]}, err
}
