package load

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// startProgress shows how far the run is until the returned function is called:
// a bar that moves on a terminal, a line every ten seconds elsewhere.
func (g *Generator) startProgress(start time.Time) (stop func()) {
	w := g.config.Progress
	if w == nil {
		return func() {}
	}
	terminal := isTerminal(w)
	every := 10 * time.Second
	if terminal {
		every = 100 * time.Millisecond
	}
	done := make(chan struct{})
	var shown sync.WaitGroup
	shown.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprint(w, g.progressLine(time.Since(start), terminal))
			case <-done:
				if terminal {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			}
		}
	})
	return func() { close(done); shown.Wait() }
}

// progressLine is one picture of the bar.
func (g *Generator) progressLine(since time.Duration, terminal bool) string {
	ok, failed, wrong, p99 := g.record.now()
	done := min(since.Seconds()/g.config.Duration.Seconds(), 1)
	status := fmt.Sprintf("%3.0fs of %.0fs  %d users  %.0f/s  p99 %s  outstanding %d  failed %d  wrong %d", since.Seconds(), g.config.Duration.Seconds(),
		g.users.Load(), float64(ok)/max(since.Seconds(), 0.001), short(p99), g.outstanding.Load(), failed, wrong)
	if !terminal {
		return status + "\n"
	}
	const width = 24
	full := int(done * width)
	return "\r\x1b[K" + strings.Repeat("█", full) + strings.Repeat("░", width-full) + " " + status
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd()))
}
