package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// childVar makes this test binary be the program itself, so that there is
// nothing to build first and the race detector comes along when it is on.
const childVar = "ARTIFACTSTATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// journal gathers the output of a process and wakes those who wait for a text.
type journal struct {
	mu      sync.Mutex // guards what follows
	b       bytes.Buffer
	changed chan struct{}
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.changed)
	j.changed = make(chan struct{})
	return j.b.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// await waits until the output matches times times and returns the matches.
func (j *journal) await(t *testing.T, within time.Duration, pattern string, times int) [][]string {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	re := regexp.MustCompile(pattern)
	for {
		j.mu.Lock()
		changed, text := j.changed, j.b.String()
		j.mu.Unlock()
		if found := re.FindAllStringSubmatch(text, -1); len(found) >= times {
			return found
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("%q did not come %d times within %v", pattern, times, within)
		}
	}
}

// process is one process of the program.
type process struct {
	name   string
	args   []string
	listen string
	cmd    *exec.Cmd
	out    *journal
	ended  chan struct{}
}

// spawn starts the program with args. What it wrote is shown when the test fails.
func spawn(t *testing.T, name string, args ...string) *process {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	p := &process{name: name, args: args, cmd: exec.Command(binary, args...), out: &journal{changed: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVar+"=1", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.WaitDelay = 5 * time.Second
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		p.signal(syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			t.Logf("what %s wrote:\n%s", name, p.out)
		}
	})
	return p
}

// signal sends a signal; that the process has ended is no error.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill is kill -9, and waits until the process is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// awaitExit waits for the end and checks the exit code.
func (p *process) awaitExit(t *testing.T, within time.Duration, code int) {
	t.Helper()
	select {
	case <-p.ended:
		require.Equal(t, code, p.cmd.ProcessState.ExitCode(), "exit code of %s", p.name)
	case <-time.After(within):
		t.Fatalf("%s did not end within %v", p.name, within)
	}
}

// places are the addresses of a cluster of five.
type places struct {
	listen, http []string
	data         string
}

// newPlaces finds free ports below those that the system gives to connections.
func newPlaces(t *testing.T) places {
	t.Helper()
	p := places{data: filepath.Join(t.TempDir(), "artifactstate.db")}
	for port := 20_000 + rand.IntN(10_000); len(p.http) < 2; port++ {
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		if len(p.listen) < 5 {
			p.listen = append(p.listen, addr)
		} else {
			p.http = append(p.http, addr)
		}
	}
	return p
}

func (p places) targets() []string { return []string{"http://" + p.http[0], "http://" + p.http[1]} }

// flags are those of the launcher.
func (p places) flags(more ...string) []string {
	return append([]string{"-listen", strings.Join(p.listen, ","), "-http", strings.Join(p.http, ","), "-data", p.data}, more...)
}

// five is a cluster of five processes without a launcher.
type five struct {
	places
	nodes [5]*process // three entity nodes, two endpoints
}

func (f *five) start(t *testing.T, i int) {
	t.Helper()
	name, role, args := fmt.Sprintf("entity-%d", i+1), roleEntity, []string{"-data", f.data}
	if i >= 3 {
		name, role, args = fmt.Sprintf("endpoint-%d", i-2), roleEndpoint, []string{"-http", f.http[i-3]}
	}
	args = append([]string{"-node", role, "-name", name, "-listen", f.listen[i], "-seeds", strings.Join(f.listen[:3], ",")}, args...)
	f.nodes[i] = spawn(t, name, args...)
	f.nodes[i].listen = f.listen[i]
}

func startFive(t *testing.T) *five {
	t.Helper()
	f := &five{places: newPlaces(t)}
	for i := range f.nodes {
		f.start(t, i)
	}
	for i := range f.http {
		f.awaitUp(t, i, f.listen...)
	}
	return f
}

// members asks an endpoint who is there.
func (p places) members(endpoint int) ([]httpapi.Member, error) {
	client := http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	var members []httpapi.Member
	for _, path := range []string{"/ready", "/members"} {
		resp, err := client.Get("http://" + p.http[endpoint] + path)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s: %s (%w)", path, resp.Status, body, err)
		}
		if path == "/members" {
			if err := json.Unmarshal(body, &members); err != nil {
				return nil, err
			}
		}
	}
	return members, nil
}

// until asks again and again until nothing is missing.
func until(t *testing.T, within time.Duration, what string, missing func() error) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := missing()
		if err == nil {
			return time.Since(began)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("not within %v: %s: %v", within, what, err)
		}
	}
}

// awaitUp waits until an endpoint is ready and sees exactly these members, Up.
func (p places) awaitUp(t *testing.T, endpoint int, addresses ...string) time.Duration {
	t.Helper()
	return until(t, 30*time.Second, "all Up", func() error {
		members, err := p.members(endpoint)
		if err != nil {
			return err
		}
		up := map[string]bool{}
		for _, m := range members {
			if m.Status != "up" || !m.Reachable {
				return fmt.Errorf("members: %+v", members)
			}
			up[m.Address] = true
		}
		for _, a := range addresses {
			if !up[a] {
				return fmt.Errorf("members: %+v", members)
			}
		}
		if len(members) != len(addresses) {
			return fmt.Errorf("members: %+v", members)
		}
		return nil
	})
}
