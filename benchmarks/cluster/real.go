package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// report is one line of a process.
type report struct {
	from  int
	word  string
	at    time.Time
	about string
}

// processes is a cluster of real processes on this machine.
type processes struct {
	commands []*exec.Cmd
	inputs   []io.WriteCloser
	addrs    []string
	reports  chan report
}

// patience is how long a step of a real cluster may take.
const patience = time.Minute

// launch starts n processes, of which the first three are seeds.
func launch(n int) (*processes, error) {
	p := &processes{reports: make(chan report, 1<<16)}
	var err error
	if p.addrs, err = freeAddrs(n); err != nil {
		return nil, err
	}
	for i := range n {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), nodeEnv+"="+p.addrs[i], seedsEnv+"="+strings.Join(p.addrs[:min(n, 3)], ","))
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		p.commands, p.inputs = append(p.commands, cmd), append(p.inputs, in)
		go p.read(i, out)
	}
	return p, nil
}

// freeAddrs returns addresses that nobody listens at.
func freeAddrs(n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that none is given twice
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

func (p *processes) read(from int, out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		nanos, about, _ := strings.Cut(rest, " ")
		at, err := strconv.ParseInt(nanos, 10, 64)
		if err == nil {
			p.reports <- report{from, word, time.Unix(0, at), about}
		}
	}
}

// wait takes reports until each of so many processes has sent one that fits,
// and returns the latest of the first of each.
func (p *processes) wait(what string, count int, fits func(report) bool) (time.Time, error) {
	var last time.Time
	had := map[int]bool{}
	deadline := time.After(patience)
	for len(had) < count {
		select {
		case r := <-p.reports:
			if fits(r) && !had[r.from] {
				had[r.from] = true
				if r.at.After(last) {
					last = r.at
				}
			}
		case <-deadline:
			return last, fmt.Errorf("%s: %d of %d processes after %v", what, len(had), count, patience)
		}
	}
	return last, nil
}

// formation returns the time from the start of the last process until every
// process has seen all of them Up.
func (p *processes) formation() (time.Duration, error) {
	n := len(p.addrs)
	var started time.Time
	up := fmt.Sprint(n)
	last, err := p.wait("formation", n, func(r report) bool {
		if r.word == "started" && r.at.After(started) {
			started = r.at
		}
		return r.word == "up" && r.about == up
	})
	return last.Sub(started), err
}

// crash kills one process and returns how long it took until all others knew.
func (p *processes) crash(i int) (time.Duration, error) {
	began := time.Now()
	if err := p.commands[i].Process.Kill(); err != nil {
		return 0, err
	}
	last, err := p.wait("crash", len(p.addrs)-1, func(r report) bool { return r.word == "lost" && r.about == p.addrs[i] })
	return last.Sub(began), err
}

// cpu returns the processor time that all have used.
func (p *processes) cpu() (time.Duration, error) {
	for _, in := range p.inputs {
		if _, err := io.WriteString(in, "cpu\n"); err != nil {
			return 0, err
		}
	}
	var sum time.Duration
	had := map[int]bool{}
	_, err := p.wait("cpu", len(p.inputs), func(r report) bool {
		if r.word != "cpu" || had[r.from] {
			return false
		}
		had[r.from] = true
		nanos, _ := strconv.ParseInt(r.about, 10, 64)
		sum += time.Duration(nanos)
		return true
	})
	return sum, err
}

// idleCPU returns what share of one processor a node needs while nothing happens.
func (p *processes) idleCPU(span time.Duration) (float64, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	time.Sleep(span)
	after, err := p.cpu()
	return (after - before).Seconds() / span.Seconds() / float64(len(p.addrs)), err
}

func (p *processes) end() {
	for i, cmd := range p.commands {
		_ = p.inputs[i].Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
