package membership

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJoinByHand(t *testing.T) { // C39
	t.Run("through somebody who is no member: nothing is formed, and it goes on trying", func(t *testing.T) {
		w := newWorld(t, 1)
		x, y := w.start("x"), w.start("y")
		w.step(x, JoinNode{addrOf("y")})
		w.run(2 * time.Second)
		require.False(t, x.core.joined())
		require.False(t, y.core.joined())
		w.step(y, JoinNode{addrOf("y")})
		w.until("cluster", 5*time.Second, w.allUp("x", "y"))
		before := len(y.events)
		w.step(y, JoinNode{addrOf("y")})
		w.step(x, JoinNode{addrOf("y")})
		w.step(x, JoinSeeds{[]string{addrOf("z")}})
		w.run(2 * time.Second)
		require.Len(t, y.events, before, "who is in stays where it is")
	})
	t.Run("through seeds, named again and again", func(t *testing.T) {
		w := newWorld(t, 2)
		nodes := []*simNode{w.start("b"), w.start("c"), w.start("a")}
		for range 3 {
			for _, n := range nodes {
				w.step(n, JoinSeeds{[]string{addrOf("a"), addrOf("b"), addrOf("c")}})
			}
			w.run(100 * time.Millisecond)
		}
		w.until("cluster", 5*time.Second, w.allUp("a", "b", "c"))
	})
	t.Run("another seed when the first doesn't answer", func(t *testing.T) {
		w := newWorld(t, 3)
		w.form("a", "b")
		x := w.start("x", "nowhere")
		w.run(3 * time.Second)
		w.step(x, JoinSeeds{[]string{"no address"}})
		w.step(x, JoinNode{addrOf("b")})
		w.until("cluster", 5*time.Second, w.allUp("a", "b", "x"))
	})
}

func TestGivingUp(t *testing.T) { // F-23
	impatient := func(c *Config) { c.GiveUpAfter = 10 * time.Second }
	t.Run("who finds no cluster says what it heard of each seed", func(t *testing.T) {
		w := newWorld(t, 1)
		w.config = impatient
		w.start("quiet")
		w.cut(true, []string{"quiet"}, []string{"x"})
		w.config = nil
		w.start("b", "a", "b")
		w.config = impatient
		x := w.start("x", "a", "b", "quiet")
		w.run(9900 * time.Millisecond)
		require.Nil(t, x.ended)
		w.until("end", time.Second, w.ended(x))
		require.Equal(t, NotJoined, x.ended.Reason)
		require.Contains(t, x.ended.Detail, "a:2551 refuses the connection, b:2551 is in no cluster either, quiet:2551 doesn't answer; check that")
	})
	t.Run("who isn't let in says where to look", func(t *testing.T) {
		w := newWorld(t, 1)
		w.form("a", "b", "c")
		w.nodes[addrOf("c")].alive = false
		w.nodes[addrOf("b")].alive = false // and nobody downs it, so c can't be removed
		w.run(3 * time.Second)
		w.config = impatient
		x := w.start("c", "a")
		w.until("end", 15*time.Second, w.ended(x))
		require.Equal(t, NotJoined, x.ended.Reason)
		require.Contains(t, x.ended.Detail, "a:2551 is a member but doesn't let this node in")
	})
	t.Run("who gets in doesn't", func(t *testing.T) {
		w := newWorld(t, 1)
		w.config = impatient
		w.form("a", "b")
		w.run(30 * time.Second)
		w.until("cluster", time.Second, w.allUp("a", "b"))
	})
}

