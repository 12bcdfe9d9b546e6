package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/node"
)

// runOne is a single node, from its start to its end.
func runOne(o options, stdout, stderr io.Writer) int {
	log := logger(o, stdout)
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals(o)...)
	defer stop()
	if o.supervised {
		// The terminal interrupts us together with our parent, who knows in which
		// order to leave. And a parent that died must not take us along by its
		// broken pipe before we have left.
		signal.Ignore(os.Interrupt, syscall.SIGPIPE)
		orphaned, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx = orphaned
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			cancel()
		}()
	} else {
		context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	}
	if err := checkOne(o); err != nil {
		fmt.Fprintln(stderr, "artifactstate:", err)
		return launch.ExitConfig
	}
	wire, err := o.trust.settings()
	if err != nil {
		log.Error().Err(err).Msg("can't start")
		return launch.ExitConfig
	}
	config := node.Config{Role: o.role, Listen: o.listen[0], Seeds: o.seeds, Remote: wire, AskTimeout: o.askTimeout, Drain: o.drain, Log: log}
	if len(o.http) > 0 {
		config.HTTP = o.http[0]
	}
	if o.role == roleEntity {
		config.Data, config.TakeOverFrom, config.VerifyReads = o.data, o.takeOverFrom, o.verifyReads
	}
	err = node.Run(ctx, config)
	switch {
	case err == nil:
		log.Info().Msg("left")
		return launch.ExitLeft
	case errors.Is(err, node.ErrRemoved):
		log.Error().Err(err).Int("exit code", launch.ExitDowned).Msg("ended: start a new process to join again")
		return launch.ExitDowned
	}
	fmt.Fprintln(stderr, "artifactstate:", err)
	return launch.ExitConfig
}

func stopSignals(o options) []os.Signal {
	if o.supervised {
		return []os.Signal{syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM}
}

// checkOne finds out what would keep the node from starting.
func checkOne(o options) error {
	errs := []error{launch.CheckListen(o.listen[0], "-listen")}
	if len(o.http) > 0 {
		errs = append(errs, launch.CheckListen(o.http[0], "-http"))
	}
	if o.role == roleEntity {
		errs = append(errs, launch.CheckFile(o.data, "-data"))
	}
	return errors.Join(errs...)
}

// logger writes readable lines. Below a launcher, which puts the name before
// each of them, they don't repeat it.
func logger(o options, stdout io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano // with less, the order of lines would be anybody's guess
	plain := o.supervised || stdout != os.Stdout || !isatty.IsTerminal(os.Stdout.Fd())
	out := zerolog.ConsoleWriter{Out: stdout, TimeFormat: "15:04:05.000", NoColor: plain}
	log := zerolog.New(out).Level(o.level).With().Timestamp()
	if !o.supervised {
		log = log.Str("node", cmp.Or(o.name, o.role+"@"+o.listen[0]))
	}
	return log.Logger()
}
