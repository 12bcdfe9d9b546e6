package remote_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// mem starts nodes a:1, b:1, … on one network, tuned so that deaths are found fast.
func mem(t *testing.T, names ...string) (*remote.MemNet, []*node) {
	net := remote.NewMemNet()
	var nodes []*node
	for _, name := range names {
		nodes = append(nodes, start(t, memConfig(net, name)))
	}
	return net, nodes
}

func memConfig(net *remote.MemNet, addr string) remote.Config {
	return remote.Config{Listen: addr, Transport: net.Node(addr), ReconnectMax: 50 * time.Millisecond}
}

func TestRestartAtSameAddress(t *testing.T) { // R024, R066, RM-6, F-13
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	watcher, there := a.inbox("watcher"), b.inbox("there")
	old := a.sys.RefOf(there.pid.Location())
	watcher.pid.Tell(watchIt{old})
	old.Tell(ping{1})
	there.expect(ping{1})
	b.crash(net, a)

	again := start(t, memConfig(net, "b:1"))
	there = again.inbox("there")
	again.sys.RefOf(watcher.pid.Location()).Tell(ping{2}) // first contact comes from the new incarnation
	// The old one has ended before the new one is let in, but its watcher is told by a turn
	// of its own, for which the first message need not wait.
	require.ElementsMatch(t, []any{actor.Terminated{Ref: old}, ping{2}}, []any{watcher.next(), watcher.next()})

	letters := subscribe[actor.DeadLetter](a, "letters")
	old.Tell(ping{3})
	letter := letters.next().(actor.DeadLetter)
	require.Equal(t, actor.DropQuarantined, letter.Reason)
	require.Equal(t, ping{3}, letter.Message)
	a.sys.RefOf(there.pid.Location()).Tell(ping{4})
	there.expect(ping{4})
	watcher.none()
}

func TestRestartNoticedBySender(t *testing.T) { // R024
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	watcher, there := a.inbox("watcher"), b.inbox("there")
	old := a.sys.RefOf(there.pid.Location())
	watcher.pid.Tell(watchIt{old})
	old.Tell(ping{1})
	there.expect(ping{1})
	b.crash(net, a)
	again := start(t, memConfig(net, "b:1"))
	there = again.inbox("there")
	a.sys.RefAt("b:1", "/user/there").Tell(ping{2})
	there.expect(ping{2})
	watcher.expect(actor.Terminated{Ref: old})
}

func TestMessageNeverReachesSuccessor(t *testing.T) { // RM-2
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	there := b.inbox("there")
	old := a.sys.RefOf(there.pid.Location())
	old.Tell(ping{1})
	there.expect(ping{1})
	letters := subscribe[actor.DeadLetter](a, "letters")
	b.crash(net, a)
	net.Cut("a:1", "b:1")
	old.Tell(ping{2}) // waits for a connection
	again := start(t, memConfig(net, "b:1"))
	there = again.inbox("there")
	net.Heal("a:1", "b:1")
	letter := letters.next().(actor.DeadLetter)
	require.Equal(t, ping{2}, letter.Message)
	a.sys.RefAt("b:1", "/user/there").Tell(ping{3})
	there.expect(ping{3})
}

func TestSilentDeathIsFound(t *testing.T) { // R063, R031
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.Heartbeat = 10 * time.Millisecond
	cfg.AcceptablePause = 150 * time.Millisecond
	a, b := start(t, cfg), start(t, memConfig(net, "b:1"))
	watcher, there := a.inbox("watcher"), b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	watcher.pid.Tell(watchIt{ref})
	ref.Tell(ping{1})
	there.expect(ping{1})
	net.Stall("a:1", "b:1")
	watcher.expect(actor.Terminated{Ref: ref})
	net.Heal("a:1", "b:1")

	// The dead one learns of it when it speaks again.
	verdict := subscribe[remote.DeclaredDead](b, "verdict")
	b.sys.RefAt("a:1", "/user/watcher").Tell(ping{2})
	require.Equal(t, remote.DeclaredDead{By: "a:1", UID: a.sys.UID()}, verdict.next())
	watcher.none()
}

