package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mutant is one mistake in one place.
type mutant struct {
	name   string // area/what-is-wrong
	file   string // from the root of the repository
	old    string // occurs once in the file
	new    string // stands there instead
	breaks string // what it breaks, in a sentence
	checks []check

	// equivalent, if not empty, says why no test can tell the mutant from the code.
	equivalent string
}

// check is a run of go test that should catch something. Its time limit is counted
// from the start of a test binary, so that building doesn't count.
type check struct {
	args  string
	limit time.Duration
}

// String returns the command as one types it.
func (c check) String() string { return "go test " + c.args }

// pkg returns the package of the check, without ./
func (c check) pkg() string {
	for arg := range strings.FieldsSeq(c.args) {
		if p, ok := strings.CutPrefix(arg, "./"); ok {
			return p
		}
	}
	return ""
}

// area is the mutants of one protocol, and what should catch those that don't say.
type area struct {
	name    string
	checks  []check
	mutants []mutant
}

// all returns every mutant of the list, with its whole name and its checks.
func all() []mutant {
	var out []mutant
	for _, a := range []area{
		membership, heartbeat, downing, lease, remote, codec, actor, router, singleton, sharding, persistence,
	} {
		for _, m := range a.mutants {
			m.name = a.name + "/" + m.name
			if len(m.checks) == 0 {
				m.checks = a.checks
			}
			out = append(out, m)
		}
	}
	return out
}

// picked returns those whose name matches.
func picked(list []mutant, pattern *regexp.Regexp) []mutant {
	return slices.DeleteFunc(slices.Clone(list), func(m mutant) bool { return !pattern.MatchString(m.name) })
}

// plant returns the text of the mutant's file with the mistake in it, and the path
// of the file.
func (m mutant) plant(root string) (path string, text []byte, err error) {
	path = filepath.Join(root, filepath.FromSlash(m.file))
	sound, err := os.ReadFile(path)
	if err != nil {
		return "", nil, fmt.Errorf("mutant %s: %w", m.name, err)
	}
	switch n := bytes.Count(sound, []byte(m.old)); {
	case m.old == m.new:
		return "", nil, fmt.Errorf("mutant %s changes nothing", m.name)
	case n != 1:
		return "", nil, fmt.Errorf("mutant %s: its text occurs %d times in %s, not once; write it for the code as it is now:\n%s", m.name, n, m.file, m.old)
	}
	text = bytes.Replace(sound, []byte(m.old), []byte(m.new), 1)
	switch formatted, err := format.Source(text); {
	case err != nil:
		return "", nil, fmt.Errorf("mutant %s is no Go: %w", m.name, err)
	case !bytes.Equal(formatted, text):
		return "", nil, fmt.Errorf("mutant %s is not formatted as gofmt does it; a mistake should look like code that somebody wrote", m.name)
	}
	return path, text, nil
}
