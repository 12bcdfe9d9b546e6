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

// promptly reads and writes a socket without ever waiting. Reading and writing may go on
// at the same time; neither may with itself.
type promptly struct {
	raw               syscall.RawConn
	in, out           []byte
	got, put          int
	readSome, putSome func(fd uintptr) bool
}

// newPromptly returns nil when there is no socket.
func newPromptly(c net.Conn) *promptly {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	p := &promptly{raw: raw}
	p.readSome = func(fd uintptr) bool {
		switch n, err := syscall.Read(int(fd), p.in); {
		case n > 0:
			p.got = n
		case err == syscall.EAGAIN:
			p.got = 0
		} // whatever else it is comes again when somebody waits
		return true
	}
	p.putSome = func(fd uintptr) bool {
		p.put, _ = syscall.Write(int(fd), p.out) // the same
		return true
	}
	return p
}

// read returns how many bytes it has read; 0 when there are none yet, negative when there
// will be none.
func (p *promptly) read(b []byte) int {
	p.in, p.got = b, -1
	_ = p.raw.Read(p.readSome)
	p.in = nil
	return p.got
}

// write returns how many bytes it has written.
func (p *promptly) write(b []byte) int {
	p.out, p.put = b, 0
	_ = p.raw.Write(p.putSome)
	p.out = nil
	return max(p.put, 0)
}
