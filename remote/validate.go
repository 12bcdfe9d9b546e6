package remote

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	clusterMax = 255 // bytes of the name of a cluster
	labelMax   = 63  // bytes between two dots of a host name
)

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	return errors.Join(c.checkSigns(), c.checkSizes(), c.checkAddresses(), c.checkStrangers())
}

// checkSigns says which settings are negative that must not be.
func (c Config) checkSigns() error {
	var wrong []error
	for _, s := range []struct {
		name  string
		value int
	}{
		{"FrameMax", c.FrameMax}, {"LargeBufferMax", c.LargeBufferMax}, {"OrdinaryLanes", c.OrdinaryLanes},
		{"Protocol", c.Protocol}, {"BufferMax", c.BufferMax}, {"ControlBufferMax", c.ControlBufferMax},
	} {
		if s.value < 0 {
			wrong = append(wrong, fmt.Errorf("%s %d: must not be negative; 0 is the default", s.name, s.value))
		}
	}
	for _, s := range []struct {
		name  string
		value time.Duration
	}{
		{"KeysEvery", c.KeysEvery}, {"HandshakeTimeout", c.HandshakeTimeout}, {"FrameTimeout", c.FrameTimeout},
		{"DeliverBy", c.DeliverBy}, {"GiveUpAfter", c.GiveUpAfter}, {"ReconnectMax", c.ReconnectMax},
		{"StreamTimeout", c.StreamTimeout}, {"IdleAfter", c.IdleAfter}, {"ForgetAfter", c.ForgetAfter},
		{"Heartbeat", c.Heartbeat}, {"AcceptablePause", c.AcceptablePause}, {"FlushTimeout", c.FlushTimeout},
	} {
		if s.value < 0 {
			wrong = append(wrong, fmt.Errorf("%s %v: must not be negative; 0 is the default", s.name, s.value))
		}
	}
	return errors.Join(wrong...)
}

// checkSizes says which sizes are out of bounds, or contradict each other.
func (c Config) checkSizes() error {
	if c.FrameMax > 0 && c.FrameMax < frameMaxGreet || c.FrameMax > 1<<30 {
		return fmt.Errorf("FrameMax %d: must be from %d to %d bytes", c.FrameMax, frameMaxGreet, 1<<30)
	}
	if c.OrdinaryLanes > ordinaryMax {
		return fmt.Errorf("OrdinaryLanes %d: must be from 1 to %d", c.OrdinaryLanes, ordinaryMax)
	}
	if c.Protocol > 0 && (c.Protocol < protocolOldest || c.Protocol > protocolVersion) {
		return fmt.Errorf("Protocol %d: this release speaks versions %d to %d", c.Protocol, protocolOldest, protocolVersion)
	}
	if c.largeMax() > largeMaxMax || c.largeMax() > c.largeBufferMax() {
		return fmt.Errorf("LargeMax %d: at most %d bytes, and no more than LargeBufferMax (%d)", c.LargeMax, largeMaxMax, c.largeBufferMax())
	}
	if c.LargeMax < 0 && (c.LargeBufferMax > 0 || len(c.LargeTo) > 0) {
		return fmt.Errorf("LargeMax %d switches the connection for large messages off, and LargeBufferMax or LargeTo wants one", c.LargeMax)
	}
	if err := checkPatterns(c.LargeTo); err != nil {
		return fmt.Errorf("LargeTo: %w", err)
	}
	if c.frameMax() > c.bufferMax()/c.lanes() || c.frameMax() > c.controlBufferMax() {
		return fmt.Errorf("FrameMax %d does not fit into the buffers of %d and %d bytes; raise BufferMax, which all ordinary lanes share, and ControlBufferMax",
			c.frameMax(), c.bufferMax()/c.lanes(), c.controlBufferMax())
	}
	return nil
}

// checkStrangers says what is wrong with what keeps strangers out.
func (c Config) checkStrangers() error {
	if !plain(c.Cluster, clusterMax) {
		return fmt.Errorf("Cluster %.40q: at most %d visible ASCII characters", c.Cluster, clusterMax)
	}
	if v := reflect.ValueOf(c.Transport); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("Transport is a nil %T; leave it out for the default", c.Transport)
	}
	tcp, _ := c.Transport.(*TCP)
	if tcp != nil {
		if err := tcp.validate(); err != nil {
			return err
		}
	}
	if c.Keys != nil && (c.Transport == nil || tcp != nil && tcp.TLS == nil) {
		return errors.New("Keys without TLS: give the Transport a TCP whose TLS is what the method TLS of the Keys returns")
	}
	if err := checkSecrets(c.Secrets); err != nil {
		return err
	}
	if err := c.Access.check(len(c.Secrets)); err != nil {
		return fmt.Errorf("Access: %w", err)
	}
	return nil
}

// checkAddresses says what is wrong with the addresses.
func (c Config) checkAddresses() error {
	if c.Listen != "" {
		if _, _, err := splitAddress(c.Listen); err != nil {
			return fmt.Errorf("Listen: %w", err)
		}
	}
	if c.Advertise != "" {
		if err := dialable(c.Advertise); err != nil {
			return fmt.Errorf("Advertise: %w", err)
		}
	}
	return nil
}

func splitAddress(addr string) (host, port string, err error) {
	if host, port, err = net.SplitHostPort(addr); err != nil {
		return "", "", fmt.Errorf("address %.100q: %w; write host:port", addr, err)
	}
	if !plain(addr, addrMax) {
		return "", "", fmt.Errorf("address %.100q: at most %d visible ASCII characters; write other host names in their ASCII form", addr, addrMax)
	}
	return host, port, nil
}

// dialable says why nobody can dial an address by which a node is to be known.
func dialable(addr string) error {
	host, port, err := splitAddress(addr)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' || port[0] == '+' {
		return fmt.Errorf("address %q: nobody can dial port %q; write a number from 1 to 65535", addr, port)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return checkHostName(addr, host)
	}
	why := ""
	switch {
	case ip.Unmap().IsUnspecified():
		why = "stands for all interfaces of whoever dials it"
	case ip.IsMulticast(), ip.Unmap() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		why = "is of many machines"
	case ip.Zone() != "":
		why = "has a zone, which means something on this machine only"
	}
	if why != "" {
		return fmt.Errorf("address %q: %s %s; write the address by which the other nodes reach this one", addr, host, why)
	}
	return nil
}

// checkHostName says why a host can't be looked up.
func checkHostName(addr, host string) error {
	bad := func(why string) error {
		return fmt.Errorf("address %q: the host %q %s; write the one by which the other nodes reach this one", addr, host, why)
	}
	if host == "" {
		return bad("is empty")
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > labelMax || strings.ContainsFunc(label, func(r rune) bool { return !isHostRune(r) }) {
			return bad("is no host name")
		}
	}
	if !strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' }) {
		return bad("looks like an IP address and is none")
	}
	return nil
}

func isHostRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}
