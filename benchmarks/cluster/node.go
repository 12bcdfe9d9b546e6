package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// runNode is the program of one process of a measured cluster. It tells what it
// sees in lines on its output: a word, the instant in Unix nanoseconds, and what
// it is about. To "cpu" on its input it answers with the processor time it has
// used; it ends with its input.
func runNode(addr string) error {
	say := func(word string, about any) { fmt.Printf("%s %d %v\n", word, time.Now().UnixNano(), about) }
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet})
	if err != nil {
		return err
	}
	say("started", membership.Node{Addr: addr, UID: sys.UID()})
	cfg := cluster.Config{Listen: addr, Seeds: strings.Split(os.Getenv(seedsEnv), ",")}
	if via := os.Getenv(viaEnv); via != "" {
		go watchLateness(nil, func(by time.Duration) { say("late", by) })
		cfg.Remote.Transport = newDetour(via)
		secret, err := remote.NewSecret([]byte("of these measurements, which stay on this machine"))
		if err != nil {
			return err
		}
		cfg.Remote.Secrets, cfg.Remote.Plaintext = []remote.Secret{secret}, true
		cfg.Downing = downing.KeepMajority{StableAfter: 2 * time.Second}
	}
	cl, err := cluster.Open(sys, cfg)
	if err != nil {
		return err
	}
	cl.Ended().Notify(func() { say("ended", cl.Err()) })
	sys.Stopped().Notify(func() { os.Exit(endedCode) })
	watcher, err := sys.Spawn("watcher", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if c, ok := ctx.Message().(cluster.Change); ok {
				tell(c, say)
			}
		})
	})
	if err != nil {
		return err
	}
	cl.Subscribe(watcher)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "cpu" {
			var use syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
				return err
			}
			say("cpu", use.Utime.Nano()+use.Stime.Nano())
		}
	}
	return nil
}

// lateFrom is how late a timer must run for a process to say so: half of the
// silence that nodes grant each other.
const lateFrom = 1500 * time.Millisecond

// watchLateness tells how late the timers of this process run, whenever that is
// much: it was paused, or the machine gave it no time. It blocks until stop is closed.
func watchLateness(stop <-chan struct{}, late func(time.Duration)) {
	const every = 100 * time.Millisecond
	for {
		due := time.Now().Add(every)
		select {
		case <-stop:
			return
		case <-time.After(every):
		}
		if by := time.Since(due); by >= lateFrom {
			late(by)
		}
	}
}

func tell(c cluster.Change, say func(word string, about any)) {
	up := 0
	for _, m := range c.View.Members() {
		if m.Status == membership.Up {
			up++
		}
	}
	for _, e := range c.Events {
		switch e := e.(type) {
		case membership.MemberUp:
			say("up", up)
		case membership.UnreachableMember:
			say("lost", e.Member.Addr)
		case membership.MemberRemoved:
			say("lost", e.Member.Addr)
		}
	}
	if os.Getenv(viaEnv) != "" {
		say("view", picture(c.View))
	}
}

// picture is a view as one line: the same for all nodes that agree.
func picture(v membership.View) string {
	out := fmt.Sprint(v.Created)
	for _, m := range v.Members() {
		out += fmt.Sprintf(" %v=%v", m.Node, strings.ReplaceAll(m.Status.String(), " ", "-"))
	}
	for _, m := range v.Unreachable() {
		out += fmt.Sprintf(" !%v", m.Node)
	}
	return out
}

// endedCode is the exit code of a node that is in no cluster any more.
const endedCode = 3

// detour dials some addresses by way of others.
type detour struct {
	remote.TCP
	via map[string]string
}

// newDetour reads "addr=addr,addr=addr".
func newDetour(text string) *detour {
	d := &detour{via: map[string]string{}}
	for pair := range strings.SplitSeq(text, ",") {
		addr, by, _ := strings.Cut(pair, "=")
		d.via[addr] = by
	}
	return d
}

// Dial implements remote.Transport.
func (d *detour) Dial(addr string, done func(remote.Conn, error)) (cancel func()) {
	if by, ok := d.via[addr]; ok {
		addr = by
	}
	return d.TCP.Dial(addr, done)
}