func TestQuarantine(t *testing.T) { // R027, R029, R030, RM-5
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	watcher, there := a.inbox("watcher"), b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	watcher.pid.Tell(watchIt{ref})
	ref.Tell(ping{1})
	there.expect(ping{1})
	uid := b.sys.UID()
	verdict := subscribe[remote.DeclaredDead](b, "verdict")
	letters := subscribe[actor.DeadLetter](a, "letters")

	b.sys.RefOf(watcher.pid.Location()).Tell(ping{0}) // b has a connection of its own
	watcher.expect(ping{0})
	a.rem.Quarantine("b:1", uid)
	watcher.expect(actor.Terminated{Ref: ref})
	require.Equal(t, "a:1", verdict.next().(remote.DeclaredDead).By)
	ref.Tell(ping{2})
	require.Equal(t, actor.DropQuarantined, letters.next().(actor.DeadLetter).Reason)
	a.sys.RefAt("b:1", "/user/there").Tell(ping{3}) // by path: the same incarnation answers, and is refused
	require.Equal(t, actor.DropQuarantined, letters.next().(actor.DeadLetter).Reason)
	there.none()

	b.stop()
	again := start(t, memConfig(net, "b:1"))
	there = again.inbox("there")
	a.rem.Quarantine("b:1", uid) // again: nothing happens
	again.sys.RefOf(watcher.pid.Location()).Tell(ping{4})
	watcher.expect(ping{4})
	a.sys.RefAt("b:1", "/user/there").Tell(ping{5})
	there.expect(ping{5})
}

func TestConnectionsBreakAndComeBack(t *testing.T) { // R035, RM-3, RM-4
	net, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	watcher := a.inbox("watcher")
	const count = 200
	var targets []*inbox
	for range count {
		targets = append(targets, b.inbox(""))
	}
	for i, who := range targets {
		watcher.pid.Tell(watchIt{a.sys.RefOf(who.pid.Location())})
		if i%10 == 0 {
			net.Break("a:1", "b:1")
		}
	}
	// A message behind the watches, on the same acknowledged stream.
	last := a.sys.RefAt("b:1", "/user/nobody")
	watcher.pid.Tell(watchIt{last})
	watcher.expect(actor.Terminated{Ref: last})
	for i, who := range targets {
		b.sys.StopActor(who.pid)
		if i%10 == 0 {
			net.Break("a:1", "b:1")
		}
	}
	seen := map[actor.PID]int{}
	for range count {
		seen[watcher.next().(actor.Terminated).Ref]++
	}
	require.Len(t, seen, count, "each exactly once")
	watcher.none()
}

func TestMessagesWaitForAConnection(t *testing.T) { // R022
	net, nodes := mem(t, "a:1")
	a := nodes[0]
	ref := a.sys.RefAt("b:1", "/user/there")
	for n := range 100 {
		ref.Tell(ping{n})
	}
	net.Cut("a:1", "b:1")
	b := start(t, memConfig(net, "b:1"))
	there := b.inbox("there")
	net.Heal("a:1", "b:1")
	for n := range 100 {
		there.expect(ping{n})
	}
}

func TestNobodyThere(t *testing.T) { // R022, R067
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.DeliverBy = 50 * time.Millisecond
	a := start(t, cfg)
	letters := subscribe[actor.DeadLetter](a, "letters")
	a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
	letter := letters.next().(actor.DeadLetter)
	require.Equal(t, actor.DropUnreachable, letter.Reason)
	require.Equal(t, ping{1}, letter.Message)
	require.Equal(t, "troupe://test@b:1/user/there", letter.To.String())
}

