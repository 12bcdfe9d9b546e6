// Command remote is a chat between two terminals: two processes, one actor in each.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// Hello introduces whoever sends it.
type Hello struct{ Name string }

// Said is a line of the conversation.
type Said struct{ Text string }

// typed is a line from this terminal. It never leaves the process, so it is not
// registered.
type typed struct{ text string }

type chat struct {
	name   string
	first  actor.PID // whom to greet; nobody when one waits to be found
	others map[actor.PID]string
	out    io.Writer
}

func (c *chat) PreStart(ctx *actor.Context) error {
	if !c.first.IsZero() {
		ctx.Tell(c.first, Hello{c.name})
	}
	return nil
}

func (c *chat) Receive(ctx *actor.Context) {
	from := ctx.Sender()
	switch m := ctx.Message().(type) {
	case Hello:
		if c.others[from] == "" {
			c.others[from] = m.Name
			ctx.Watch(from)
			ctx.Tell(from, Hello{c.name})
			c.say("* %q is here", m.Name)
		}
	case Said:
		c.say("%q: %q", c.others[from], m.Text) // quoted: it may be anybody's
	case typed:
		for other := range c.others {
			ctx.Tell(other, Said{m.text})
		}
	case actor.Terminated:
		c.say("* %q has left", c.others[m.Ref])
		delete(c.others, m.Ref)
	}
}

func (c *chat) say(format string, args ...any) { _, _ = fmt.Fprintf(c.out, format+"\n", args...) }

func run(in io.Reader, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("remote", flag.ContinueOnError)
	name := flags.String("name", "ada", "who you are")
	listen := flags.String("listen", "127.0.0.1:0", "where to be found")
	peer := flags.String("peer", "", "where the other one is; empty: wait for it")
	dir := flags.String("tls", "", "talk TLS, with a test authority in this directory, which is made if need be")
	if err := flags.Parse(args); err != nil {
		return err
	}
	reg := codec.NewRegistry()
	if err := codec.Register[Hello](reg, "chat.Hello.v1"); err != nil {
		return err
	}
	if err := codec.Register[Said](reg, "chat.Said.v1"); err != nil {
		return err
	}
	log := zerolog.New(os.Stderr).Level(zerolog.WarnLevel)
	sys, err := actor.NewSystem("chat", actor.Config{Registry: reg, Logger: &log})
	if err != nil {
		return err
	}
	defer func() { _ = sys.Stop(context.Background()) }()
	cfg := remote.Config{Listen: *listen}
	if *dir != "" {
		keys, err := testKeys(*dir, *name)
		if err != nil {
			return err
		}
		cfg.Transport, cfg.Keys = &remote.TCP{TLS: keys.TLS()}, keys
	}
	node, err := remote.Start(sys, cfg)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "listening at", node.Addr())
	c := &chat{name: *name, others: map[actor.PID]string{}, out: out}
	if *peer != "" {
		c.first = sys.RefAt(*peer, "/user/chat")
	}
	pid, err := sys.Spawn("chat", func() actor.Actor { return c })
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		pid.Tell(typed{lines.Text()})
	}
	return nil
}

func main() {
	if err := run(os.Stdin, os.Stdout, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
