package remote_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

func secretConfig(net *remote.MemNet, addr string, secrets ...remote.Secret) remote.Config {
	cfg := memConfig(net, addr)
	cfg.Secrets = secrets
	cfg.DeliverBy = 100 * time.Millisecond
	return cfg
}

func TestSecretsMustMatch(t *testing.T) {
	one, two := sharedSecret(t, "one"), sharedSecret(t, "two")
	for title, c := range map[string]struct {
		a, b []remote.Secret
		met  bool
	}{
		"the same":                            {[]remote.Secret{one}, []remote.Secret{one}, true},
		"different ones":                      {[]remote.Secret{one}, []remote.Secret{two}, false},
		"one and none":                        {[]remote.Secret{one}, nil, false},
		"none and one":                        {nil, []remote.Secret{one}, false},
		"the old one, where the new is known": {[]remote.Secret{one}, []remote.Secret{two, one}, true},
		"the new one, where the old is known": {[]remote.Secret{two}, []remote.Secret{one, two}, true},
	} {
		t.Run(title, func(t *testing.T) {
			net := remote.NewMemNet()
			a, b := start(t, secretConfig(net, "a:1", c.a...)), start(t, secretConfig(net, "b:1", c.b...))
			there := b.inbox("there")
			letters := subscribe[actor.DeadLetter](a, "letters")
			a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
			if c.met {
				there.expect(ping{1})
				return
			}
			require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason)
			there.none()
			if len(c.a) > 0 {
				require.Zero(t, a.rem.Peer("b:1"))
			}
			if len(c.b) > 0 {
				require.Zero(t, b.rem.Peer("a:1"))
			}
		})
	}
}

// hears tells the inbox of a node something until it has it: what was told to a
// connection that is just breaking is lost with it.
func (i *inbox) hears(from, to *node, msg ping) {
	i.t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	late := time.After(wait)
	for {
		from.sys.RefAt(to.rem.Addr(), "/user/there").Tell(msg)
		select {
		case m := <-i.ch:
			if m == any(msg) {
				return
			}
		case <-again.C:
		case <-late:
			require.FailNow(i.t, "not heard", "%v", msg)
		}
	}
}

func TestSecretsRotateWithoutALoss(t *testing.T) {
	net := remote.NewMemNet()
	old, next := sharedSecret(t, "old"), sharedSecret(t, "new")
	nodes := []*node{start(t, secretConfig(net, "a:1", old)), start(t, secretConfig(net, "b:1", old)), start(t, secretConfig(net, "c:1", old))}
	var inboxes []*inbox
	for _, n := range nodes {
		inboxes = append(inboxes, n.inbox("there"))
	}
	told := 0
	everybody := func() {
		for _, from := range nodes {
			for i, to := range nodes {
				if from != to {
					net.Break(from.rem.Addr(), to.rem.Addr()) // so that all shake hands anew
					told++
					inboxes[i].hears(from, to, ping{told})
				}
			}
		}
	}
	for _, step := range [][]remote.Secret{{old, next}, {next, old}, {next}} {
		for _, n := range nodes {
			require.NoError(t, n.rem.SetSecrets(step...))
			everybody()
		}
	}
	late := start(t, secretConfig(net, "d:1", old))
	letters := subscribe[actor.DeadLetter](late, "letters")
	late.sys.RefAt("a:1", "/user/there").Tell(ping{0})
	require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason, "the old secret is worth nothing now")
	require.ErrorContains(t, nodes[0].rem.SetSecrets(), "neither begins nor ceases")
	require.ErrorContains(t, nodes[0].rem.SetSecrets(old, next, next), "at most 2")
	open := start(t, memConfig(net, "e:1"))
	require.ErrorContains(t, open.rem.SetSecrets(next), "neither begins nor ceases")
}
