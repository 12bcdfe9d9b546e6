package cluster_test

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/remote"
)

const (
	memberWords   = "what all nodes of the town know"
	clientWords   = "what those who come to the town know"
	strangerWords = "what somebody thinks that they know"
)

func secretOf(t *testing.T, words string) remote.Secret {
	t.Helper()
	s, err := remote.NewSecret([]byte(words))
	require.NoError(t, err)
	return s
}

// why hellos are refused
const (
	refusedAddress = 2
	refusedCluster = 3
	refusedStale   = 5
	refusedSelf    = 8
	refusedSecret  = 9
	refusedName    = 10
)

// TestHostilePortWithSecrets attacks a live cluster whose nodes know each other by a
// secret, and let clients in by another: by those who have neither, and by clients.
func TestHostilePortWithSecrets(t *testing.T) {
	cfg := remote.Config{Secrets: []remote.Secret{secretOf(t, memberWords)}, DeliverBy: 5 * time.Second}
	cfg.Access = remote.Access{ClientSecrets: []remote.Secret{secretOf(t, clientWords)}, Exported: []string{"/user/echo"}}
	v := newVictim(t, cfg)
	v.bears("handshakes by those who don't know the secret", v.falseHandshakes)
	v.bears("a client in the name of a member", v.impostors)
	v.bears("forgeries of a client", v.forgeries)
	v.bears("everything that a client may not do", v.clientsWishes)
	v.bears("a client that would be a member", v.clientThatJoins)
	v.bears("a storm of connections", v.storm)
	v.requireCleanLog()
}

// falseHandshakes are the attacks on the secret: replay, reflection, swapped roles,
// downgrades, wrong identities.
func (v *victim) falseHandshakes() {
	before := v.stats().Refused
	var recorded []byte
	{ // what somebody has seen on the wire
		g := v.guest(hostileHost + ":1")
		a := v.begin(g.Hello()).magic()
		recorded = stranger.Proof(clientWords, stranger.Dialer, stranger.Transcript(g.Fields(), a.frame(stranger.KindChallenge)))
		a.say(stranger.KindProof, recorded...)
		a.frame(stranger.KindWelcome)
	}
	attacks := []struct {
		title  string
		change func(*stranger.Greeting)                                 // before it is said
		prove  func(g stranger.Greeting, challenge, said []byte) []byte // nil: it is refused before that
		code   byte
	}{
		{title: "a proof that was right once", prove: func(_ stranger.Greeting, _, _ []byte) []byte { return recorded }, code: refusedSecret},
		{title: "a proof by another secret", prove: func(_ stranger.Greeting, _, said []byte) []byte {
			return stranger.Proof(strangerWords, stranger.Dialer, said)
		}, code: refusedSecret},
		{title: "the proof of the other role", prove: func(_ stranger.Greeting, _, said []byte) []byte {
			return stranger.Proof(memberWords, stranger.Acceptor, said)
		}, code: refusedSecret},
		{title: "what the other end would say", prove: func(g stranger.Greeting, _, said []byte) []byte {
			return stranger.Proof(memberWords, stranger.Acceptor, said, []byte{stranger.KindWelcome}, g.Fields())
		}, code: refusedSecret},
		{title: "a proof cut short", prove: func(_ stranger.Greeting, _, said []byte) []byte {
			return stranger.Proof(memberWords, stranger.Dialer, said)[:31]
		}, code: refusedSecret},
		{title: "a proof and more", prove: func(_ stranger.Greeting, _, said []byte) []byte {
			return append(stranger.Proof(memberWords, stranger.Dialer, said), 0)
		}, code: refusedSecret},
		{title: "an empty proof", prove: func(_ stranger.Greeting, _, _ []byte) []byte { return nil }, code: refusedSecret},
		{title: "the version lowered on the way", prove: func(g stranger.Greeting, challenge, _ []byte) []byte {
			g.Version++ // so the dialer has said
			return stranger.Proof(memberWords, stranger.Dialer, stranger.Transcript(g.Fields(), challenge))
		}, change: func(g *stranger.Greeting) { g.Version-- }, code: refusedSecret},
		{title: "the version of a time without proofs", change: func(g *stranger.Greeting) { g.Version = 1 }, code: refusedSecret},
		{title: "no proof on offer", change: func(g *stranger.Greeting) { g.Features &^= 1 }, code: refusedSecret},
		{title: "another cluster", change: func(g *stranger.Greeting) { g.Cluster = "village" }, code: refusedCluster},
		{title: "another address", change: func(g *stranger.Greeting) { g.To = v.nodes[1].addr }, code: refusedAddress},
		{title: "the node's own identity", change: func(g *stranger.Greeting) { g.Addr, g.UID = v.target, v.nodes[0].sys.UID() }, code: refusedSelf},
	}
	for _, c := range attacks {
		v.t.Log(c.title)
		g := v.guest(hostileHost + ":1")
		if c.change != nil {
			c.change(&g)
		}
		a := v.begin(g.Hello()).magic()
		if c.prove != nil {
			challenge := a.frame(stranger.KindChallenge)
			a.say(stranger.KindProof, c.prove(g, challenge, stranger.Transcript(g.Fields(), challenge))...)
		}
		a.refused(c.code)
	}
	require.EqualValues(v.t, len(attacks), v.stats().Refused-before, "each is counted")
	for _, said := range [][]byte{message("test.whoAreYou", 0x80), systemFrame(1, systemStop, 0, "/user/echo", "/user/x"), v.guest(hostileHost + ":1").Hello()[4:]} {
		a := v.begin(v.guest(hostileHost + ":1").Hello()).magic()
		a.frame(stranger.KindChallenge)
		_, _ = a.c.Write(said) // instead of a proof
		a.closed()
	}
}

