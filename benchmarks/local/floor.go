package main

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// box is where a goroutine of the floor gets its messages.
type box interface {
	send(v any)
	recv() any
}

// chanBox is a channel.
type chanBox chan any

func newChanBox(room int) box { return make(chanBox, room) }
func (b chanBox) send(v any)  { b <- v }
func (b chanBox) recv() any   { return <-b }

// queueBox is two slices under a mutex that the receiver swaps.
type queueBox struct {
	mu   sync.Mutex
	some sync.Cond
	in   []any
	out  []any
	next int
}

func newQueueBox(int) box {
	b := &queueBox{}
	b.some.L = &b.mu
	return b
}

func (b *queueBox) send(v any) {
	b.mu.Lock()
	b.in = append(b.in, v)
	first := len(b.in) == 1
	b.mu.Unlock()
	if first {
		b.some.Signal()
	}
}

func (b *queueBox) recv() any {
	if b.next == len(b.out) {
		b.mu.Lock()
		for len(b.in) == 0 {
			b.some.Wait()
		}
		b.out, b.in = b.in, b.out[:0]
		b.mu.Unlock()
		b.next = 0
	}
	v := b.out[b.next]
	b.out[b.next] = nil
	b.next++
	return v
}

// floor runs the workloads with goroutines and boxes and nothing else: no
// names, no supervision, no watch, no end.
type floor struct{ box func(room int) box }

func (f floor) oneWay(senders, pairs, n int) time.Duration {
	var done sync.WaitGroup
	begun := time.Now()
	for range pairs {
		b := f.box(1024)
		done.Go(func() {
			for range senders * n {
				b.recv()
			}
		})
		for range senders {
			done.Go(func() {
				for i := range n {
					b.send(i)
				}
			})
		}
	}
	done.Wait()
	return time.Since(begun)
}

func (f floor) pingPong(pairs, n int) time.Duration {
	var done sync.WaitGroup
	begun := time.Now()
	for range pairs {
		a, b := f.box(1), f.box(1)
		done.Go(func() {
			for range n {
				a.send(b.recv())
			}
		})
		done.Go(func() {
			for range n {
				b.send(1)
				a.recv()
			}
		})
	}
	done.Wait()
	return time.Since(begun)
}

// question carries the box for its answer.
type question struct{ reply box }

// serve answers questions until something else comes.
func (f floor) serve(server box) {
	for {
		q, ok := server.recv().(question)
		if !ok {
			return
		}
		q.reply.send(1)
	}
}

func (f floor) ask(askers, n int) time.Duration {
	server := f.box(1024)
	go f.serve(server)
	var done sync.WaitGroup
	begun := time.Now()
	for range askers {
		done.Go(func() {
			for range n / askers {
				q := question{make(chanBox, 1)}
				server.send(q)
				q.reply.recv()
			}
		})
	}
	done.Wait()
	took := time.Since(begun)
	server.send(nil)
	return took
}

func (f floor) spawn(n int) (spawn time.Duration, bytes float64, stop time.Duration) {
	boxes := make([]box, n)
	before := heapAndStacks()
	var done sync.WaitGroup
	begun := time.Now()
	for i := range boxes {
		b := f.box(1)
		boxes[i] = b
		done.Go(func() { b.recv() })
	}
	spawn = time.Since(begun)
	bytes = float64(heapAndStacks()-before) / float64(n)
	begun = time.Now()
	for _, b := range boxes {
		b.send(nil)
	}
	done.Wait()
	return spawn, bytes, time.Since(begun)
}

func (f floor) ring(size, hops int) time.Duration {
	first := f.box(1)
	done := make(chan struct{})
	in := first
	for i := range size {
		out := f.box(1)
		if i == size-1 {
			out = first
		}
		go func(in, out box) {
			for {
				left, ok := in.recv().(int)
				if !ok {
					return
				}
				if left == 0 {
					close(done)
					return
				}
				out.send(left - 1)
			}
		}(in, out)
		in = out
	}
	begun := time.Now()
	first.send(hops)
	<-done
	return time.Since(begun)
}

func (f floor) skynet(leaves int) time.Duration {
	var node func(up box, number, size int)
	node = func(up box, number, size int) {
		if size == 1 {
			up.send(number)
			return
		}
		own := f.box(10)
		for i := range 10 {
			go node(own, number+i*size/10, size/10)
		}
		sum := 0
		for range 10 {
			sum += own.recv().(int)
		}
		up.send(sum)
	}
	begun := time.Now()
	up := f.box(1)
	go node(up, 0, leaves)
	if got := up.recv().(int); got != leaves*(leaves-1)/2 {
		panic("skynet: wrong sum")
	}
	return time.Since(begun)
}

func (f floor) peers(actors, n int) time.Duration {
	boxes := make([]box, actors)
	for i := range boxes {
		boxes[i] = f.box(n)
	}
	var left atomic.Int64
	left.Store(int64(n))
	var done sync.WaitGroup
	begun := time.Now()
	for i := range boxes {
		done.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				if boxes[i].recv() == nil {
					return
				}
				if left.Add(-1) == 0 {
					for _, b := range boxes {
						b.send(nil)
					}
					continue
				}
				boxes[random.IntN(actors)].send(1)
			}
		})
	}
	for _, b := range boxes {
		b.send(1)
	}
	done.Wait()
	return time.Since(begun)
}
