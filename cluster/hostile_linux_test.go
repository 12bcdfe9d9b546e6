package cluster_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// fewEnv tells a process of this test that it is the node with few descriptors, and
// through whom to join.
const fewEnv = "TROUPE_TEST_FEW_DESCRIPTORS_OF"

// poor is a node of a live cluster in a process of its own, whose descriptors somebody
// takes.
type poor struct {
	t     *testing.T
	child *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
}

// reads reads lines until one fits.
func (p *poor) reads(format string, value any) {
	p.t.Helper()
	for p.out.Scan() {
		if n, _ := fmt.Sscanf(p.out.Text(), format, value); n == 1 {
			return
		}
	}
	require.FailNow(p.t, "the node with few descriptors has ended", "%v, it should have said %q", p.out.Err(), format)
}

func (p *poor) tell(word string) {
	p.t.Helper()
	_, err := io.WriteString(p.in, word+"\n")
	require.NoError(p.t, err)
}

// TestOutOfDescriptorsInACluster takes all descriptors of one node of a live cluster:
// it neither ends nor spins, goes on answering and stays a member, and takes others in
// as soon as there are some.
func TestOutOfDescriptorsInACluster(t *testing.T) {
	if seed := os.Getenv(fewEnv); seed != "" {
		fewDescriptors(t, seed)
		return
	}
	p := &poor{t: t}
	t.Cleanup(func() { // after the others have ended
		if p.child != nil {
			_ = p.child.Process.Kill()
			_ = p.child.Wait()
		}
	})
	v := newVictim(t, remote.Config{})
	child := exec.Command(os.Args[0], "-test.run=^TestOutOfDescriptorsInACluster$", "-test.v")
	child.Env = append(os.Environ(), fewEnv+"="+v.target)
	in, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	p.child, p.in, p.out = child, in, bufio.NewScanner(out)
	addr := ""
	p.reads("listens at %s", &addr)
	members := func(n int) {
		t.Helper()
		for _, node := range v.nodes {
			node.until(fmt.Sprint(n, " members"), 20*time.Second, func(view membership.View) bool {
				return len(view.Members()) == n && len(view.Unreachable()) == 0
			})
		}
	}
	members(4)
	for _, n := range v.nodes {
		v.requireAnswer(n.sys, addr)
		v.done.Go(func() { v.load(n, &node{addr: addr}) })
	}
	p.tell("limit")
	left := 0
	p.reads("descriptors left: %d", &left)
	var taken []net.Conn
	for range 10 * left {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(hostileHost)}, Timeout: 20 * time.Second}
		c, err := d.Dial("tcp", addr) // the kernel takes them in, up to its backlog
		require.NoError(t, err)
		taken = append(taken, c)
	}
	p.tell("measure")
	var busy float64
	p.reads("busy: %g", &busy)
	require.Less(t, busy, 0.5, "it must wait, not spin")
	v.requireAnswer(v.nodes[1].sys, addr)
	members(4)
	for _, c := range taken {
		require.NoError(t, c.Close())
	}
	v.open([]string{addr})
	members(5)
	v.requireAnswers()
}

// fewDescriptors is the child: a node that answers, in a process with few descriptors
// to spare.
func fewDescriptors(t *testing.T, seed string) {
	v := &victim{t: t, config: func() remote.Config { return remote.Config{} }, log: &lines{}}
	n := v.open([]string{seed})
	words := bufio.NewScanner(os.Stdin)
	hears := func(word string) { require.True(t, words.Scan() && strings.TrimSpace(words.Text()) == word, word) }
	fmt.Printf("listens at %s\n", n.addr)
	hears("limit")
	const left = 12
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	limit := uint64(len(open) + left)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit}))
	fmt.Printf("descriptors left: %d\n", left)
	hears("measure")
	v.until("there is none left", func() bool {
		f, err := os.Open("/dev/null")
		if err == nil {
			require.NoError(t, f.Close())
		}
		return errors.Is(err, syscall.EMFILE)
	})
	before, began := cpuTime(t), time.Now()
	<-time.After(500 * time.Millisecond)
	fmt.Printf("busy: %g\n", (cpuTime(t)-before).Seconds()/time.Since(began).Seconds())
	hears("end") // that doesn't come: it is killed
}

func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
