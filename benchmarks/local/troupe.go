package main

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

// troupe runs the workloads with actors.
type troupe struct{ sys *actor.System }

func newTroupe(cfg actor.Config) troupe {
	quiet := zerolog.Nop()
	cfg.Logger, cfg.StopTimeout = &quiet, time.Minute
	sys, err := actor.NewSystem("bench", cfg)
	if err != nil {
		panic(err)
	}
	return troupe{sys}
}

func (p troupe) stop() {
	if err := p.sys.Stop(context.Background()); err != nil {
		panic(err)
	}
}

func (p troupe) spawnFunc(f func(*actor.Context), opts ...actor.SpawnOption) actor.PID {
	pid, err := p.sys.Spawn("", func() actor.Actor { return actor.Func(f) }, opts...)
	if err != nil {
		panic(err)
	}
	return pid
}

func (p troupe) oneWay(senders, pairs, n int, opts ...actor.SpawnOption) time.Duration {
	var done sync.WaitGroup
	begun := time.Now()
	for range pairs {
		done.Add(1)
		left := senders * n
		sink := p.spawnFunc(func(*actor.Context) {
			if left--; left == 0 {
				done.Done()
			}
		}, opts...)
		for range senders {
			p.spawnFunc(func(ctx *actor.Context) {
				for i := range n {
					ctx.Tell(sink, i)
				}
			}).Tell(nil)
		}
	}
	done.Wait()
	return time.Since(begun)
}

func echo(ctx *actor.Context) { ctx.Reply(ctx.Message()) }

func (p troupe) pingPong(pairs, n int, opts ...actor.SpawnOption) time.Duration {
	var done sync.WaitGroup
	begun := time.Now()
	for range pairs {
		done.Add(1)
		pong := p.spawnFunc(echo, opts...)
		left := n
		p.spawnFunc(func(ctx *actor.Context) {
			if left--; left < 0 {
				done.Done()
				return
			}
			ctx.Tell(pong, ctx.Message())
		}, opts...).Tell(1)
	}
	done.Wait()
	return time.Since(begun)
}

func (p troupe) ask(askers, n int, opts ...actor.SpawnOption) time.Duration {
	server := p.spawnFunc(echo, opts...)
	var done sync.WaitGroup
	begun := time.Now()
	for range askers {
		done.Go(func() {
			for range n / askers {
				if _, err := actor.AskAs[int](context.Background(), server, any(1)); err != nil {
					panic(err)
				}
			}
		})
	}
	done.Wait()
	return time.Since(begun)
}

func (p troupe) spawn(n int) (spawn time.Duration, bytes float64, stop time.Duration) {
	idle := func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	before := heapAndStacks()
	begun := time.Now()
	ready := make(chan struct{})
	p.spawnFunc(func(ctx *actor.Context) {
		for range n {
			if _, err := ctx.Spawn("", idle); err != nil {
				panic(err)
			}
		}
		close(ready)
	}).Tell(nil)
	<-ready
	// The last one answers after all others have started.
	spawn = time.Since(begun)
	if _, err := actor.AskAs[int](context.Background(), p.spawnFunc(echo), any(1)); err != nil {
		panic(err)
	}
	bytes = float64(heapAndStacks()-before) / float64(n)
	begun = time.Now()
	p.stop()
	return spawn, bytes, time.Since(begun)
}

func (p troupe) ring(size, hops int) time.Duration {
	done := make(chan struct{})
	refs := make([]actor.PID, size)
	for i := range refs {
		refs[i] = p.spawnFunc(func(ctx *actor.Context) {
			left := ctx.Message().(int)
			if left == 0 {
				close(done)
				return
			}
			ctx.Tell(refs[(i+1)%size], left-1)
		})
	}
	begun := time.Now()
	refs[0].Tell(hops)
	<-done
	return time.Since(begun)
}

// skynetNode sums what its ten children report.
type skynetNode struct {
	number, size int
	sum, left    int
	up           actor.PID
}

func (s *skynetNode) Receive(ctx *actor.Context) {
	switch m := ctx.Message().(type) {
	case int:
		s.sum += m
		if s.left--; s.left == 0 {
			ctx.Tell(s.up, s.sum)
			ctx.Stop(ctx.Self())
		}
	}
}

func (s *skynetNode) PreStart(ctx *actor.Context) error {
	if s.size == 1 {
		ctx.Tell(s.up, s.number)
		ctx.Stop(ctx.Self())
		return nil
	}
	s.left = 10
	for i := range 10 {
		child := skynetNode{number: s.number + i*s.size/10, size: s.size / 10, up: ctx.Self()}
		if _, err := ctx.Spawn("", func() actor.Actor { c := child; return &c }); err != nil {
			return err
		}
	}
	return nil
}

func (p troupe) skynet(leaves int) time.Duration {
	sum := make(chan int, 1)
	begun := time.Now()
	top := p.spawnFunc(func(ctx *actor.Context) { sum <- ctx.Message().(int) })
	if _, err := p.sys.Spawn("", func() actor.Actor { return &skynetNode{size: leaves, up: top} }); err != nil {
		panic(err)
	}
	if got := <-sum; got != leaves*(leaves-1)/2 {
		panic("skynet: wrong sum")
	}
	return time.Since(begun)
}

func (p troupe) peers(actors, n int) time.Duration {
	done := make(chan struct{})
	refs := make([]actor.PID, actors)
	var left atomic.Int64
	left.Store(int64(n))
	for i := range refs {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		refs[i] = p.spawnFunc(func(ctx *actor.Context) {
			switch l := left.Add(-1); {
			case l == 0:
				close(done)
			case l > 0:
				ctx.Tell(refs[random.IntN(actors)], 1)
			}
		})
	}
	begun := time.Now()
	for _, r := range refs {
		r.Tell(1)
	}
	<-done
	return time.Since(begun)
}

// blockedAsks is F1: 8 actors each ask a ninth from inside their handlers and
// block. It returns how many of the 800 asks were answered within the limit.
func (p troupe) blockedAsks(limit time.Duration) int {
	ninth := p.spawnFunc(echo)
	var answered atomic.Int64
	var done sync.WaitGroup
	done.Add(800)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for range 8 {
		pid := p.spawnFunc(func(c *actor.Context) {
			defer done.Done()
			if _, err := actor.AskAs[int](c, ninth, any(1)); err == nil && ctx.Err() == nil {
				answered.Add(1)
			}
		})
		for range 100 {
			pid.Tell(nil)
		}
	}
	done.Wait()
	return int(answered.Load())
}

// refused is F2: 100 sends of an actor to its own mailbox of 10. It returns
// how many the sender knows to have been refused.
func (p troupe) refused() int {
	result := make(chan int, 1)
	p.spawnFunc(func(ctx *actor.Context) {
		if ctx.Message() != nil {
			return
		}
		n := 0
		for i := range 100 {
			if ctx.Self().TryTell(i) != nil {
				n++
			}
		}
		result <- n
	}, actor.Bounded(10)).Tell(nil)
	return <-result
}

// heapAndStacks returns the bytes in use by live objects and stacks.
func heapAndStacks() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