// impostors know the clients' secret and would pass for a member. What they try must
// not be held against the member.
func (v *victim) impostors() {
	member := v.nodes[1]
	for _, c := range []struct {
		title string
		uid   uint64
		code  byte
	}{
		{"as the member that is there", member.sys.UID(), refusedName},
		{"as one that has come after it", freshUID(), refusedStale},
	} {
		v.t.Log(c.title)
		g := v.guest(member.addr)
		g.UID = c.uid
		a := v.begin(g.Hello()).magic()
		a.say(stranger.KindProof, stranger.Proof(clientWords, stranger.Dialer, stranger.Transcript(g.Fields(), a.frame(stranger.KindChallenge)))...)
		a.refused(c.code)

		name := "mortal-" + strings.ReplaceAll(c.title, " ", "-")
		mortal := v.nodes[0].echo(name, member)
		told := member.watcher(mortal)
		v.nodes[0].sys.StopActor(v.nodes[0].sys.RefOf(mortal.Location()))
		v.requireTold(told, mortal)
		v.renew(v.nodes[0], v.nodes[1:])
		v.renew(member, []*node{v.nodes[0], v.nodes[2]})
	}
	require.Zero(v.t, v.stats().Denied)
}

func (v *victim) requireTold(told chan any, of actor.PID) {
	v.t.Helper()
	require.Equal(v.t, actor.Terminated{Ref: of}, hear(v, "a watcher is told", told))
}

// renew has a node make new connections in place of those to the others, and waits
// until it has for each.
func (v *victim) renew(n *node, others []*node) {
	v.t.Helper()
	renewed, stop := events[remote.Renewed](v, n)
	defer stop()
	missing := map[remote.Renewed]bool{}
	for _, o := range others {
		missing[remote.Renewed{Addr: o.addr}] = true
		missing[remote.Renewed{Addr: o.addr, Control: true}] = true
	}
	n.cl.Remote().Renew(0)
	for len(missing) > 0 {
		delete(missing, hear(v, "its connections are renewed", renewed))
	}
}

// forgeries are what a client writes by hand that was let in: senders, ends and stops
// that aren't its own to send.
func (v *victim) forgeries() {
	before := v.stats()
	other := v.nodes[0].echo("other", v.nodes[0])
	defer v.nodes[0].sys.StopActor(other)
	watched := v.nodes[1].echo("watched", v.nodes[0])
	watcher := v.nodes[0].watcher(watched)

	g := v.guest(v.address())
	g.Stream = 0
	c := v.enter(g, clientWords).c
	seq := byte(0)
	system := func(kind byte, path, from string) []byte {
		seq++
		return systemFrame(seq, kind, 0, path, from)
	}
	for _, frame := range [][]byte{
		messageFrom("/user/echo", v.nodes[1].addr, v.nodes[1].sys.UID(), "test.whoAreYou"), // in a member's name
		messageFrom("/user/echo", v.target, v.nodes[0].sys.UID(), "test.whoAreYou"),        // in the name of whom it is for
		system(systemTerminated, "/user/$a", "/user/watched"),
		systemFrame(2, systemTerminated, v.nodes[1].sys.UID(), "/user/echo", "/user/watched"), // for another node, so it counts for nothing
		system(systemStop, "/user/echo", "/user/x"),
		system(systemStop, "/user/other", "/user/x"),
		system(systemStop, "/system/cluster", "/user/x"),
		system(systemWatch, "/user/other", "/user/x"),
		system(systemWatch, "/system/cluster", "/user/x"),
		stranger.Frame(stranger.KindAck, binary.AppendUvarint(nil, 1<<40)...), stranger.Frame(stranger.KindNack, 1),
	} {
		_, err := c.Write(frame)
		require.NoError(v.t, err)
	}
	v.until("all are counted", func() bool {
		s := v.stats()
		return s.Forged == before.Forged+2 && s.Denied == before.Denied+5 && s.Skipped == before.Skipped+2
	})
	v.nodes[1].sys.StopActor(v.nodes[1].sys.RefOf(watched.Location()))
	v.requireTold(watcher, watched)
	require.Empty(v.t, watcher, "it is told by nobody else")
}

