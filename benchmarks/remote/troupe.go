package main

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/benchmarks/internal/keys"
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

// AppendWire appends the question.
func (m question) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return appendNumber(b, m.N), nil
}

// DecodeWire reads it.
func (m *question) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.N, err = readNumber(b)
	return err
}

// AppendWire appends the answer.
func (m answer) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return appendNumber(b, m.N), nil }

// DecodeWire reads it.
func (m *answer) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.N, err = readNumber(b)
	return err
}

func appendNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func readNumber(b []byte) (int64, error) {
	if len(b) < 8 {
		return 0, errors.New("number cut off")
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// begin tells the pinging actor to have n questions answered, so many at a time.
type begin struct {
	actor.Returns[answer]
	n, atOnce int
}

func newSystem(cfg remote.Config) (*actor.System, *remote.Remote, error) {
	reg := codec.NewRegistry()
	err := errors.Join(codec.Register[note](reg, "note"), codec.Register[question](reg, "question"), codec.Register[answer](reg, "answer"),
		codec.Register[urgent](reg, "urgent", codec.Control), codec.Register[urgentAnswer](reg, "urgentAnswer", codec.Control))
	if err != nil {
		return nil, nil, err
	}
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet, Registry: reg})
	if err != nil {
		return nil, nil, err
	}
	rem, err := remote.Start(sys, cfg)
	return sys, rem, err
}

// configOf is how remoting is started for a contender. Nobody else compresses, so
// neither does this.
func configOf(name, dir string) (remote.Config, error) {
	cfg := remote.Config{CompressFrom: -1}
	switch name {
	case withTLS:
		tcp, err := keys.Transport(dir)
		cfg.Transport = tcp
		return cfg, err
	case polling:
		cfg.Transport = &remote.TCP{Poll: 50 * time.Microsecond}
	}
	return cfg, nil
}

// troupe is a system that talks to another.
type troupe struct {
	sys          *actor.System
	rem          *remote.Remote
	there, heart actor.PID
	before       int // notes sent by earlier calls of oneWay
}

func troupeAt(sys *actor.System, rem *remote.Remote, addr string) *troupe {
	return &troupe{sys: sys, rem: rem, there: sys.RefAt(addr, "/user/there"), heart: sys.RefAt(addr, "/user/heart")}
}

func dialTroupe(addr string, cfg remote.Config) (*troupe, error) {
	sys, rem, err := newSystem(cfg)
	if err != nil {
		return nil, err
	}
	t := troupeAt(sys, rem, addr)
	_, err = t.ask() // connects
	return t, err
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
	_, err := t.last(t.before + n)
	t.before += n
	return time.Since(begun), err
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
