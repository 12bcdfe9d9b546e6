package remote

import (
	"net"
	"syscall"
	"time"
)

// tcpUserTimeout is the socket option by which Linux bounds how long written
// bytes may stay unacknowledged; without it that is a quarter of an hour.
const tcpUserTimeout = 0x12

func setUserTimeout(c net.Conn, d time.Duration) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return // the connection is over; its first use says so
	}
	_ = raw.Control(func(fd uintptr) {
		// Without the option a dead peer is noticed later, by the write deadline.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(d.Milliseconds()))
	})
}