// visitor is a node of somebody else's program, which shares the clients' secret.
func (v *victim) visitor() (*actor.System, *remote.Remote) {
	v.t.Helper()
	log := zerolog.Nop()
	sys, err := actor.NewSystem("town", actor.Config{Logger: &log})
	require.NoError(v.t, err)
	require.NoError(v.t, codec.Register[whoAreYou](sys.Registry(), "test.whoAreYou"))
	require.NoError(v.t, codec.Register[hereIAm](sys.Registry(), "test.hereIAm"))
	v.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(v.t, sys.Stop(ctx))
	})
	rem, err := remote.Start(sys, remote.Config{Listen: hostileHost + ":0", Cluster: "town", Secrets: []remote.Secret{secretOf(v.t, clientWords)}})
	require.NoError(v.t, err)
	return sys, rem
}

// clientsWishes are all operations on another node, wished for by a client: what it was
// not granted is refused and said, by each node.
func (v *victim) clientsWishes() {
	sys, rem := v.visitor()
	for _, n := range v.nodes {
		denied, stop := events[remote.Denied](v, n)
		require.NoError(v.t, n.cl.Remote().Offer("echo", func(any) (func() actor.Actor, error) {
			return func() actor.Actor { return actor.Func(func(*actor.Context) {}) }, nil
		}))
		bystander := n.echo("bystander", n)
		at := func(path string) actor.PID { return sys.RefAt(n.addr, path) }
		watch := func(path string) {
			_, err := sys.Spawn("", func() actor.Actor { return &watching{who: at(path), got: make(chan any, 1)} })
			require.NoError(v.t, err)
		}
		selection, err := sys.Select("troupe://town@" + n.addr + "/user/*")
		require.NoError(v.t, err)
		for title, wish := range map[string]func(){
			"send to what is not exported":     func() { at("/user/bystander").Tell(whoAreYou{}) },
			"send to the cluster's own actors": func() { at("/system/cluster").Tell(whoAreYou{}) },
			"watch what is not exported":       func() { watch("/user/bystander") },
			"watch the cluster's own actors":   func() { watch("/system/cluster") },
			"a PoisonPill":                     func() { at("/user/echo").Tell(actor.PoisonPill{}) },
			"a Kill":                           func() { at("/user/echo").Tell(actor.Kill{}) },
			"stop what is exported":            func() { sys.StopActor(at("/user/echo")) },
			"stop what is not exported":        func() { sys.StopActor(at("/user/bystander")) },
			"stop the cluster's own actors":    func() { sys.StopActor(at("/system/cluster")) },
			"a selection":                      func() { selection.Tell(whoAreYou{}) },
			"a selection with a PoisonPill":    func() { selection.Tell(actor.PoisonPill{}) },
			"start an actor": func() {
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				_, err := rem.Spawn(ctx, n.addr, remote.Order{Kind: "echo"})
				require.Error(v.t, err)
			},
		} {
			wish()
			d := hear(v, "it is refused to "+title, denied)
			require.Equal(v.t, remote.Client, d.Class, title)
			require.Equal(v.t, sys.UID(), d.UID, title)
		}
		require.Empty(v.t, denied)
		v.requireAnswer(sys, n.addr) // what is exported answers a client, and nothing has happened to it
		told := n.watcher(bystander)
		n.sys.StopActor(bystander)
		v.requireTold(told, bystander)
		stop()
	}
}

// clientThatJoins opens a cluster with a client's secret.
func (v *victim) clientThatJoins() {
	before := v.stats().Denied
	log := zerolog.Nop()
	sys, err := actor.NewSystem("town", actor.Config{Logger: &log})
	require.NoError(v.t, err)
	cl, err := cluster.Open(sys, cluster.Config{
		Listen: hostileHost + ":0", Seeds: []string{v.target}, Remote: remote.Config{Secrets: []remote.Secret{secretOf(v.t, clientWords)}},
	})
	require.NoError(v.t, err)
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(v.t, sys.Stop(ctx))
	}()
	v.until("it is told no, and tries again", func() bool { return v.stats().Denied >= before+2 })
	for _, n := range v.nodes {
		require.Len(v.t, n.cl.Members(), len(v.nodes))
	}
	require.NotEqual(v.t, v.nodes[0].cl.Status(), cl.Status())
}
