package remote_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

const childEnv = "TROUPE_TEST_FEW_DESCRIPTORS"

// TestOutOfDescriptors takes all descriptors of a process whose node listens: the
// node neither ends nor spins, and takes others in as soon as there are some.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		fewDescriptors(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestOutOfDescriptors$", "-test.v")
	child.Env = append(os.Environ(), childEnv+"=1")
	in, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer child.Wait()         //nolint:errcheck // it is killed or has said what it had to
	defer child.Process.Kill() //nolint:errcheck // it may be over
	lines := bufio.NewScanner(out)
	addr := ""
	for addr == "" && lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "listens at %s", &addr)
	}
	require.NotEmpty(t, addr)

	var all []net.Conn
	for range 100 {
		c, err := net.DialTimeout("tcp", addr, wait) // the kernel takes them in, up to its backlog
		require.NoError(t, err)
		all = append(all, c)
	}
	_, err = io.WriteString(in, "full\n")
	require.NoError(t, err)
	var cpu time.Duration
	for cpu == 0 && lines.Scan() {
		var text string
		if n, _ := fmt.Sscanf(lines.Text(), "half a second took %s", &text); n == 1 {
			cpu, err = time.ParseDuration(text)
			require.NoError(t, err)
		}
	}
	require.Less(t, cpu, 250*time.Millisecond, "it must wait, not spin")
	for _, c := range all {
		require.NoError(t, c.Close())
	}
	guest := start(t, remote.Config{})
	there := guest.inbox("there")
	there.pid.Tell(tellIt{guest.sys.RefAt(addr, "/user/answers"), ping{7}})
	there.expect(pong{7})
	require.NoError(t, in.Close())
	for lines.Scan() {
	}
	require.NoError(t, child.Wait())
}

// fewDescriptors is the child: a node that answers, in a process with few
// descriptors to spare.
func fewDescriptors(t *testing.T) {
	n := start(t, remote.Config{HandshakeTimeout: 10 * time.Second})
	_, err := n.sys.Spawn("answers", func() actor.Actor { return echo{} })
	require.NoError(t, err)
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	limit := uint64(len(open) + 12)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit}))
	fmt.Printf("listens at %s\n", n.rem.Addr())
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	require.NoError(t, err)
	before := cpuTime(t)
	<-time.After(500 * time.Millisecond)
	fmt.Printf("half a second took %v\n", cpuTime(t)-before+1)
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent has seen enough
	require.NoError(t, err)
}

func cpuTime(t *testing.T) time.Duration {
	runtime.Gosched()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
