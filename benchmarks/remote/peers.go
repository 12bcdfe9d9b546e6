package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

const (
	slowBytes = 1 << 20 // that the way to the slow peer takes in a second
	slowChunk = 8 << 10
)

// serveMany is several systems; the way to the first may be a narrow one.
func serveMany(n int, narrow bool) ([]string, error) {
	var addrs []string
	for i := range n {
		cfg := remote.Config{CompressFrom: -1}
		var way net.Listener
		if narrow && i == 0 {
			var err error
			if way, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return nil, err
			}
			cfg.Advertise = way.Addr().String()
		}
		rem, err := serveAnswers(cfg)
		if err != nil {
			return nil, err
		}
		if way != nil {
			go serveNarrow(way, rem.Bound())
		}
		addrs = append(addrs, rem.Addr())
	}
	return addrs, nil
}

// serveNarrow passes connections on, slowly what comes.
func serveNarrow(l net.Listener, to string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		go func() {
			buf := make([]byte, slowChunk)
			for {
				n, err := in.Read(buf)
				if _, failed := out.Write(buf[:n]); err != nil || failed != nil {
					_ = out.Close()
					return
				}
				time.Sleep(time.Duration(n) * time.Second / slowBytes)
			}
		}()
		go func() {
			_, _ = io.Copy(in, out) // until either end is over
			_ = in.Close()
		}()
	}
}

// dialMany is a system that has asked all those at addrs once, in turn.
func dialMany(addrs []string) ([]*troupe, error) {
	sys, rem, err := newSystem(remote.Config{CompressFrom: -1})
	if err != nil {
		return nil, err
	}
	var all []*troupe
	for _, addr := range addrs {
		t := troupeAt(sys, rem, addr)
		if _, err := t.ask(); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// besideSlow returns how many thousand asks a second all but the first peer answer, each to an asker of
// its own, while somebody sends to the first one as fast as that takes it, or doesn't.
func besideSlow(all []*troupe, n int, flooded bool) (figures, error) {
	stop := make(chan struct{})
	var flood, askers sync.WaitGroup
	if flooded {
		flood.Go(func() {
			for m := (note{Text: string(make([]byte, 1<<10))}); ; all[0].there.Tell(m) {
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		for all[0].rem.Stats().QueuedBytes < 3<<20 { // until its buffer is about full
			time.Sleep(time.Millisecond)
		}
	}
	errs := make([]error, len(all))
	begun := time.Now()
	for k, t := range all[1:] {
		askers.Go(func() {
			for range n {
				if _, errs[k] = t.ask(); errs[k] != nil {
					return
				}
			}
		})
	}
	askers.Wait()
	took := time.Since(begun)
	close(stop)
	flood.Wait()
	return figures{"": float64(n*(len(all)-1)) / took.Seconds() / 1e3}, errors.Join(errs...)
}

// memory returns the memory of this process for each association, in KiB: of one that
// has carried an ask, and of one that has just carried many messages.
func memory(addrs []string, busy int) (figures, error) {
	before := inUse()
	all, err := dialMany(addrs)
	if err != nil {
		return nil, err
	}
	out := figures{"idle": (inUse() - before) / float64(len(all))}
	for _, t := range all {
		for range busy {
			t.there.Tell(note{Text: "0123456789abcdef"})
		}
	}
	for _, t := range all {
		if _, err := t.last(busy); err != nil {
			return nil, err
		}
	}
	out["busy"] = (inUse() - before) / float64(len(all))
	runtime.KeepAlive(all)
	return out, nil
}

// inUse is the memory of the heap and of stacks in KiB.
func inUse() float64 {
	var m runtime.MemStats
	for range 3 { // what pools hold is let go by the second
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse+m.StackInuse) / 1024
}

// serveAnswers is a system that answers.
func serveAnswers(cfg remote.Config) (*remote.Remote, error) {
	sys, rem, err := newSystem(cfg)
	if err != nil {
		return nil, err
	}
	_, err = sys.Spawn("there", func() actor.Actor {
		got := int64(0)
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case note:
				got++
			case question:
				actor.Reply(ctx, m, answer{got})
			}
		})
	})
	if err != nil {
		return nil, err
	}
	_, err = sys.Spawn("heart", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if m, ok := ctx.Message().(urgent); ok {
				actor.Reply(ctx, m, urgentAnswer{})
			}
		})
	})
	return rem, err
}

// last asks behind all messages how many there were; the question finds no room as long
// as they fill the buffer.
func (t *troupe) last(n int) (int64, error) {
	for {
		a, err := t.ask()
		if errors.Is(err, actor.ErrBackpressure) {
			time.Sleep(time.Millisecond)
			continue
		}
		if err == nil && a.N != int64(n) {
			err = fmt.Errorf("%d of %d messages are lost", int64(n)-a.N, n)
		}
		return a.N, err
	}
}

func (t *troupe) ask() (answer, error) {
	return actor.Ask(context.Background(), t.there, question{})
}
