package main

import (
	"slices"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// waiter is a request that waits for its permit.
type waiter struct {
	client string
	asker  actor.PID
	until  time.Time // after that nobody waits for the answer; zero: unknown
}

// queue holds those who wait, and lets the clients take turns: who asks often
// waits behind its own requests, not before those of others. It is a plain value
// and bounded.
type queue struct {
	most  int // waiters of one client; more are refused
	turns []string
	lines map[string][]waiter
}

// push reports whether there was room.
func (q *queue) push(w waiter) bool {
	if q.lines == nil {
		q.lines = map[string][]waiter{}
	}
	line := q.lines[w.client]
	if len(line) >= q.most {
		return false
	}
	if len(line) == 0 {
		q.turns = append(q.turns, w.client)
	}
	q.lines[w.client] = append(line, w)
	return true
}

// pop returns the next who still waits at now.
func (q *queue) pop(now time.Time) (waiter, bool) {
	for len(q.turns) > 0 {
		client := q.turns[0]
		q.turns = slices.Delete(q.turns, 0, 1)
		line := q.lines[client]
		w, rest := line[0], line[1:]
		if len(rest) > 0 {
			q.lines[client] = rest
			q.turns = append(q.turns, client)
		} else {
			delete(q.lines, client)
		}
		if w.until.IsZero() || now.Before(w.until) {
			return w, true
		}
	}
	return waiter{}, false
}

// len returns how many wait.
func (q *queue) len() int {
	n := 0
	for _, line := range q.lines {
		n += len(line)
	}
	return n
}
