package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// partEnv tells a process of this program what it is, as JSON.
const partEnv = "TROUPE_BENCH_HOSTILE"

// The parts.
const (
	partNode     = "node"
	partLoad     = "load"
	partAttacker = "attacker"
)

// part is what a process is and what it needs for that.
type part struct {
	Name   string
	Addrs  []string // of the nodes; of a node: of those to join through
	Attack string   // the id of the one that this is about
	Rate   float64  // asks a second
	Keys   string   // the directory of the certificate, where there is TLS
}

// serve answers each line of the input, a word and an argument, by a line of JSON, until
// the input ends: then the process that has started this one has. That also ends what is
// under way.
func serve(answer func(word, about string) (any, error)) error {
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		os.Exit(0)
	}()
	out := json.NewEncoder(os.Stdout)
	for line := range lines {
		word, about, _ := strings.Cut(line, " ")
		v, err := answer(word, about)
		if err != nil {
			return err
		}
		if err := out.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// process is one that this one has started.
type process struct {
	part
	command *exec.Cmd
	in      io.WriteCloser
	answers chan []byte // closed with its output
}

// patience is how long an answer may take beyond what was asked for.
const patience = time.Minute

// launch starts a process; it answers "hello" first.
func launch(p part) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	c := exec.Command(self)
	c.Env, c.Stderr = append(os.Environ(), partEnv+"="+string(text)), os.Stderr
	if p.Name == partAttacker {
		c.Env = append(c.Env, "GOMAXPROCS=1") // the other processors are never its own, not even until it has given way
	}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	answers := make(chan []byte, 1)
	go func() {
		defer close(answers)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			answers <- append([]byte(nil), lines.Bytes()...)
		}
	}()
	return &process{part: p, command: c, in: in, answers: answers}, nil
}

// tell asks something that answer takes the answer of.
func (p *process) tell(word string, about any) error {
	_, err := fmt.Fprintln(p.in, word, about)
	return err
}

// answer waits for the answer to what was told, which takes so long.
func (p *process) answer(takes time.Duration, into any) error {
	select {
	case b, ok := <-p.answers:
		if !ok {
			return fmt.Errorf("the %s has ended", p.Name)
		}
		return json.Unmarshal(b, into)
	case <-time.After(takes + patience):
		return fmt.Errorf("the %s doesn't answer", p.Name)
	}
}

// ask is tell and answer.
func (p *process) ask(word string, about any, into any) error {
	return errors.Join(p.tell(word, about), p.answer(0, into))
}

// end waits until the process has ended.
func (p *process) end() {
	_ = p.in.Close() // its end
	late := time.AfterFunc(10*time.Second, func() { _ = p.command.Process.Kill() })
	defer late.Stop()
	_ = p.command.Wait() // whatever it says now
}