// A hundred addresses at which nobody is cost a hundred dead letters: who is there goes on
// answering, and nothing stays open.
func TestManyNobodies(t *testing.T) { // R033
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		a, b := start(t, remote.Config{Listen: "a:1", Transport: net.Node("a:1")}), start(t, memConfig(net, "b:1"))
		there := b.inbox("there")
		letters := subscribe[actor.DeadLetter](a, "letters")
		for n := range 100 {
			a.sys.RefAt(fmt.Sprintf("nowhere%d:1", n), "/user/x").Tell(ping{n})
			a.sys.RefAt("b:1", "/user/there").Tell(ping{n})
			there.expect(ping{n})
		}
		time.Sleep(time.Minute) // longer than messages wait for a connection
		unreachable := map[any]bool{}
		for range 100 {
			letter := letters.next().(actor.DeadLetter)
			require.Equal(t, actor.DropUnreachable, letter.Reason)
			unreachable[letter.Message] = true
		}
		require.Len(t, unreachable, 100, "each is said once")
		letters.none()
		synctest.Wait()
		require.Equal(t, 1, a.rem.Stats().Connections, "that to b")
	})
}

func TestSlowPeerIsBounded(t *testing.T) { // RM-9, F-22
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.BufferMax = 256 << 10
	cfg.FrameMax = 64 << 10
	cfg.CompressFrom = -1
	a, b := start(t, cfg), start(t, memConfig(net, "b:1"))
	there := b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	ref.Tell(ping{1})
	there.expect(ping{1})
	letters := subscribe[actor.DeadLetter](a, "letters")
	net.Stall("a:1", "b:1")
	var err error
	sent := 0
	for ; err == nil; sent++ {
		require.Less(t, sent, 100, "the buffer has a bound")
		err = ref.TryTell(blob{B: make([]byte, 32<<10)})
	}
	require.ErrorIs(t, err, actor.ErrBackpressure)
	require.Equal(t, actor.DropBackpressure, letters.next().(actor.DeadLetter).Reason)
	net.Heal("a:1", "b:1")
	for range sent - 1 {
		there.next()
	}
	ref.Tell(ping{2})
	there.expect(ping{2})
}

func TestControlIsNotBehindOrdinary(t *testing.T) { // RM-8
	_, nodes := mem(t, "a:1", "b:1")
	a, b := nodes[0], nodes[1]
	release := make(chan struct{})
	there := b.inbox("there")
	ref := a.sys.RefOf(there.pid.Location())
	ref.Tell(ping{0})
	ref.Tell(urgent{0})
	there.next()
	there.next()
	// The reader of the ordinary stream hangs in a decoding method of somebody.
	require.NoError(t, codec.Register[stuck](a.sys.Registry(), "stuck"))
	require.NoError(t, codec.Register[stuck](b.sys.Registry(), "stuck"))
	hang = release
	ref.Tell(stuck{})
	for n := range 100 {
		ref.Tell(ping{n})
	}
	ref.Tell(urgent{1})
	there.expect(urgent{1})
	close(release)
	there.expect(stuck{})
	there.expect(ping{0})
}

var hang chan struct{}

type stuck struct{}

func (stuck) AppendWire(_ codec.Scope, b []byte) ([]byte, error) { return b, nil }
func (*stuck) DecodeWire(codec.Scope, []byte) error              { <-hang; return nil }

