package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// Node is one process of the cluster.
type Node struct {
	// Name stands before the node's lines.
	Name string
	// Role is what the node does.
	Role string
	// Listen is its address in the cluster, host:port.
	Listen string
	// HTTP is where it serves, host:port; empty when it does not.
	HTTP string
	// Args are the arguments that make the binary this node.
	Args []string
}

// Config is what a launcher needs. Binary, Nodes and Out are required.
type Config struct {
	// Binary is the program that every node runs.
	Binary string
	// Env is the environment of the nodes; nil means that of this process.
	Env []string
	// Nodes are started in this order, all at once.
	Nodes []Node
	// LeaveOrder holds the names of the nodes: those of one row leave together, and a row
	// begins when the one before it has ended. Nodes in no row leave first.
	LeaveOrder [][]string
	// Out takes the lines of all nodes and the launcher's own.
	Out io.Writer
	// Color makes the names colourful.
	Color bool
	// FormWithin is how long the cluster may take to form; 30 s when zero.
	FormWithin time.Duration
	// LeaveWithin is how long all may take to leave before they are killed; 13 s
	// when zero.
	LeaveWithin time.Duration
	// RestartMin and RestartMax bound the wait before a node is started anew; 1 s
	// and 10 s when zero. It doubles each time that the node lasted for less than
	// RestartMax.
	RestartMin, RestartMax time.Duration
	// Members asks the cluster who belongs to it; nil asks the HTTP addresses of
	// the nodes.
	Members func(ctx context.Context) ([]httpapi.Member, error)
	// Formed writes what people need to know once all nodes are Up.
	Formed func(w io.Writer, took time.Duration, members []httpapi.Member)
}

func orTime(d, standard time.Duration) time.Duration {
	if d <= 0 {
		return standard
	}
	return d
}

// Launcher runs the nodes. Make one with [New].
type Launcher struct {
	config Config
	stream *stream
	// fatal gets the reason why going on makes no sense.
	fatal chan error
	// leaving is done when the nodes are to end.
	leaving context.Context
	leave   context.CancelFunc
	nodes   sync.WaitGroup

	mu      sync.Mutex // guards running
	running map[string]*process
}

// New returns a launcher that has started nothing yet.
func New(config Config) *Launcher {
	l := &Launcher{config: config, fatal: make(chan error, len(config.Nodes)+1), running: map[string]*process{}}
	l.stream = &stream{out: config.Out, color: config.Color, width: len(self)}
	for _, n := range config.Nodes {
		l.stream.width = max(l.stream.width, len(n.Name))
	}
	l.leaving, l.leave = context.WithCancel(context.Background())
	return l
}

const self = "launcher"

// say prints a line of the launcher's own.
func (l *Launcher) say(format string, args ...any) {
	l.stream.line(len(l.config.Nodes), self, fmt.Appendf(nil, format, args...))
}

// Run starts the nodes, keeps them running until ctx is done, and makes them
// leave. It returns nil when all of them left, and otherwise why not.
func (l *Launcher) Run(ctx context.Context) error {
	began := time.Now()
	for i, n := range l.config.Nodes {
		l.nodes.Go(func() { l.supervise(i, n) })
	}
	formed := make(chan struct{})
	go func() {
		defer close(formed)
		l.awaitFormed(ctx, began)
	}()
	var failed error
	select {
	case <-ctx.Done():
		l.say("leaving: the nodes go one after the other")
	case failed = <-l.fatal:
		l.say("%v", failed)
		l.say("the other nodes leave")
	}
	err := l.stop()
	<-formed
	if err == nil {
		l.say("all nodes have ended")
	}
	return errors.Join(failed, err)
}

