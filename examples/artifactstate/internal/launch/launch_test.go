package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// childVar makes this test binary behave like a node.
const childVar = "LAUNCH_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) == "" {
		os.Exit(m.Run())
	}
	os.Exit(child(os.Args[1], os.Args[2]))
}

// child plays one part; a file may hold what it remembers of its earlier lives.
func child(part, file string) int {
	fmt.Println("started as", part)
	switch part {
	case "wrong":
		fmt.Fprintln(os.Stderr, "the port is painted green")
		return ExitConfig
	case "left":
		return ExitLeft
	case "downed", "crashing":
		if _, err := os.Stat(file); err != nil {
			_ = os.WriteFile(file, nil, 0o600)
			return map[string]int{"downed": ExitDowned, "crashing": 2}[part]
		}
	case "stubborn":
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println("hears nothing")
		time.Sleep(time.Minute)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	fmt.Print("bye, without a line's end")
	return ExitLeft
}

// output gathers what a launcher writes and wakes those who wait for a text.
type output struct {
	mu      sync.Mutex // guards what follows
	b       bytes.Buffer
	changed chan struct{}
}

func newOutput() *output { return &output{changed: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until text was written so many times.
func (o *output) await(t *testing.T, text string, times int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		changed, count := o.changed, strings.Count(o.b.String(), text)
		o.mu.Unlock()
		if count >= times {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%q was not written %d times:\n%s", text, times, o)
		}
	}
}

// cast is a launcher of nodes that play the parts; node i is called like its part.
func cast(t *testing.T, out io.Writer, parts ...string) Config {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	c := Config{
		Binary: binary, Env: append(os.Environ(), childVar+"=1", "GORACE=atexit_sleep_ms=0"), Out: out,
		RestartMin: time.Millisecond, RestartMax: 4 * time.Millisecond,
		Members: func(context.Context) ([]httpapi.Member, error) { return nil, nil },
	}
	for i, part := range parts {
		c.Nodes = append(c.Nodes, Node{Name: part, Listen: fmt.Sprint(i), Args: []string{part, filepath.Join(t.TempDir(), "seen")}})
	}
	return c
}

func up(c Config) func(context.Context) ([]httpapi.Member, error) {
	return func(context.Context) ([]httpapi.Member, error) {
		var members []httpapi.Member
		for _, n := range c.Nodes {
			members = append(members, httpapi.Member{Address: n.Listen, Status: "up", Reachable: true})
		}
		return members, nil
	}
}

func TestAllLeaveInOrder(t *testing.T) {
	out := newOutput()
	c := cast(t, out, "e1", "e2", "front")
	c.LeaveOrder = [][]string{{"e2"}, {"e1"}}
	c.Members = up(c)
	c.Formed = func(w io.Writer, _ time.Duration, members []httpapi.Member) {
		require.NoError(t, WriteTable(w, c.Nodes, members))
		fmt.Fprintln(w, "FORMED")
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(c).Run(ctx) }()
	out.await(t, "started as", 3)
	out.await(t, "FORMED", 1)
	cancel()
	require.NoError(t, <-done)
	text := out.String()
	front, e2, e1 := strings.Index(text, "front    │ bye"), strings.Index(text, "e2       │ bye"), strings.Index(text, "e1       │ bye")
	require.True(t, front > 0 && front < e2 && e2 < e1, text)
	for line := range strings.Lines(text) {
		require.True(t, strings.Contains(line, " │ ") || strings.HasPrefix(line, "  ") || line == "FORMED\n", line)
		require.True(t, strings.HasSuffix(line, "\n"))
	}
}

func TestANodeThatEndsIsStartedAnew(t *testing.T) {
	for part, says := range map[string]string{
		"downed":   "downed was removed from the cluster (exit code 3); it is started anew in 1ms",
		"crashing": "crashing ended by itself (exit status 2); it is started anew in 1ms",
	} {
		t.Run(part, func(t *testing.T) {
			out := newOutput()
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- New(cast(t, out, part)).Run(ctx) }()
			out.await(t, "started as "+part, 2)
			cancel()
			require.NoError(t, <-done)
			require.Contains(t, out.String(), says)
		})
	}
}

func TestANodeThatLeftStaysAway(t *testing.T) {
	out := newOutput()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(cast(t, out, "left")).Run(ctx) }()
	out.await(t, "left has left the cluster and stays away", 1)
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 1, strings.Count(out.String(), "started as"))
}

func TestANodeThatIsSetUpWronglyEndsAll(t *testing.T) {
	out := newOutput()
	err := New(cast(t, out, "wrong", "other")).Run(context.Background())
	require.ErrorContains(t, err, "wrong could not run: the port is painted green")
	require.Contains(t, out.String(), "other    │ bye")
}

func TestANodeThatDoesNotLeaveIsKilled(t *testing.T) {
	out := newOutput()
	c := cast(t, out, "stubborn", "other")
	c.LeaveWithin = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- New(c).Run(ctx) }()
	out.await(t, "started as", 2)
	cancel()
	err := <-done
	require.ErrorContains(t, err, "stubborn did not leave in time and was killed")
	require.NotContains(t, err.Error(), "other")
}

func TestAClusterThatDoesNotForm(t *testing.T) {
	out := newOutput()
	c := cast(t, out, "one", "two")
	c.FormWithin = 100 * time.Millisecond
	c.Members = func(context.Context) ([]httpapi.Member, error) {
		return []httpapi.Member{{Address: "0", Status: "up", Reachable: true}, {Address: "1", Status: "joining", Reachable: true}}, errors.New("and something else")
	}
	err := New(c).Run(context.Background())
	require.ErrorContains(t, err, "not Up: two (and something else")
}

func TestABinaryThatIsNotThere(t *testing.T) {
	c := cast(t, newOutput(), "one")
	c.Binary = filepath.Join(t.TempDir(), "nothing")
	require.ErrorContains(t, New(c).Run(context.Background()), "start one")
}

func TestPrefixerMakesWholeLines(t *testing.T) {
	out := newOutput()
	s := &stream{out: out, width: 3}
	p := &prefixer{stream: s, name: "n"}
	for _, piece := range []string{"a", "b\r\nc", "\n\n", "d"} {
		n, err := p.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	p.flush()
	p.flush()
	require.Equal(t, "n   │ ab\nn   │ c\nn   │ \nn   │ d\n", out.String())
	require.Equal(t, "d", p.lastLine())

	_, _ = p.Write(bytes.Repeat([]byte("x"), lineMax+10))
	p.flush()
	require.Equal(t, 6, strings.Count(out.String(), "\n"), "a line without an end is cut")
}

func TestChecks(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	err = CheckListen(addr, "-listen")
	require.ErrorContains(t, err, "port taken")
	require.ErrorContains(t, err, addr)
	require.ErrorContains(t, err, "-listen")
	require.NoError(t, l.Close())
	require.NoError(t, CheckListen(addr, "-listen"))
	require.ErrorContains(t, CheckListen("nowhere", "-http"), "-http")

	dir := t.TempDir()
	path := filepath.Join(dir, "sub", "x.db")
	require.NoError(t, CheckFile(path, "-data"))
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left behind")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, CheckFile(path, "-data"))
	require.ErrorContains(t, CheckFile(filepath.Join(path, "y.db"), "-data"), "choose another file with -data")
	require.ErrorContains(t, CheckFile(dir, "-data"), "no regular file")
}