func TestWhatCantBeSent(t *testing.T) { // R045, R046
	pairOf(t, remote.Config{LargeMax: 512 << 10}, func(t *testing.T, _ *remote.MemNet, a, b *node) {
		there := b.inbox("there")
		ref := a.sys.RefOf(there.pid.Location())
		letters := subscribe[actor.DeadLetter](a, "letters")
		ref.Tell(ping{1})
		there.expect(ping{1})

		require.ErrorIs(t, ref.TryTell(secret{1}), codec.ErrUnregistered)
		require.Equal(t, actor.DropEncode, letters.next().(actor.DeadLetter).Reason)
		require.Error(t, ref.TryTell(blob{B: make([]byte, 1<<20)}))
		require.Equal(t, actor.DropTooLarge, letters.next().(actor.DeadLetter).Reason)

		require.NoError(t, codec.Register[secret](a.sys.Registry(), "secret"))
		there2 := subscribe[actor.DeadLetter](b, "letters")
		ref.Tell(secret{2}) // b doesn't know it
		letter := there2.next().(actor.DeadLetter)
		require.Equal(t, actor.DropDecode, letter.Reason)
		require.Equal(t, "secret", letter.Message.(remote.Undecodable).Name)

		ref.Tell(blob{B: make([]byte, 255<<10)})
		there.next()
		ref.Tell(ping{2})
		there.expect(ping{2})
	})
}

func TestForeignClusterIsRefused(t *testing.T) {
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.Cluster = "red"
	a, b := start(t, cfg), start(t, memConfig(net, "b:1"))
	there := b.inbox("there")
	letters := subscribe[actor.DeadLetter](a, "letters")
	a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
	require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason)
	there.none()
	require.Zero(t, a.rem.Peer("b:1"))
}

func TestGarbageOnThePort(t *testing.T) { // R021
	n := start(t, remote.Config{HandshakeTimeout: 200 * time.Millisecond})
	frame := func(b ...byte) string {
		return "TRP1" + string(binary.BigEndian.AppendUint32(nil, uint32(len(b)))) + string(b)
	}
	for title, input := range map[string]string{
		"an HTTP request":               "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a TLS hello":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"a frame of 4 GB":               "TRP1\xff\xff\xff\xff",
		"a frame over 4 KiB":            "TRP1\x00\x00\x10\x01",
		"an empty frame":                "TRP1\x00\x00\x00\x00",
		"a message before the hello":    frame(10, 0, 1, 'x'),
		"a hello of noise":              frame(1, 0xff, 0xff, 0xff),
		"half a magic and then silence": "TR",
		"nothing at all":                "",
	} {
		t.Run(title+" => closed", func(t *testing.T) {
			c, err := net.Dial("tcp", n.rem.Addr())
			require.NoError(t, err)
			defer func() { _ = c.Close() }()
			_, err = c.Write([]byte(input))
			require.NoError(t, err)
			require.NoError(t, c.SetReadDeadline(time.Now().Add(wait)))
			_, err = c.Read(make([]byte, 1))
			require.Error(t, err)
			require.NotContains(t, err.Error(), "timeout", "the node closes it, we don't give up")
		})
	}
	other := start(t, remote.Config{})
	there := n.inbox("there")
	other.sys.RefAt(n.rem.Addr(), "/user/there").Tell(ping{1})
	there.expect(ping{1})
}

func TestPortTaken(t *testing.T) { // R025
	a := start(t, remote.Config{})
	b := start(t, remote.Config{})
	_, err := remote.Start(b.sys, remote.Config{Listen: a.rem.Addr()})
	require.ErrorContains(t, err, "address already in use")
	_, err = remote.Start(b.sys, remote.Config{})
	require.ErrorIs(t, err, actor.ErrAttached)
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for title, c := range map[string]struct {
		cfg  remote.Config
		want string
	}{
		"a frame smaller than a handshake": {remote.Config{FrameMax: 100}, "FrameMax 100"},
		"a frame larger than its buffer":   {remote.Config{FrameMax: 1 << 20, BufferMax: 1 << 19}, "raise BufferMax"},
		"an address without a port":        {remote.Config{Listen: "localhost"}, "write host:port"},
	} {
		t.Run(title, func(t *testing.T) { require.ErrorContains(t, c.cfg.Validate(), c.want) })
	}
	n := start(t, remote.Config{})
	_, err := remote.Start(n.sys, remote.Config{Listen: "0.0.0.0:0"})
	require.ErrorContains(t, err, "set Advertise")
	require.True(t, strings.HasPrefix(n.rem.Addr(), "127.0.0.1:"))
}
