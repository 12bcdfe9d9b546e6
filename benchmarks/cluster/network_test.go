package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/testkit/netfault"
)

// network is what lies between the processes of a campaign.
type network interface {
	// addr is where a process listens.
	addr(i int) string
	// program is the command that runs it, and by which way it dials whom.
	program(i int) (command []string, via string)
	// cut lets nothing through any more from one to the other.
	cut(from, to int)
	heal()
}

// newNetwork returns network namespaces where they are wanted and the system
// permits them, proxies elsewhere.
func newNetwork(t *testing.T) network {
	t.Helper()
	if *namespaces {
		if s := newSpaces(t); s != nil {
			return s
		}
		t.Log("network namespaces aren't permitted here: proxies make the cuts")
	}
	return newProxied(t)
}

// proxied is a network on the loopback interface: each process dials each
// other through a proxy of their own, which holds back what is cut.
type proxied struct {
	addrs   []string
	proxies [size][size]*netfault.Proxy // from, to
	faults  [size][size]netfault.Faults
}

func newProxied(t *testing.T) *proxied {
	t.Helper()
	addrs, err := freeAddrs(size)
	require.NoError(t, err)
	p := &proxied{addrs: addrs}
	for i := range size {
		for j := range size {
			if i != j {
				p.proxies[i][j], err = netfault.Start("127.0.0.1:0", addrs[j])
				require.NoError(t, err)
				t.Cleanup(p.proxies[i][j].Close)
			}
		}
	}
	return p
}

func (p *proxied) addr(i int) string { return p.addrs[i] }

func (p *proxied) program(i int) (command []string, via string) {
	var ways []string
	for j := range size {
		if i != j {
			ways = append(ways, p.addrs[j]+"="+p.proxies[i][j].Addr())
		}
	}
	return []string{os.Args[0]}, strings.Join(ways, ",")
}

func (p *proxied) cut(from, to int) {
	p.faults[from][to].Out.Hold = true
	p.faults[to][from].Back.Hold = true
	p.proxies[from][to].Set(p.faults[from][to])
	p.proxies[to][from].Set(p.faults[to][from])
}

func (p *proxied) heal() {
	p.faults = [size][size]netfault.Faults{}
	for i := range size {
		for j := range size {
			if i != j {
				p.proxies[i][j].Heal()
			}
		}
	}
}

// spaces is a bridge with a network namespace for each process. A cut points
// the neighbour at a station that isn't there: packets vanish.
type spaces struct {
	t    *testing.T
	name string
	cuts [][2]int
}

// newSpaces returns nil where namespaces aren't permitted.
func newSpaces(t *testing.T) *spaces {
	t.Helper()
	s := &spaces{t: t, name: fmt.Sprintf("tr%d", os.Getpid()%100_000)}
	if s.try("netns", "add", s.space(0)) != nil {
		return nil
	}
	t.Cleanup(func() {
		for i := range size {
			_ = s.try("netns", "del", s.space(i))
		}
		_ = s.try("link", "del", s.name)
	})
	for i := 1; i < size; i++ {
		s.ip("netns", "add", s.space(i))
	}
	s.ip("link", "add", s.name, "type", "bridge")
	s.ip("link", "set", s.name, "up")
	for i := range size {
		port := fmt.Sprintf("%sp%d", s.name, i)
		s.ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", s.space(i))
		s.ip("link", "set", port, "master", s.name, "up")
		s.ip("-n", s.space(i), "addr", "add", s.host(i)+"/24", "dev", "eth0")
		s.ip("-n", s.space(i), "link", "set", "eth0", "up")
		s.ip("-n", s.space(i), "link", "set", "lo", "up")
	}
	return s
}

func (s *spaces) space(i int) string { return fmt.Sprintf("%sn%d", s.name, i) }
func (s *spaces) host(i int) string  { return fmt.Sprintf("10.77.9.%d", i+1) }
func (s *spaces) addr(i int) string  { return s.host(i) + ":2551" }

func (s *spaces) try(args ...string) error { return exec.Command("ip", args...).Run() }

func (s *spaces) ip(args ...string) {
	s.t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(s.t, err, "ip %v: %s", args, out)
}

func (s *spaces) program(i int) (command []string, via string) {
	return []string{"ip", "netns", "exec", s.space(i), os.Args[0]}, "nothing"
}

func (s *spaces) cut(from, to int) {
	s.ip("-n", s.space(from), "neigh", "replace", s.host(to), "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", "eth0")
	s.cuts = append(s.cuts, [2]int{from, to})
}

func (s *spaces) heal() {
	for _, c := range s.cuts {
		s.ip("-n", s.space(c[0]), "neigh", "del", s.host(c[1]), "dev", "eth0")
	}
	s.cuts = nil
}
