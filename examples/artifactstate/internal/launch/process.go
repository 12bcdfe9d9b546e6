package launch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// The exit codes of a node.
const (
	// ExitLeft: the node left the cluster, as it was asked to.
	ExitLeft = 0
	// ExitConfig: the node is set up wrongly; started anew it would end so again.
	ExitConfig = 1
	// ExitDowned: the others removed the node from the cluster, or it found out
	// that it can't go on as what it was. A new start makes it a new member.
	ExitDowned = 3
)

// lineMax is the longest line in bytes that is kept whole.
const lineMax = 64 << 10

// stream is the one output of all nodes. It may be used from many goroutines.
type stream struct {
	mu    sync.Mutex // guards out
	out   io.Writer
	color bool
	width int // of the longest name
}

// colors of the names, in turn.
var colors = []string{"36", "32", "35", "33", "34", "96", "92", "95"}

func (s *stream) line(i int, name string, line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix := fmt.Sprintf("%-*s │ ", s.width, name)
	if s.color {
		prefix = "\x1b[" + colors[i%len(colors)] + "m" + prefix + "\x1b[0m"
	}
	_, _ = fmt.Fprintf(s.out, "%s%s\n", prefix, line) // there is nobody to tell
}

// text prints something of the launcher's own.
func (s *stream) text(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, text)
}

// prefixer makes whole lines with a name of what a node writes.
type prefixer struct {
	stream *stream
	index  int
	name   string

	mu   sync.Mutex // guards what follows: a node writes to two pipes
	rest []byte
	last string
}

// Write takes output in pieces of any size. It never fails.
func (p *prefixer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	for {
		end := bytes.IndexByte(p.rest, '\n')
		cut := end + 1
		if end < 0 {
			if len(p.rest) < lineMax {
				return len(b), nil
			}
			end, cut = lineMax, lineMax
		}
		p.put(p.rest[:end])
		p.rest = p.rest[cut:]
	}
}

func (p *prefixer) put(line []byte) {
	line = bytes.TrimRight(line, "\r")
	if len(bytes.TrimSpace(line)) > 0 {
		p.last = string(line)
	}
	p.stream.line(p.index, p.name, line)
}

// flush puts out an unfinished line.
func (p *prefixer) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rest) > 0 {
		p.put(p.rest)
		p.rest = nil
	}
}

func (p *prefixer) lastLine() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// process is one incarnation of a node.
type process struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	out     *prefixer
	started time.Time
	// ended is closed when the process is gone; code and how are set then.
	ended chan struct{}
	code  int
	how   string
}

// startProcess runs binary with args. Closing its standard input asks it to leave.
func startProcess(binary string, args, env []string, out *prefixer) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), out: out, started: time.Now(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = out, out, env
	// A grandchild that keeps the pipes open must not keep us waiting.
	p.cmd.WaitDelay = 2 * time.Second
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", out.name, err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", out.name, err)
	}
	go p.wait()
	return p, nil
}

func (p *process) wait() {
	err := p.cmd.Wait()
	p.out.flush()
	p.code = p.cmd.ProcessState.ExitCode() // -1: ended by a signal
	p.how = p.cmd.ProcessState.String()
	if err != nil && p.code == 0 && !errors.Is(err, exec.ErrWaitDelay) {
		p.how = err.Error()
	}
	close(p.ended)
}

// askToLeave lets the process end in its own way.
func (p *process) askToLeave() { _ = p.stdin.Close() }

// kill ends the process at once.
func (p *process) kill() { _ = p.cmd.Process.Kill() }
