package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/benchmarks/internal/keys"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

const (
	town        = "town" // the name of the cluster
	secretWords = "what all nodes of the town know"
	falseWords  = "what somebody thinks that they know"
	answerers   = 10 // actors of a node
)

// question is answered with its number.
type question struct {
	actor.Returns[answer]
	N int64
}
type answer struct{ N int64 }

// AppendWire appends the question.
func (m question) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(b, uint64(m.N)), nil
}

// DecodeWire reads it.
func (m *question) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.N, err = readNumber(b)
	return err
}

// AppendWire appends the answer.
func (m answer) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(b, uint64(m.N)), nil
}

// DecodeWire reads it.
func (m *answer) DecodeWire(_ codec.Scope, b []byte) (err error) {
	m.N, err = readNumber(b)
	return err
}

func readNumber(b []byte) (int64, error) {
	if len(b) < 8 {
		return 0, errors.New("number cut off")
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// newTown is a system of the town with its messages, which logs to lines.
func newTown(lines *counter) (*actor.System, error) {
	reg := codec.NewRegistry()
	if err := errors.Join(codec.Register[question](reg, "question"), codec.Register[answer](reg, "answer")); err != nil {
		return nil, err
	}
	log := zerolog.New(lines).Level(zerolog.InfoLevel)
	return actor.NewSystem(town, actor.Config{Logger: &log, Registry: reg})
}

// counter is a log that only counts its lines.
type counter struct{ lines atomic.Int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.lines.Add(int64(bytes.Count(b, []byte("\n"))))
	return len(b), nil
}

// remoting is how nodes, and those who ask them, talk to each other.
func (p part) remoting() (remote.Config, error) {
	secret, err := remote.NewSecret([]byte(secretWords))
	cfg := remote.Config{Cluster: town, Secrets: []remote.Secret{secret}}
	if err == nil && p.Keys != "" {
		cfg.Transport, err = keys.Transport(p.Keys)
	}
	if attackOf(p.Attack).open {
		cfg.AcceptRate = -1
	}
	return cfg, err
}

// node is what a node says of itself.
type node struct {
	Addr       string
	Up         int           // members that it knows to be Up, and can reach
	Lost       int64         // times that it has taken a member for lost
	Busy       time.Duration // processor time used so far
	RSS        int64         // bytes; 0: not known here
	Goroutines int
	Lines      int64 // logged so far
}

// node is the program of a node.
func (p part) node() error {
	var lines counter
	var lost atomic.Int64
	sys, err := newTown(&lines)
	if err != nil {
		return err
	}
	cfg, err := p.remoting()
	if err != nil {
		return err
	}
	cl, err := cluster.Open(sys, cluster.Config{Listen: "127.0.0.1:0", Seeds: p.Addrs, Remote: cfg})
	if err != nil {
		return err
	}
	for k := range answerers {
		if _, err := sys.Spawn("a"+strconv.Itoa(k), func() actor.Actor { return actor.Func(reply) }); err != nil {
			return err
		}
	}
	watcher, err := sys.Spawn("watcher", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if c, ok := ctx.Message().(cluster.Change); ok {
				lost.Add(int64(len(slices.DeleteFunc(slices.Clone(c.Events), isNoLoss))))
			}
		})
	})
	if err != nil {
		return err
	}
	cl.Subscribe(watcher)
	return serve(func(word, about string) (any, error) {
		if word == "profile" {
			return struct{}{}, profile(about)
		}
		n := node{Addr: cl.Self().Addr, Lost: lost.Load(), Lines: lines.lines.Load(), RSS: rss(), Goroutines: runtime.NumGoroutine(), Up: reachable(cl.State())}
		var use syscall.Rusage
		err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
		n.Busy = time.Duration(use.Utime.Nano() + use.Stime.Nano())
		return n, err
	})
}

func reply(ctx *actor.Context) {
	if q, ok := ctx.Message().(question); ok {
		ctx.Reply(answer{q.N})
	}
}

func isNoLoss(e membership.Event) bool {
	switch e.(type) {
	case membership.UnreachableMember, membership.MemberRemoved, membership.Ended:
		return false
	}
	return true
}

func reachable(v membership.View) int {
	n := -len(v.Unreachable())
	for _, m := range v.Members() {
		if m.Status == membership.Up {
			n++
		}
	}
	return n
}

// profile begins a profile in a file, or ends the one that was begun.
func profile(path string) error {
	if path == "" {
		pprof.StopCPUProfile()
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return pprof.StartCPUProfile(f) // which is written when it is ended, and closed with the process
}

// rss is the memory that the kernel has given to this process.
func rss() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	var size, resident int64
	if _, scan := fmt.Sscan(string(b), &size, &resident); err != nil || scan != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
