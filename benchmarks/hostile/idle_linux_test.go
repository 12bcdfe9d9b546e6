package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheAttackerGivesWay looks at every thread of an attacker that has attacked.
func TestTheAttackerGivesWay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nobody dials any more
	p, err := launch(part{Name: partAttacker, Addrs: []string{l.Addr().String()}, Attack: "R"})
	require.NoError(t, err)
	defer p.end()
	var m made
	require.NoError(t, p.ask("attack", "200ms", &m))
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.command.Process.Pid))
	require.NoError(t, err)
	require.Greater(t, len(threads), 1)
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		require.NoError(t, err)
		policy, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETSCHEDULER, uintptr(id), 0, 0)
		if errno == syscall.ESRCH {
			continue // it has ended
		}
		require.EqualValues(t, schedIdle, policy)
	}
}
