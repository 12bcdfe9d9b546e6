package httpapi

import (
	"net"

	"golang.org/x/sys/unix"
)

// refuseConnections makes the kernel drop attempts to connect to l, and reports
// whether it does. Those that are under way come to their end, and wait to be
// accepted; a client that begins one tries again a second later.
func refuseConnections(l *net.TCPListener) bool {
	raw, err := l.SyscallConn()
	if err != nil {
		return false
	}
	const flagsAt, syn, ack = 13, 0x02, 0x10 // in a TCP header
	controlled := raw.Control(func(fd uintptr) {
		filter := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flagsAt},
			{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: syn | ack},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jf: 1},
			{Code: unix.BPF_RET | unix.BPF_K, K: 0},       // the first packet of one: nothing of it
			{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16}, // any other: all of it
		}
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	return controlled == nil && err == nil
}
