package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	kills      = flag.Int("campaign.kills", 2, "how many real processes to kill")
	partitions = flag.Int("campaign.partitions", 1, "how many partitions to make between real processes")
	pauses     = flag.Int("campaign.pauses", 1, "how many pauses of real processes to make")
	namespaces = flag.Bool("campaign.namespaces", false, "cut by network namespaces where they are permitted, not by proxies")
	strict     = flag.Bool("campaign.strict", false, "fail when a process is lost that no fault has hit, though all of them had the time they needed")
)

// TestMain lets the test's own binary be the nodes.
func TestMain(m *testing.M) {
	if addr := os.Getenv(nodeEnv); addr != "" {
		if err := runNode(addr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// size is how many processes a campaign has.
const size = 5

// own stands for the process of the campaign, in which the proxies are.
const own = -1

// campaign is a cluster of real processes, and what is known of them.
type campaign struct {
	t       *testing.T
	rand    *rand.Rand
	net     network
	members [size]*member
	told    chan told
	forming map[string]bool // the stamps of all clusters ever seen
	lost    int             // processes that ended and that no fault had hit
	starved int             // those of them that were lost while the machine had no time for some process
	busy    bool            // some process got no time since the last fault began
}

// member is the present process of one address.
type member struct {
	cmd  *exec.Cmd
	life int
	node string // address and incarnation
	view string
	why  string // its cluster's last word
	over bool
	stay bool          // it isn't started again when it ends
	ends int           // how often a process of this address ended
	rest time.Duration // how late its timers may run: it is paused
}

// told is one line of a process; no word means that it has ended.
type told struct {
	from, life  int
	word, about string
}

func newCampaign(t *testing.T) *campaign {
	t.Helper()
	c := &campaign{t: t, rand: rand.New(rand.NewPCG(1, 1)), told: make(chan told, 1<<12), forming: map[string]bool{}}
	c.net = newNetwork(t)
	over := make(chan struct{})
	go watchLateness(over, func(by time.Duration) { c.told <- told{from: own, word: "late", about: by.String()} })
	t.Cleanup(func() {
		close(over)
		for _, m := range c.members {
			if m != nil {
				_ = m.cmd.Process.Kill()
				_ = m.cmd.Wait()
			}
		}
	})
	for i := range size {
		c.members[i] = &member{}
		c.start(i)
	}
	c.await("all are one cluster", c.together(c.all()))
	return c
}

func (c *campaign) all() (out []int) {
	for i := range size {
		out = append(out, i)
	}
	return out
}

// start begins the next process of an address.
func (c *campaign) start(i int) {
	var addrs []string
	for j := range size {
		addrs = append(addrs, c.net.addr(j))
	}
	command, via := c.net.program(i)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), nodeEnv+"="+addrs[i], seedsEnv+"="+strings.Join(addrs, ","), viaEnv+"="+via)
	cmd.Stderr = os.Stderr
	_, err := cmd.StdinPipe() // it ends with its input: none outlives the test
	require.NoError(c.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, cmd.Start())
	m := c.members[i]
	*m = member{cmd: cmd, life: m.life + 1, ends: m.ends}
	life := m.life
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			_, about, _ := strings.Cut(rest, " ")
			c.told <- told{i, life, word, about}
		}
		_, _ = io.Copy(io.Discard, out)
		c.told <- told{from: i, life: life}
	}()
}

// take notes what a process has told, and starts one that has ended again.
func (c *campaign) take(r told) {
	if r.from == own {
		c.late(r.about, 0)
		return
	}
	m := c.members[r.from]
	if r.life != m.life {
		return
	}
	switch r.word {
	case "started":
		m.node = r.about
	case "view":
		m.view = r.about
		if stamp, _, _ := strings.Cut(r.about, " "); stamp != "0" {
			c.forming[stamp] = true
			require.Len(c.t, c.forming, 1, "a second cluster was formed")
		}
	case "ended":
		m.why = r.about
	case "late":
		c.late(r.about, m.rest)
	case "":
		_ = m.cmd.Wait()
		m.over, m.view = true, ""
		c.t.Logf("process %d at %s has ended: %s", r.life, c.net.addr(r.from), m.why)
		m.ends++
		if !m.stay {
			c.start(r.from)
		}
	}
}

// late notes that a process was given no time for longer than it was paused.
func (c *campaign) late(about string, paused time.Duration) {
	by, err := time.ParseDuration(about)
	require.NoError(c.t, err)
	if by-paused >= lateFrom {
		c.busy = true
		c.t.Logf("the machine had no time for a process for %v", by)
	}
}

// await takes what is told until holds.
func (c *campaign) await(what string, holds func() bool) {
	c.t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	for !holds() {
		select {
		case r := <-c.told:
			c.take(r)
		case <-deadline.C:
			text := ""
			for i, m := range c.members {
				text += fmt.Sprintf("%s over=%v: %s\n", c.net.addr(i), m.over, m.view)
			}
			require.Fail(c.t, "timeout: "+what, "%s", text)
		}
	}
}

