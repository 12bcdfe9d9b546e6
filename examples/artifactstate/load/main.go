// Command load drives the artifactstate service with requests that arrive
// whether or not earlier ones were answered, checks every answer against its own
// model, and says how fast and how right the service was. It exits with 1 when an
// answer was wrong or the load could not be made, with 2 when it was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/load"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var c load.Config
	targets := flags.String("targets", "http://127.0.0.1:8082,http://127.0.0.1:8083", "base URLs of the endpoints, with commas between them")
	flags.IntVar(&c.Users, "users", 1000, "how many users there are after the ramp")
	flags.IntVar(&c.PairsPerUser, "pairs", 4, "artifacts per user")
	flags.DurationVar(&c.Duration, "duration", time.Minute, "for how long requests arrive")
	flags.DurationVar(&c.Ramp, "ramp", 0, "until when all users are there (a quarter of the duration by default)")
	flags.Float64Var(&c.Rate, "rate", 0, "arrivals per second of all users (one per user by default)")
	flags.Uint64Var(&c.Seed, "seed", 0, "makes the arrivals repeatable (drawn by default)")
	report := flags.String("report", "", "write an HTML page with plots to this file")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "load: what is %q? There are only flags; see -help.\n", flags.Arg(0))
		return 2
	}
	c.Targets = strings.Split(*targets, ",")
	c.Progress = stderr
	if err := drive(c, *report, stdout); err != nil {
		fmt.Fprintln(stderr, "load:", err)
		return 1
	}
	return 0
}

var errWrong = errors.New("there were wrong answers")

// drive makes the load and tells the result. Interrupting it ends the arrivals;
// what has happened until then is told all the same.
func drive(c load.Config, report string, stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := load.New(c)
	if err != nil {
		return err
	}
	defer g.Close()
	var page *os.File
	if report != "" {
		// Before the run: it would be a pity to find out afterwards.
		if page, err = os.Create(report); err != nil {
			return fmt.Errorf("create the report: %w", err)
		}
		defer page.Close()
	}
	result := g.Run(ctx)
	if result.Latency.Count == 0 {
		_ = result.WriteText(stdout)
		return fmt.Errorf("nothing was answered: is the service running at %s?", strings.Join(c.Targets, ", "))
	}
	back, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	verified, unread := g.Verify(back)
	result.Verified = &verified
	errs := []error{unread, result.WriteText(stdout)}
	if page != nil {
		errs = append(errs, result.WriteHTML(page), page.Close())
	}
	if result.WrongAnswers() > 0 {
		errs = append(errs, errWrong)
	}
	return errors.Join(errs...)
}
