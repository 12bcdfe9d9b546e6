package remote

import (
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func TestOneHostCantCrowdOutOthers(t *testing.T) {
	r := guarded(t, Config{HandshakeTimeout: time.Hour})
	var conns []net.Conn
	for range unknownHost + 1 {
		c, err := net.Dial("tcp", r.Addr())
		require.NoError(t, err)
		defer func() { _ = c.Close() }()
		require.NoError(t, c.SetDeadline(time.Now().Add(15*time.Second)))
		conns = append(conns, c)
	}
	_, err := conns[0].Read(make([]byte, 1))
	require.Error(t, err)
	require.NotContains(t, err.Error(), "timeout", "the oldest is closed, long before its time is over")
	w := newWireEnd(t, conns[unknownHost])
	h := guest(r)
	h.From.Cluster = ""
	w.write(appendHello(nil, h))
	w.readKind(frameWelcome)
}

func TestUnknownsAreCountedByHost(t *testing.T) {
	r := &Remote{conns: map[uint64]*inbound{}}
	add := func(host string, n int) {
		for range n {
			r.lastConn++
			r.conns[r.lastConn] = &inbound{id: r.lastConn, host: host}
		}
	}
	add("known", 600)
	for _, i := range r.conns {
		i.open.Store(true)
	}
	require.Nil(t, r.oldestUnknown("known"), "who was let in is never given up")
	add("a", unknownHost)
	require.Nil(t, r.oldestUnknown("a"))
	add("a", 1)
	require.Equal(t, uint64(601), r.oldestUnknown("a").id)
	require.Nil(t, r.oldestUnknown("b"), "one more of another host is welcome")
	for _, host := range []string{"c", "d", "e", "f", "g", "h", "i"} {
		add(host, unknownHost)
	}
	require.Equal(t, uint64(601), r.oldestUnknown("i").id, "until there are too many in all")
}

// TestLastPlacesAreForMembers: clients that say to live at ever new addresses don't keep
// members out.
func TestLastPlacesAreForMembers(t *testing.T) {
	r := guarded(t, Config{})
	known := make([]*peer, 0, peersMax)
	bring := func(class Class) bool {
		p, ok := r.peer(fmt.Sprintf("10.0.0.1:%d", len(known)), class)
		if ok {
			known = append(known, p)
		}
		return ok
	}
	for bring(Client) {
	}
	require.Len(t, known, lesserMax)
	require.False(t, bring(Observer))
	_, ok := r.peer("10.0.0.1:0", Client)
	require.True(t, ok, "who is known is")
	for bring(Member) {
	}
	require.Len(t, known, peersMax)
	runtime.KeepAlive(known)
}

func TestForgedSender(t *testing.T) {
	r := guarded(t, Config{})
	h := guest(r)
	h.From.Cluster, h.Lane = "", laneControl
	w := knockAt(t, r)
	w.write(appendHello(nil, h))
	w.readKind(frameWelcome)
	say := func(from actor.Location) {
		w.write(endFrame(appendUser(nil, identity{Addr: "x:9"}, actor.Location{Path: "/user/x"}, from, "m"), 0))
		w.write(appendNumber(nil, framePing, r.self.UID))
		w.readKind(framePong) // what was before it is done with
	}
	for _, c := range []struct {
		title string
		from  actor.Location
		bad   bool
	}{
		{"itself, at another incarnation", actor.Location{System: "test", Addr: h.From.Addr, UID: 5, Path: "/user/y"}, true},
		{"itself, as if elsewhere", actor.Location{System: "test", Addr: h.From.Addr, UID: h.From.UID, Path: "/user/y"}, true},
		{"a third node, whose message it passes on", actor.Location{System: "test", Addr: "z:1", UID: 5, Path: "/user/y"}, false},
		{"a ref without an address", actor.Location{System: "test", Path: "/entity/a/b"}, false},
		{"nobody", actor.Location{}, false},
	} {
		t.Run(c.title, func(t *testing.T) {
			before := r.Stats().Forged
			say(c.from)
			require.Equal(t, c.bad, r.Stats().Forged > before)
		})
	}
}
