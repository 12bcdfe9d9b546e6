package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// verdict is what became of a mutant, or of a check on sound code.
type verdict struct {
	caught bool
	by     check  // that caught it
	how    string // the test that failed, or what else happened
	took   time.Duration
	err    error // the mutant can't be planted, or doesn't compile
}

// buildMax is how long building may take beside the time limit of a check.
const buildMax = 10 * time.Minute

// memoryMax bounds the memory of a process under test, in KiB: a mutant may well
// fill all there is.
const memoryMax = 8 << 20

// lab runs checks on a tree.
type lab struct {
	root    string
	scratch string // overlays, one for each mutant
}

// sound runs a check on the code as it is.
func (l lab) sound(ctx context.Context, c check) verdict { return l.run(ctx, c, "") }

// examine plants a mutant and runs its checks until one catches it.
func (l lab) examine(ctx context.Context, m mutant) verdict {
	start := time.Now()
	overlay, err := l.overlay(m)
	if err != nil {
		return verdict{err: err}
	}
	for _, c := range m.checks {
		v := l.run(ctx, c, overlay)
		v.took = time.Since(start)
		if v.err != nil {
			v.err = fmt.Errorf("mutant %s: %w", m.name, v.err)
		}
		if v.caught || v.err != nil {
			return v
		}
	}
	return verdict{took: time.Since(start)}
}

// overlay writes the mutant's file beside the tree and returns the path of the
// overlay that puts it in its place.
func (l lab) overlay(m mutant) (string, error) {
	path, text, err := m.plant(l.root)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(l.scratch, "mutant-")
	if err != nil {
		return "", err
	}
	planted := filepath.Join(dir, filepath.Base(path))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: planted}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, errors.Join(os.WriteFile(planted, text, 0o600), os.WriteFile(overlay, replace, 0o600))
}

// run runs a check, with an overlay if there is one.
func (l lab) run(ctx context.Context, c check, overlay string) verdict {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.limit+buildMax)
	defer cancel()
	args := []string{"-c", fmt.Sprintf(`ulimit -v %d 2>/dev/null; exec "$@"`, memoryMax), "sh",
		"go", "test", "-vet=off", "-failfast", "-timeout=" + c.limit.String()}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.CommandContext(ctx, "sh", append(args, strings.Fields(c.args)...)...)
	cmd.Dir = l.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the test ends with the go command
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	v := verdict{by: c, took: time.Since(start)}
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		v.err = context.Canceled
	case bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		v.err = fmt.Errorf("it doesn't compile:\n%s", head(out))
	case bytes.Contains(out, []byte("[no tests to run]")) || !bytes.Contains(out, []byte("FAIL")):
		v.err = fmt.Errorf("%v didn't run: %w\n%s", c, err, head(out))
	default:
		v.caught, v.how = true, cause(out)
	}
	if err == nil && bytes.Contains(out, []byte("[no tests to run]")) {
		v.err = fmt.Errorf("%v runs no test", c)
	}
	return v
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// cause names what failed first in the output of go test.
func cause(out []byte) string {
	switch failed := failedTest.FindSubmatch(out); {
	case failed != nil:
		return string(failed[1])
	case bytes.Contains(out, []byte("panic: test timed out")):
		return "no end"
	case bytes.Contains(out, []byte("out of memory")) || bytes.Contains(out, []byte("cannot allocate memory")):
		return "out of memory"
	case bytes.Contains(out, []byte("found unexpected goroutines")):
		return "goroutines left"
	case bytes.Contains(out, []byte("panic: ")) || bytes.Contains(out, []byte("fatal error: ")):
		return "panic"
	}
	return "failed"
}

// head returns the first lines of an output.
func head(out []byte) string {
	lines := strings.SplitAfterN(string(out), "\n", 21)
	return strings.Join(lines[:min(len(lines), 20)], "")
}
