//go:build !linux

package httpapi

import "net"

// refuseConnections is for Linux alone. Elsewhere those connections are lost
// that are made in the moment in which the listener is closed.
func refuseConnections(*net.TCPListener) bool { return false }
