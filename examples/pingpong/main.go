// Command pingpong plays ping-pong between two actors, one of which drops the
// ball, breaks its racket and gets hurt, and shows what its supervisors do about
// it: resume, restart with backoff, escalate, and in the end give up.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

func main() {
	logs := flag.Bool("log", false, "show the system's own log, too")
	flag.Parse()
	cfg := config()
	if !*logs {
		quiet := zerolog.Nop()
		cfg.Logger = &quiet
	}
	sys, err := actor.NewSystem("pingpong", cfg)
	if err != nil {
		log.Fatal(err)
	}
	sys.StopOnSignal() // Ctrl-C ends the match in order
	if err := play(sys, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// config is how long a player waits for the ball.
func config() actor.Config { return actor.Config{AskTimeout: 300 * time.Millisecond} }

// play plays a match and returns when the system has stopped.
func play(sys *actor.System, out io.Writer) error {
	c := newCommentary(out, sys.Clock())
	if _, err := sys.Spawn("referee", func() actor.Actor { return &referee{commentary: c} }); err != nil {
		return err
	}
	<-sys.Stopped().Done()
	return sys.Stop(context.Background())
}
