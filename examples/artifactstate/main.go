package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return launch.ExitLeft
	case errors.Is(err, errUsage):
		return launch.ExitConfig
	case err != nil:
		fmt.Fprintln(stderr, "artifactstate:", err)
		return launch.ExitConfig
	case o.role == "":
		return runAll(o, stdout, stderr)
	}
	return runOne(o, stdout, stderr)
}
