package process

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// marker is in the environment of the processes that Start starts.
const marker = "TROUPE_EXAMPLE_PROCESS"

// patience is how long a line or an end may take on a slow machine.
const patience = 60 * time.Second

// Run runs main in a process that [Start] started, and the tests otherwise. It
// ends the process.
func Run(m *testing.M, main func()) {
	if os.Getenv(marker) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Process is one that runs, or has run. Its methods are for the test's
// goroutine.
type Process struct {
	t   testing.TB
	cmd *exec.Cmd

	mu    sync.Mutex
	lines []string
	more  chan struct{} // a line or the end has come
	ended chan struct{}
	err   error
}

// Start starts the program with the arguments. Its standard output is kept, line
// by line; errors of it are shown when the test fails.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(os.Args[0], args...), more: make(chan struct{}, 1), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), marker+"=1")
	var stderr strings.Builder
	p.cmd.Stderr = &stderr
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			p.mu.Lock()
			p.lines = append(p.lines, scan.Text())
			p.mu.Unlock()
			p.wake()
		}
		p.err = p.cmd.Wait()
		close(p.ended)
		p.wake()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%v\n%s\n%s", args, strings.Join(p.lines, "\n"), stderr.String())
		}
	})
	return p
}

func (p *Process) wake() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// Line waits for a line that matches the pattern and returns its first group,
// or the whole line. Each line is returned once, and those before it are
// skipped.
func (p *Process) Line(pattern string) string {
	p.t.Helper()
	want := regexp.MustCompile(pattern)
	limit := time.After(patience)
	for {
		if found, ok := p.take(want); ok {
			return found
		}
		select {
		case <-p.more:
		case <-p.ended:
			if found, ok := p.take(want); ok {
				return found
			}
			require.Fail(p.t, "the process has ended", "no line %q: %v", pattern, p.err)
		case <-limit:
			require.Fail(p.t, "no such line in time", "%q", pattern)
		}
	}
}

func (p *Process) take(want *regexp.Regexp) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, line := range p.lines {
		if m := want.FindStringSubmatch(line); m != nil {
			p.lines = p.lines[i+1:]
			if len(m) == 1 {
				return line, true
			}
			return m[1], true
		}
	}
	return "", false
}

// Interrupt asks the process to end, as Ctrl-C does, and returns its exit code.
func (p *Process) Interrupt() int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(os.Interrupt))
	return p.Wait()
}

// Kill ends the process without a word.
func (p *Process) Kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	p.Wait()
}

// Wait waits for the end of the process and returns its exit code.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(p.t, "the process doesn't end")
	}
	return p.cmd.ProcessState.ExitCode()
}
