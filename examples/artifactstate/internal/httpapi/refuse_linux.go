package httpapi

import (
	"net"
	"syscall"
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
		err = syscall.AttachLsf(int(fd), []syscall.SockFilter{
			*syscall.LsfStmt(syscall.BPF_LD|syscall.BPF_B|syscall.BPF_ABS, flagsAt),
			*syscall.LsfStmt(syscall.BPF_ALU|syscall.BPF_AND|syscall.BPF_K, syn|ack),
			*syscall.LsfJump(syscall.BPF_JMP|syscall.BPF_JEQ|syscall.BPF_K, syn, 0, 1),
			*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 0),     // the first packet of one: nothing of it
			*syscall.LsfStmt(syscall.BPF_RET|syscall.BPF_K, 1<<16), // any other: all of it
		})
	})
	return controlled == nil && err == nil
}