// supervise runs one node again and again.
func (l *Launcher) supervise(i int, n Node) {
	pause := orTime(l.config.RestartMin, time.Second)
	most := orTime(l.config.RestartMax, 10*time.Second)
	for {
		p := l.start(i, n)
		if p == nil {
			return
		}
		<-p.ended
		l.mu.Lock()
		delete(l.running, n.Name)
		l.mu.Unlock()
		if l.leaving.Err() != nil {
			return
		}
		switch p.code {
		case ExitLeft:
			l.say("%s has left the cluster and stays away", n.Name)
			return
		case ExitConfig:
			l.fatal <- fmt.Errorf("%s could not run: %s", n.Name, p.out.lastLine())
			return
		}
		if time.Since(p.started) > most {
			pause = orTime(l.config.RestartMin, time.Second)
		}
		if p.code == ExitDowned {
			l.say("%s was removed from the cluster (exit code %d); it is started anew in %v", n.Name, p.code, pause)
		} else {
			l.say("%s ended by itself (%s); it is started anew in %v", n.Name, p.how, pause)
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-l.leaving.Done():
			wait.Stop()
			return
		}
		pause = min(2*pause, most)
	}
}

// start starts a node unless all are leaving.
func (l *Launcher) start(i int, n Node) *process {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaving.Err() != nil {
		return nil
	}
	p, err := startProcess(l.config.Binary, n.Args, l.config.Env, &prefixer{stream: l.stream, index: i, name: n.Name})
	if err != nil {
		l.fatal <- err
		return nil
	}
	l.running[n.Name] = p
	return p
}

// stop makes the nodes leave, row by row.
func (l *Launcher) stop() error {
	l.mu.Lock()
	l.leave()
	running := make(map[string]*process, len(l.running))
	for name, p := range l.running {
		running[name] = p
	}
	l.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), orTime(l.config.LeaveWithin, 13*time.Second))
	defer cancel()
	var errs []error
	for _, row := range l.rows() {
		for _, name := range row {
			if p := running[name]; p != nil {
				p.askToLeave()
			}
		}
		for _, name := range row {
			if p := running[name]; p != nil {
				errs = append(errs, l.awaitLeft(ctx, name, p))
			}
		}
	}
	l.nodes.Wait()
	return errors.Join(errs...)
}

// awaitLeft waits for the end of a node that was asked to leave.
func (l *Launcher) awaitLeft(ctx context.Context, name string, p *process) error {
	select {
	case <-p.ended:
	case <-ctx.Done():
		select {
		case <-p.ended: // while another of its row was waited for
		default:
			p.kill()
			<-p.ended
			return fmt.Errorf("%s did not leave in time and was killed", name)
		}
	}
	if p.code != ExitLeft {
		return fmt.Errorf("%s did not leave in order: %s", name, p.how)
	}
	return nil
}

// rows returns the order of leaving, complete.
func (l *Launcher) rows() [][]string {
	var first []string
	for _, n := range l.config.Nodes {
		if !slices.ContainsFunc(l.config.LeaveOrder, func(row []string) bool { return slices.Contains(row, n.Name) }) {
			first = append(first, n.Name)
		}
	}
	return append([][]string{first}, l.config.LeaveOrder...)
}

// awaitFormed waits until every node is Up in the eyes of all that can be asked.
func (l *Launcher) awaitFormed(ctx context.Context, began time.Time) {
	ctx, cancel := context.WithTimeout(ctx, orTime(l.config.FormWithin, 30*time.Second))
	defer cancel()
	ask := l.config.Members
	if ask == nil {
		ask = l.askNodes
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		members, err := ask(ctx)
		missing := l.missing(members)
		if err == nil && len(missing) == 0 {
			var b strings.Builder
			if l.config.Formed != nil {
				l.config.Formed(&b, time.Since(began), members)
				l.stream.text(b.String())
			}
			return
		}
		select {
		case <-ticker.C:
		case <-l.leaving.Done():
			return
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				l.fatal <- fmt.Errorf("the cluster did not form within %v: not Up: %s (%w)", orTime(l.config.FormWithin, 30*time.Second), strings.Join(missing, ", "), errors.Join(err, ctx.Err()))
			}
			return
		}
	}
}

// missing returns the names of the nodes that aren't Up.
func (l *Launcher) missing(members []httpapi.Member) []string {
	var names []string
	for _, n := range l.config.Nodes {
		if !slices.ContainsFunc(members, func(m httpapi.Member) bool { return m.Address == n.Listen && m.Status == "up" && m.Reachable }) {
			names = append(names, n.Name)
		}
	}
	return names
}
