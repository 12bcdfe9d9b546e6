package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/cluster/downing"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/remote"
)

// Config is what a node joins a cluster with. The zero value makes a cluster of
// one node on the loopback interface.
type Config struct {
	// Name is the name of the cluster; nodes with different names never get
	// together. Default: the name of the actor system.
	Name string
	// Listen and Advertise are the addresses to take connections at and to be
	// known by; see [remote.Config]. They count before those in Remote.
	Listen, Advertise string
	// Seeds are the addresses to join through, written as the nodes advertise
	// them. Every node lists the same ones in the same order; only the first
	// of them ever forms a cluster. More seeds make joining and restarting
	// safer, best is to list all nodes whose addresses are fixed. Default: this
	// node alone, which forms a cluster at once.
	Seeds []string
	// JoinLater makes the node wait for [Cluster.Join] instead of joining
	// through Seeds.
	JoinLater bool
	// Roles say what this node is for: at most 32 of at most 64 bytes.
	Roles []string
	// AppVersion is the version of the application on this node, as in "1.4.2":
	// during a rolling update new shards go to the newest. Default: none. See
	// [membership.CompareVersions].
	AppVersion string
	// Downing decides who survives when nodes can't reach each other. All nodes
	// must have the same. Default: [downing.KeepMajority] with its defaults.
	Downing downing.Strategy
	// Lease is for [downing.LeaseMajority] only.
	Lease Lease

	// Heartbeat says how dead nodes are found.
	Heartbeat Heartbeat
	// Membership has the finer settings of the protocol. Self, Cluster, Roles,
	// AppVersion, Seeds and Rand are filled in.
	Membership membership.Config
	// Remote has the finer settings of remoting, its transport among them.
	// Cluster and IgnoreFailures are filled in.
	Remote remote.Config
}

// Heartbeat says how dead nodes are found. The zero value finds a crash about
// four seconds after it.
type Heartbeat struct {
	// Every is the time between two heartbeats to a node. Default 500 ms.
	// Raised, crashes are found later; lowered, more traffic.
	Every time.Duration
	// AcceptablePause is the silence granted beyond the usual rhythm. Default
	// 3 s. Raised, crashes are found later by as much; lowered, pauses of a
	// process or the network are taken for crashes. A node whose own timers
	// run late grants up to four times as much.
	AcceptablePause time.Duration
	// Threshold is the level of suspicion from which on a node is unreachable.
	// Default 8, one error in a hundred million if the past is a guide. 12
	// suits noisy machines.
	Threshold float64
	// ReapEvery is how often silence is looked for. Default 250 ms. Raised,
	// crashes are found later by up to as much.
	ReapEvery time.Duration
	// FirstAnswer is how long a node that was never heard may take before its
	// silence begins to count. Default 1 s.
	FirstAnswer time.Duration
	// Fixed replaces the detector that learns the rhythm of each node by a plain
	// one: a node is unreachable when nothing was heard of it for Every and
	// AcceptablePause together. Threshold has no meaning then. Default false.
	// Set, crashes are found after the same time on every network.
	Fixed bool
	// MonitoredBy is how many members watch each member. Default 9. Raised,
	// more traffic; lowered, a partition is noticed in fewer places.
	MonitoredBy int
}

func orDefault[T int | float64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

func (h Heartbeat) withDefaults() Heartbeat {
	h.Every = orDefault(h.Every, 500*time.Millisecond)
	h.AcceptablePause = orDefault(h.AcceptablePause, 3*time.Second)
	h.Threshold = orDefault(h.Threshold, 8)
	h.ReapEvery = orDefault(h.ReapEvery, 250*time.Millisecond)
	h.FirstAnswer = orDefault(h.FirstAnswer, time.Second)
	h.MonitoredBy = orDefault(h.MonitoredBy, membership.MonitoredBy)
	return h
}

// Validate says which field is out of range, and what it should be. Addresses
// are checked when they are bound.
func (c Config) Validate() error {
	var errs []error
	h := c.Heartbeat
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Every", h.Every}, {"AcceptablePause", h.AcceptablePause}, {"ReapEvery", h.ReapEvery}, {"FirstAnswer", h.FirstAnswer},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("Heartbeat.%s %v: want a positive time, or 0 for the default", d.name, d.value))
		}
	}
	if h.MonitoredBy < 0 {
		errs = append(errs, fmt.Errorf("Heartbeat.MonitoredBy %d: want 1 or more, or 0 for the default", h.MonitoredBy))
	}
	if h.Threshold < 0 {
		errs = append(errs, fmt.Errorf("Heartbeat.Threshold %v: want a positive level, or 0 for the default", h.Threshold))
	}
	if err := c.Lease.validate(c.downing()); err != nil {
		errs = append(errs, err)
	}
	if c.Downing != nil {
		if err := downing.Validate(c.Downing); err != nil {
			errs = append(errs, fmt.Errorf("Downing: %w", err))
		}
	}
	return errors.Join(errs...)
}

// canonical returns c with IP addresses in the form in which nodes are known by them.
func (c Config) canonical() Config {
	c.Listen, c.Advertise = canonicalAddr(c.Listen), canonicalAddr(c.Advertise)
	c.Remote.Listen, c.Remote.Advertise = canonicalAddr(c.Remote.Listen), canonicalAddr(c.Remote.Advertise)
	c.Seeds = canonicalAddrs(c.Seeds)
	return c
}

// freePort reports whether the node has an address that it never had before.
func (c Config) freePort() bool {
	r := c.remote("")
	_, port, err := net.SplitHostPort(r.Listen)
	return r.Advertise == "" && (r.Listen == "" || err == nil && port == "0")
}

func canonicalAddrs(addrs []string) []string {
	addrs = slices.Clone(addrs)
	for i, a := range addrs {
		addrs[i] = canonicalAddr(a)
	}
	return addrs
}

// canonicalAddr returns an address with its IP address and port in their shortest
// form, as a listener that is bound to it tells it: "[0:0:0:0:0:0:0:1]:02551" is
// "[::1]:2551". One with a name stays as it is.
func canonicalAddr(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return addr
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		port = strconv.FormatUint(n, 10)
	}
	return net.JoinHostPort(ip.Unmap().String(), port)
}

func (c Config) downing() downing.Strategy {
	if c.Downing == nil {
		return downing.KeepMajority{}
	}
	return c.Downing
}

func (c Config) remote(name string) remote.Config {
	r := c.Remote
	if c.Listen != "" {
		r.Listen = c.Listen
	}
	if c.Advertise != "" {
		r.Advertise = c.Advertise
	}
	r.Cluster = name
	r.IgnoreFailures = true // the cluster finds failures, and says so
	return r
}

// settingDowning is the key under which nodes compare their strategies.
const settingDowning = "cluster.downing"

func (c Config) membership(name string, self membership.Node) membership.Config {
	m := c.Membership
	m.Self, m.Cluster, m.Roles, m.Seeds, m.AppVersion = self, name, c.Roles, c.Seeds, c.AppVersion
	if len(m.Seeds) == 0 && !c.JoinLater {
		m.Seeds = []string{self.Addr}
		if c.freePort() { // no cluster can know this node from before
			m.ListenFor = cmp.Or(m.ListenFor, -1)
		}
	}
	m.Settings = append([]membership.Setting{{Key: settingDowning, Value: c.downing().String()}}, m.Settings...)
	return m
}
