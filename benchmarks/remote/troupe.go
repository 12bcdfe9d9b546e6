package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// note is the message: a number and text.
type note struct {
	N    int64
	Text string
}

// AppendWire appends the note.
func (m note) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint64(b, uint64(m.N)), m.Text...), nil
}

// DecodeWire reads it.
func (m *note) DecodeWire(_ codec.Scope, b []byte) error {
	if len(b) < 8 {
		return errors.New("note cut off")
	}
	m.N, m.Text = int64(binary.BigEndian.Uint64(b)), string(b[8:])
	return nil
}

// question is answered with as many as there were notes before it.
type question struct {
	actor.Returns[answer]
	N int64
}
type answer struct{ N int64 }

// begin tells the pinging actor to have n questions answered, so many at a time.
type begin struct {
	actor.Returns[answer]
	n, atOnce int
}

func newSystem() (*actor.System, *remote.Remote, error) {
	reg := codec.NewRegistry()
	err := errors.Join(codec.Register[note](reg, "note"), codec.Register[question](reg, "question"), codec.Register[answer](reg, "answer"))
	if err != nil {
		return nil, nil, err
	}
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet, Registry: reg})
	if err != nil {
		return nil, nil, err
	}
	// Nobody else compresses, so neither does this.
	rem, err := remote.Start(sys, remote.Config{CompressFrom: -1})
	return sys, rem, err
}

func serveTroupe() (string, error) {
	sys, rem, err := newSystem()
	if err != nil {
		return "", err
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
	return rem.Addr(), err
}

// troupe is a system that talks to another.
type troupe struct {
	sys   *actor.System
	there actor.PID
}

func dialTroupe(addr string) (contender, error) {
	sys, _, err := newSystem()
	if err != nil {
		return nil, err
	}
	t := &troupe{sys: sys, there: sys.RefAt(addr, "/user/there")}
	_, err = t.ask() // connects
	return t, err
}

func (t *troupe) ask() (answer, error) {
	return actor.Ask(context.Background(), t.there, question{})
}

func (t *troupe) oneWay(n, size, window int) (time.Duration, error) {
	m := note{Text: string(make([]byte, size))}
	begun := time.Now()
	for i := 1; i <= n; i++ {
		t.there.Tell(m)
		if window > 0 && i%window == 0 {
			if _, err := t.ask(); err != nil {
				return 0, err
			}
		}
	}
	got, err := t.last(n)
	if err == nil && got != int64(n) {
		err = fmt.Errorf("%d of %d messages are lost", int64(n)-got, n)
	}
	return time.Since(begun), err
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
		return a.N, err
	}
}

func (t *troupe) rounds(n, atOnce int, askers bool) (time.Duration, error) {
	if askers {
		return t.askers(n, atOnce)
	}
	pinger, err := t.sys.Spawn("pinger", func() actor.Actor {
		var owner actor.PID
		sent, got := 0, 0
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case begin:
				owner = ctx.Sender()
				for range m.atOnce {
					ctx.Tell(t.there, question{})
				}
				sent = m.atOnce
			case answer:
				if got++; got == n {
					ctx.Tell(owner, answer{int64(got)})
				} else if sent < n {
					sent++
					ctx.Tell(t.there, question{})
				}
			}
		})
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	begun := time.Now()
	_, err = actor.Ask(ctx, pinger, begin{n: n, atOnce: atOnce})
	return time.Since(begun), err
}

func (t *troupe) askers(n, atOnce int) (time.Duration, error) {
	errs := make([]error, atOnce)
	var all sync.WaitGroup
	begun := time.Now()
	for k := range atOnce {
		all.Go(func() {
			for range n / atOnce {
				if _, errs[k] = t.ask(); errs[k] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(begun), errors.Join(errs...)
}
