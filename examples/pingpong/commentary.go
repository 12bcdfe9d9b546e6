package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
)

// commentary tells the audience what happens. It is safe for concurrent use:
// the actors of a match share it.
type commentary struct {
	clock actor.Clock
	begun time.Time

	outMu sync.Mutex
	out   io.Writer
}

func newCommentary(out io.Writer, clock actor.Clock) *commentary {
	return &commentary{out: out, clock: clock, begun: clock.Now()}
}

func (c *commentary) say(who, format string, args ...any) {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	fmt.Fprintf(c.out, "%6.2f s  %-8s %s\n", c.clock.Now().Sub(c.begun).Seconds(), who, fmt.Sprintf(format, args...))
}
