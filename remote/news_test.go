package remote_test

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
	"github.com/troupe-go/troupe/testkit"
)

// talking starts two nodes, each of which has sent something to the other, and the log
// of the first.
func talking(t *testing.T) (net *remote.MemNet, a, b *node, logs *testkit.Logs) {
	net, logs = remote.NewMemNet(), testkit.NewLogs(t)
	a = startOn(t, actor.Config{Logger: logs.Logger()}, memConfig(net, "a:1"))
	b = start(t, memConfig(net, "b:1"))
	here, there := a.inbox("here"), b.inbox("there")
	logs.Expect(1, testkit.Line{Level: zerolog.DebugLevel, Message: "connected"}, func() {
		a.sys.RefOf(there.pid.Location()).Tell(ping{1})
		there.expect(ping{1})
		b.sys.RefOf(here.pid.Location()).Tell(ping{2})
		here.expect(ping{2})
	})
	return net, a, b, logs
}

func TestEndInGoodOrderIsNoNewsAtInfo(t *testing.T) {
	_, _, b, logs := talking(t)
	logs.Expect(1, testkit.Line{Level: zerolog.DebugLevel, Message: "peer is gone"}, b.stop)
	require.Zero(t, logs.Count(testkit.Line{Level: zerolog.InfoLevel, Fields: map[string]string{"peer": "b:1"}}))
}

func TestLostConnectionsToOneNodeAreOneLineAtInfo(t *testing.T) {
	net, a, b, logs := talking(t)
	watcher := a.inbox("watcher")
	watcher.pid.Tell(watchIt{a.sys.RefAt("b:1", "/user/nobody")}) // over the control connection
	watcher.next()
	logs.Expect(1, testkit.Line{Level: zerolog.InfoLevel, Message: "connection lost"}, func() {
		logs.Expect(1, testkit.Line{Level: zerolog.DebugLevel, Message: "connection lost"}, func() { b.crash(net, a) })
	})
}
