package remote_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// usable is how soon a node that was started again is of use to the others.
const usable = 3 * time.Second

// TestARestartedNodeIsUsableWithinThreeSeconds, at the same address, however it ended and
// however long it was away: messages reach it, its own arrive, and whoever watched the
// one before has its Terminated.
func TestARestartedNodeIsUsableWithinThreeSeconds(t *testing.T) { // R024, R029, R066, RM-4, RM-6
	ends := map[string]func(net *remote.MemNet, a, b *node){
		"it stopped":           func(_ *remote.MemNet, _, b *node) { b.stop() },
		"it crashed":           func(net *remote.MemNet, a, b *node) { b.crash(net, a) },
		"it was declared dead": func(net *remote.MemNet, a, b *node) { a.rem.Quarantine("b:1", b.sys.UID()); b.crash(net, a) },
		"it froze and was shot": func(net *remote.MemNet, a, b *node) {
			net.Stall("a:1", "b:1")
			time.Sleep(time.Second)
			b.crash(net, a)
		},
	}
	for end, ended := range ends {
		for _, away := range []time.Duration{0, 700 * time.Millisecond, 5 * time.Second, 50 * time.Second} {
			for kind := range 4 {
				r := restart{end: ended, away: away, busy: kind&1 != 0, speaks: kind&2 != 0}
				t.Run(fmt.Sprintf("%s, away for %v, busy %v, speaks %v", end, away, r.busy, r.speaks), func(t *testing.T) {
					synctest.Test(t, r.run)
				})
			}
		}
	}
}

// restart is how a node b ends and is started again.
type restart struct {
	end    func(net *remote.MemNet, a, b *node)
	away   time.Duration
	busy   bool // a goes on sending to it all the time
	speaks bool // it says something by itself
}

func (r restart) run(t *testing.T) {
	net := remote.NewMemNet()
	cfg := func(addr string) remote.Config { return remote.Config{Listen: addr, Transport: net.Node(addr)} }
	a, b := start(t, cfg("a:1")), start(t, cfg("b:1"))
	here, there := a.inbox("here"), b.inbox("there")
	old := a.sys.RefOf(there.pid.Location())
	here.pid.Tell(watchIt{old})
	there.pid.Tell(watchIt{b.sys.RefOf(here.pid.Location())})
	old.Tell(ping{0})
	there.expect(ping{0})
	var sender actor.PID
	if r.busy {
		to := a.sys.RefAt("b:1", "/user/there")
		var err error
		sender, err = a.sys.Spawn("busy", func() actor.Actor {
			return actor.Func(func(ctx *actor.Context) {
				ctx.Tell(to, ping{1})
				ctx.After(40*time.Millisecond, "again")
			})
		})
		require.NoError(t, err)
		sender.Tell("begin")
		time.Sleep(time.Second)
	}
	r.end(net, a, b)
	time.Sleep(r.away)

	b = start(t, cfg("b:1"))
	began := time.Now()
	there = b.inbox("there")
	news := []any{actor.Terminated{Ref: old}}
	if r.speaks {
		b.sys.RefAt("a:1", "/user/here").Tell(ping{2})
		news = append(news, ping{2})
	}
	if !r.busy {
		a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
	}
	there.expect(ping{1})
	require.LessOrEqual(t, time.Since(began), usable, "messages reach it")
	var got []any
	for range news {
		got = append(got, here.next())
	}
	require.ElementsMatch(t, news, got)
	require.LessOrEqual(t, time.Since(began), usable, "its own arrive, and the one before is known to be gone")

	fresh := a.sys.RefOf(there.pid.Location())
	here.pid.Tell(watchIt{fresh})
	there.pid.Tell(stopIt{who: b.sys.RefOf(here.pid.Location()), last: ping{3}})
	here.expect(ping{3})
	here.expect(actor.Terminated{Ref: fresh})
	require.LessOrEqual(t, time.Since(began), usable+time.Second, "watches work at once")
	if r.busy {
		require.NoError(t, actor.GracefulStop(t.Context(), sender))
	}
}
