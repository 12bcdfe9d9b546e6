//go:build !linux

package remote

import (
	"net"
	"time"
)

// setUserTimeout has no portable form; the write deadline has to do.
func setUserTimeout(net.Conn, time.Duration) {}