// pass lets time go by.
func (c *campaign) pass(d time.Duration) {
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		select {
		case r := <-c.told:
			c.take(r)
		case <-end.C:
			return
		}
	}
}

// together is the condition that the given processes, and nobody else, are one
// cluster in which all are Up, in the view of each.
func (c *campaign) together(who []int) func() bool {
	return func() bool {
		view := c.members[who[0]].view
		if strings.Contains(view, "!") || strings.Count(view, "=") != len(who) || strings.Count(view, "=up") != len(who) {
			return false
		}
		for _, i := range who {
			m := c.members[i]
			if m.over || m.view != view || !strings.Contains(view, m.node+"=") {
				return false
			}
		}
		return true
	}
}

// unharmed returns a check that none but the given ones have ended since. A
// process that is silent for longer than the others grant it is rightly held for
// dead, also if nobody but the machine is to blame: that is counted apart.
func (c *campaign) unharmed(hit ...int) (check func(fault string)) {
	c.busy = false
	var before [size]int
	for i, m := range c.members {
		before[i] = m.ends
	}
	for _, i := range hit {
		before[i] = -1
	}
	return func(fault string) {
		for i, m := range c.members {
			if before[i] >= 0 && m.ends != before[i] {
				c.lost++
				if c.busy {
					c.starved++
				}
				c.t.Logf("%s: the process at %s has ended, which it didn't hit; the machine was busy: %v", fault, c.net.addr(i), c.busy)
			}
		}
	}
}

func without(hit ...int) (rest []int) {
	for i := range size {
		found := false
		for _, h := range hit {
			found = found || h == i
		}
		if !found {
			rest = append(rest, i)
		}
	}
	return rest
}

// kill ends a process without a word; half of the time the next one starts at
// once, half of the time when the others have removed it.
func (c *campaign) kill(n int) {
	i := c.rand.IntN(size)
	check := c.unharmed(i)
	m := c.members[i]
	m.stay = n%2 == 1
	before := m.ends
	require.NoError(c.t, m.cmd.Process.Kill())
	c.await("the process has ended", func() bool { return m.ends > before })
	if m.over {
		c.await("the others are one cluster", c.together(without(i)))
		c.start(i)
	}
	c.await("all are one cluster after a kill", c.together(c.all()))
	check("kill")
}

// pause stops a process for a while: two of three times for less than what is
// granted, else for so long that the others go on without it.
func (c *campaign) pause(n int) {
	i := c.rand.IntN(size)
	long := n%3 == 2
	d := 300*time.Millisecond + time.Duration(c.rand.IntN(1700))*time.Millisecond
	check := c.unharmed()
	if long {
		check = c.unharmed(i)
	}
	m := c.members[i]
	before := m.ends
	m.rest = d
	if long {
		m.rest = time.Hour
	}
	require.NoError(c.t, m.cmd.Process.Signal(syscall.SIGSTOP))
	if long {
		c.await("the others are one cluster", c.together(without(i)))
	} else {
		c.pass(d)
	}
	require.NoError(c.t, m.cmd.Process.Signal(syscall.SIGCONT))
	if long {
		c.await("it learns that it was removed", func() bool { return m.ends > before })
	}
	c.await("all are one cluster after a pause", c.together(c.all()))
	c.pass(200 * time.Millisecond) // it says how late it was
	m.rest = 0
	check("pause")
}

// partition cuts two processes off from three: at once, one way only, or link by
// link. The three go on, the two start anew.
func (c *campaign) partition(n int) {
	order := c.rand.Perm(size)
	few, many := order[:2], order[2:]
	check := c.unharmed(few...)
	before := [2]int{c.members[few[0]].ends, c.members[few[1]].ends}
	for _, i := range many {
		for _, j := range few {
			c.net.cut(j, i)
			if n%3 != 1 { // else only the few aren't heard any more
				c.net.cut(i, j)
			}
			if n%3 == 2 {
				c.pass(time.Duration(c.rand.IntN(700)) * time.Millisecond)
			}
		}
	}
	c.await("the majority goes on alone", c.together(many))
	c.await("the minority starts anew", func() bool {
		return c.members[few[0]].ends > before[0] && c.members[few[1]].ends > before[1]
	})
	c.net.heal()
	c.await("all are one cluster after a partition", c.together(c.all()))
	check("partition")
}

// TestCampaign hits a cluster of real processes, one fault after the other.
// After each all are one cluster again; no second cluster ever comes about; and
// nobody is lost whom no fault has hit.
func TestCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes, real time")
	}
	c := newCampaign(t)
	began := time.Now()
	for n := range *kills {
		c.kill(n)
	}
	for n := range *pauses {
		c.pause(n)
	}
	for n := range *partitions {
		c.partition(n)
	}
	t.Logf("%T: %d kills, %d pauses, %d partitions in %v; %d processes lost that no fault had hit, %d of them while the machine had no time for some process",
		c.net, *kills, *pauses, *partitions, time.Since(began).Round(time.Second), c.lost, c.starved)
	if *strict {
		require.Zero(t, c.lost-c.starved)
	}
}