func TestCompatibility(t *testing.T) {
	majors := func(cluster, joining string) error {
		if cluster[:1] != joining[:1] {
			return fmt.Errorf("is %s in the cluster, %s on the joining node: the first number must be the same", cluster, joining)
		}
		return nil
	}
	with := func(c *Config, value string, checks map[string]Check, policy Compatibility) {
		c.Checks, c.Compatibility = checks, policy
		if value != "" {
			c.Settings = []Setting{{"format", value}}
		}
	}
	own := map[string]Check{"format": majors}
	must := map[string]Check{"format": MustMatch}
	for _, c := range []struct {
		title           string
		cluster, joiner string
		clusterChecks   map[string]Check
		joinerChecks    map[string]Check
		clusterPolicy   Compatibility
		policy          Compatibility
		clash           string // "" means that it gets in
		warned          bool
	}{
		{title: "equal", cluster: "1.1", joiner: "1.1"},
		{title: "different", cluster: "1.1", joiner: "1.2", clash: `setting format is "1.1" in the cluster, "1.2" on the joining node`},
		{title: "one side hasn't got it", cluster: "1.1"},
		{title: "the other side hasn't got it", joiner: "1.1"},
		{title: "a check of one's own is content", cluster: "1.1", joiner: "1.2", clusterChecks: own, joinerChecks: own},
		{title: "a check of one's own refuses", cluster: "1.1", joiner: "2.1", clusterChecks: own, joinerChecks: own, clash: "the first number must be the same"},
		{title: "only the cluster knows of the looser check", cluster: "1.1", joiner: "1.2", clusterChecks: own, clash: `setting format is "1.1"`},
		{title: "only the joining node insists", joiner: "1.1", joinerChecks: must, clash: "setting format is missing in the cluster"},
		{title: "only the cluster insists", cluster: "1.1", clusterChecks: must, clash: "setting format is missing on the joining node"},
		{title: "warned", cluster: "1.1", joiner: "1.2", policy: Warn, warned: true},
		{title: "ignored", cluster: "1.1", joiner: "1.2", policy: Ignore},
		{title: "ignored by the cluster, enforced by the joining node", cluster: "1.1", joiner: "1.2", clusterPolicy: Ignore, clash: `setting format is "1.1"`},
	} {
		t.Run(c.title, func(t *testing.T) {
			w := newWorld(t, 1)
			w.config = func(cfg *Config) { with(cfg, c.cluster, c.clusterChecks, c.clusterPolicy) }
			w.form("a", "b")
			w.config = func(cfg *Config) { with(cfg, c.joiner, c.joinerChecks, c.policy) }
			x := w.start("x", "a", "b")
			if c.clash == "" {
				w.until("cluster", 5*time.Second, w.allUp("a", "b", "x"))
				require.Equal(t, c.warned, x.warned("doesn't suit"))
				return
			}
			w.until("end", 5*time.Second, w.ended(x))
			require.Equal(t, Incompatible, x.ended.Reason)
			require.Contains(t, x.ended.Detail, c.clash)
		})
	}
	require.NoError(t, MustMatch("", ""))
	require.Error(t, errors.Join(MustMatch("a", ""), MustMatch("", "a")))
}

func TestMinimumOfRoles(t *testing.T) { // C26
	for _, weakly := range []time.Duration{-1, 3 * time.Second} {
		w := newWorld(t, 1)
		w.config = func(c *Config) {
			c.Minimum = Minimum{Members: 3, Roles: map[string]int{"backend": 2}}
			c.WeaklyUpAfter = weakly
		}
		frontend := w.config
		backend := func(c *Config) { frontend(c); c.Roles = []string{"backend"} }
		waits := func(names ...string) {
			w.run(10 * time.Second)
			for _, name := range names {
				for _, m := range w.nodes[addrOf(name)].core.View().Members() {
					require.Equal(t, Joining, m.Status)
				}
			}
		}
		w.start("a", "a")
		w.config = backend
		w.start("b", "a")
		waits("a", "b")
		w.config = frontend
		w.start("c", "a")
		waits("a", "b", "c")
		w.config = backend
		w.start("d", "a")
		w.until("cluster", 2*time.Second, w.allUp("a", "b", "c", "d"))
	}
}

func TestShutdownOfAll(t *testing.T) { // C7
	seeds(t, 30, func(w *world) {
		w.form("a", "b", "c")
		all := []*simNode{w.nodes[addrOf("a")], w.nodes[addrOf("b")], w.nodes[addrOf("c")]}
		late := w.start("d", "a", "b", "c")
		w.run(time.Duration(w.rand.IntN(100)) * time.Millisecond) // it may be Joining, Up, or not there yet
		w.step(all[1], PrepareShutdown{})
		w.step(all[2], PrepareShutdown{})
		w.until("ready", 10*time.Second, func() bool {
			for _, n := range all {
				for _, m := range n.core.View().Members() {
					if m.Status != ReadyForShutdown && m.Node != late.node {
						return false
					}
				}
			}
			return true
		})
		w.run(3 * time.Second)
		v := all[0].core.View()
		if m, ok := v.Member(late.node); ok {
			require.Contains(w.t, []Status{Joining, ReadyForShutdown}, m.Status)
		}
		x := w.start("e", "a", "b", "c")
		w.run(5 * time.Second)
		require.False(w.t, x.core.joined(), "nobody is let in any more")
		for _, n := range all { // one after the other, as somebody stops the processes
			w.step(n, Leave{n.node.Addr})
			w.until("departure", 10*time.Second, w.ended(n))
			require.Equal(w.t, Left, n.ended.Reason)
		}
		require.Nil(w.t, late.ended)
		if late.core.joined() {
			require.True(w.t, late.core.View().Closing)
		}
	})
}

func TestShutdownOfAllWithSomebodyUnreachable(t *testing.T) {
	w := newWorld(t, 1)
	w.form("a", "b", "c")
	w.step(w.nodes[addrOf("a")], PrepareShutdown{})
	b := w.nodes[addrOf("b")]
	w.cut(true, []string{"c"}, []string{"a", "b"})
	w.run(5 * time.Second)
	require.Equal(t, PreparingForShutdown, b.core.View().SelfMember().Status, "c may not know")
	w.cut(false, []string{"c"}, []string{"a", "b"})
	w.until("ready", 10*time.Second, func() bool { return b.core.View().SelfMember().Status == ReadyForShutdown })
	require.Nil(t, b.ended)
}
