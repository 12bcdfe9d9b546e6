//go:build unix

package httpapi

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// takeRest accepts what waits and closes the listener to more, one right after the
// other. The package net can't tell whether anything waits.
func takeRest(l *net.TCPListener) (rest []net.Conn) {
	raw, err := l.SyscallConn()
	if err != nil {
		return nil
	}
	taken := make([]int, 0, 1024)
	err = raw.Control(func(fd uintptr) {
		for {
			c, _, err := syscall.Accept(int(fd))
			if err == nil {
				taken = append(taken, c)
			} else if !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ECONNABORTED) {
				break
			}
		}
		_ = syscall.Shutdown(int(fd), syscall.SHUT_RD) // where it can't be done, Close follows soon
	})
	if err != nil {
		return nil
	}
	for _, fd := range taken {
		syscall.CloseOnExec(fd)
		f := os.NewFile(uintptr(fd), "connection")
		if c, err := net.FileConn(f); err == nil {
			rest = append(rest, c)
		}
		_ = f.Close() // the connection has a copy
	}
	return rest
}
