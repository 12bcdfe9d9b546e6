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
	"github.com/troupe-go/troupe/cluster/membership"
)

// runNode is the program of one process of a measured cluster. It tells what it
// sees in lines on its output: a word, the instant in Unix nanoseconds, and what
// it is about. To "cpu" on its input it answers with the processor time it has
// used; it ends with its input.
func runNode(addr, seeds string) error {
	say := func(word string, about any) { fmt.Printf("%s %d %v\n", word, time.Now().UnixNano(), about) }
	say("started", addr)
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("bench", actor.Config{Logger: &quiet})
	if err != nil {
		return err
	}
	cl, err := cluster.Open(sys, cluster.Config{Listen: addr, Seeds: strings.Split(seeds, ",")})
	if err != nil {
		return err
	}
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
		case membership.Ended:
			say("ended", e)
		}
	}
}
