package persistence

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// waiters is an executor that tells who comes to wait.
type waiters struct {
	actor.Executor
	arrived chan struct{}
}

func (w waiters) Wait(g *actor.Gate) {
	w.arrived <- struct{}{}
	<-g.Done()
}

func TestPermitsAreGrantedInOrder(t *testing.T) {
	p, w := NewPermits(2), waiters{arrived: make(chan struct{})}
	p.acquire(w)
	p.acquire(w) // neither waits
	granted := make(chan int)
	for n := range 3 {
		go func() {
			p.acquire(w)
			granted <- n
		}()
		<-w.arrived // the third and later ones wait
	}
	for n := range 3 {
		p.release()
		require.Equal(t, n, <-granted)
	}
	for range 2 {
		p.release()
	}
	p.acquire(w)
	p.acquire(w)
	require.Equal(t, 0, p.free)
	require.Equal(t, PermitsDefault, NewPermits(-1).free)
	var unbounded *Permits
	unbounded.acquire(w)
	unbounded.release()
}
