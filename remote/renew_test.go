package remote_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

func TestRenewLosesNothing(t *testing.T) { // RM-1
	net := remote.NewMemNet()
	cfg := memConfig(net, "a:1")
	cfg.Heartbeat = time.Millisecond // so that other pings are on their way as well
	cfg.AcceptablePause = wait
	a, b := start(t, cfg), start(t, memConfig(net, "b:1"))
	there, watcher := b.inbox("there"), a.inbox("watcher")
	lost := subscribe[remote.ConnectionLost](a, "lost")
	ref := a.sys.RefOf(there.pid.Location())
	watcher.pid.Tell(watchIt{ref})
	n, urgents := 0, 0
	for range 60 {
		for range 25 {
			ref.Tell(ping{n})
			n++
		}
		ref.Tell(urgent{urgents})
		urgents++
		a.rem.Renew(0)
		for range 25 {
			ref.Tell(ping{n})
			n++
		}
	}
	pings, seen := 0, 0
	for pings < n || seen < urgents {
		switch m := there.next().(type) {
		case ping:
			require.Equal(t, pings, m.N, "in order, none missing, none twice")
			pings++
		case urgent:
			require.Equal(t, seen, m.N)
			seen++
		}
	}
	lost.none()
	a.rem.Renew(time.Hour) // what is planned ends with the node
}

func TestRenewMakesNewConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := remote.NewMemNet()
		old, next := sharedSecret(t, "old"), sharedSecret(t, "new")
		a, b := start(t, secretConfig(net, "a:1", old)), start(t, secretConfig(net, "b:1", old))
		there := b.inbox("there")
		a.sys.RefAt("b:1", "/user/there").Tell(ping{1})
		there.expect(ping{1})
		// Only b changes its secret: the old connection stays, a new one is refused.
		require.NoError(t, b.rem.SetSecrets(next))
		a.sys.RefAt("b:1", "/user/there").Tell(ping{2})
		there.expect(ping{2})
		a.rem.Renew(time.Minute)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.NotZero(t, b.rem.Stats().Refused)
		require.NoError(t, a.rem.SetSecrets(next))
		time.Sleep(2 * time.Second)
		a.sys.RefAt("b:1", "/user/there").Tell(ping{3})
		there.expect(ping{3})
		// One that doesn't answer any more is found out.
		lost := subscribe[remote.ConnectionLost](a, "lost")
		net.Stall("a:1", "b:1")
		a.rem.Renew(0)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.Equal(t, "b:1", lost.next().(remote.ConnectionLost).Addr)
		net.Heal("a:1", "b:1")
	})
}

// Connections don't get older than RenewEvery: so whoever was let in by a secret that has
// changed since is out in the end.
func TestConnectionsAreRenewedInTime(t *testing.T) {
	for title, c := range map[string]struct {
		every  time.Duration
		within time.Duration
	}{
		"within a day":             {0, 24 * time.Hour},
		"within the time given":    {time.Hour, time.Hour},
		"not at all when told so ": {-1, 0},
	} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := remote.NewMemNet()
				old, next := sharedSecret(t, "old"), sharedSecret(t, "new")
				cfg := secretConfig(net, "a:1", old)
				cfg.RenewEvery, cfg.IdleAfter = c.every, 1000*time.Hour
				a, b := start(t, cfg), start(t, secretConfig(net, "b:1", old))
				there := b.inbox("there")
				ref := a.sys.RefOf(there.pid.Location())
				ref.Tell(ping{1})
				there.expect(ping{1})
				ref.Tell(urgent{1})
				there.expect(urgent{1})
				lanes := map[bool]int{}
				renewed := subscribe[remote.Renewed](a, "renewed")
				if c.within == 0 {
					time.Sleep(100 * time.Hour)
					renewed.none()
					return
				}
				for day := range 3 {
					time.Sleep(c.within)
					synctest.Wait()
					for len(renewed.ch) > 0 {
						lanes[renewed.next().(remote.Renewed).Control]++
					}
					require.Greater(t, lanes[true], day, "control")
					require.Greater(t, lanes[false], day, "ordinary")
					require.LessOrEqual(t, lanes[false], 2*(day+1))
				}
				require.NoError(t, b.rem.SetSecrets(next))
				refused := b.rem.Stats().Refused
				time.Sleep(c.within)
				synctest.Wait()
				require.Greater(t, b.rem.Stats().Refused, refused)
			})
		})
	}
}

// revoke writes a list that names certificates.
func (a authority) revoke(t *testing.T, file string, certs ...*x509.Certificate) {
	require.NoError(t, os.WriteFile(file, a.Revoke(certs...), 0o600))
}

func TestRevokedCertificatesEndConnections(t *testing.T) {
	ca := newAuthority()
	dirs := []testca.Dir{testca.Dir(t.TempDir()), testca.Dir(t.TempDir()), testca.Dir(t.TempDir())}
	list := filepath.Join(t.TempDir(), "revoked.pem")
	ca.revoke(t, list)
	var nodes []*node
	var certs []*x509.Certificate
	var keys []*remote.Keys
	for _, dir := range dirs {
		cert := ca.Issue()
		k, err := remote.LoadKeys(ca.write(t, dir, cert))
		require.NoError(t, err)
		require.NoError(t, k.Revocations(list))
		keys, certs = append(keys, k), append(certs, cert.Leaf)
		nodes = append(nodes, start(t, withTLS(k.TLS())))
	}
	good, bad, third := nodes[0], nodes[1], nodes[2]
	inGood, inBad := good.inbox("there"), bad.inbox("there")
	bad.sys.RefAt(good.rem.Addr(), "/user/there").Tell(ping{1})
	inGood.expect(ping{1})
	good.sys.RefAt(bad.rem.Addr(), "/user/there").Tell(ping{2})
	inBad.expect(ping{2})
	third.sys.RefAt(good.rem.Addr(), "/user/there").Tell(ping{3})
	inGood.expect(ping{3})
	require.Zero(t, good.rem.Recheck())

	lost := subscribe[remote.ConnectionLost](good, "lost")
	badLost := subscribe[remote.ConnectionLost](bad, "lost")
	ca.revoke(t, list, certs[1])
	require.NoError(t, keys[0].Reload())
	require.Equal(t, 2, good.rem.Recheck(), "the one that it dialed, and the one that was dialed")
	require.Equal(t, bad.rem.Addr(), lost.next().(remote.ConnectionLost).Addr)
	require.Equal(t, good.rem.Addr(), badLost.next().(remote.ConnectionLost).Addr)
	letters := subscribe[actor.DeadLetter](bad, "letters")
	bad.sys.RefAt(good.rem.Addr(), "/user/there").Tell(ping{10})
	require.Equal(t, actor.DropUnreachable, letters.next().(actor.DeadLetter).Reason)
	inGood.none()
	third.sys.RefAt(good.rem.Addr(), "/user/there").Tell(ping{4})
	inGood.expect(ping{4})

	require.NoError(t, os.WriteFile(list, []byte("nonsense"), 0o600))
	require.Error(t, keys[0].Reload())
	other := newAuthority()
	other.revoke(t, list, certs[2])
	require.ErrorContains(t, keys[0].Reload(), "not signed")
	require.Zero(t, good.rem.Recheck(), "what was in use stays in use")
	require.ErrorContains(t, keys[2].Revocations(filepath.Join(t.TempDir(), "none")), "load revocations")
	require.Error(t, keys[2].Reload(), "the list before counts still, and can't be used")
}

// Certificates and authorities change under load, as an operator would do it; no ask
// fails, and the old certificate is worth nothing in the end.
func TestKeysRotateUnderTraffic(t *testing.T) { // R093
	old, next := newAuthority(), newAuthority()
	dirs := []testca.Dir{testca.Dir(t.TempDir()), testca.Dir(t.TempDir())}
	var nodes []*node
	for _, dir := range dirs {
		keys, err := remote.LoadKeys(old.write(t, dir, old.Issue()))
		require.NoError(t, err)
		cfg := withTLS(keys.TLS())
		cfg.Keys, cfg.KeysEvery, cfg.DeliverBy = keys, 5*time.Millisecond, wait
		nodes = append(nodes, start(t, cfg))
	}
	done, begun := make(chan struct{}), make(chan struct{}, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		other := nodes[1-i]
		pid, err := other.sys.Spawn("echo", func() actor.Actor { return echo{} })
		require.NoError(t, err)
		ref := n.sys.RefOf(pid.Location())
		wg.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-done:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(context.Background(), wait)
				answer, err := actor.AskAs[pong](ctx, ref, any(ping{k}))
				cancel()
				if err != nil || answer.N != k {
					t.Errorf("ask %d: %v %v", k, answer, err)
					if k == 0 {
						begun <- struct{}{}
					}
					return
				}
				if k == 0 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range nodes {
		<-begun
	}
	for step, change := range []func(dir testca.Dir) error{
		func(dir testca.Dir) error { return dir.Trust(old.Authority, next.Authority) },
		func(dir testca.Dir) error { return dir.Show(next.Issue()) },
		func(dir testca.Dir) error { return dir.Trust(next.Authority) },
	} {
		for i, dir := range dirs {
			loaded := subscribe[remote.KeysLoaded](nodes[i], fmt.Sprint("loaded-", step))
			renewed := subscribe[remote.Renewed](nodes[i], fmt.Sprint("renewed-", step))
			require.NoError(t, change(dir))
			loaded.next()
			nodes[i].rem.Renew(0)
			renewed.next()
		}
	}
	close(done)
	wg.Wait()
	late := start(t, withTLS(old.node()))
	letters := subscribe[actor.DeadLetter](late, "letters")
	late.sys.RefAt(nodes[0].rem.Addr(), "/user/echo").Tell(ping{0})
	require.Equal(t, ping{0}, letters.next().(actor.DeadLetter).Message, "the old authority is worth nothing now")
	require.False(t, nodes[0].rem.Stats().CertificateExpires.IsZero())
}

// locked is a buffer that a logger may write to from anywhere.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestPlaintextIsSaidAtStartAndEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, log := remote.NewMemNet(), &locked{}
		out := zerolog.New(log)
		sys, err := actor.NewSystem("test", actor.Config{Logger: &out})
		require.NoError(t, err)
		rem, err := remote.Start(sys, remote.Config{
			Listen: "10.0.0.1:1", Transport: net.Node("10.0.0.1:1"), Secrets: []remote.Secret{sharedSecret(t, "x")}, Plaintext: true,
		})
		require.NoError(t, err)
		require.True(t, rem.Stats().Plaintext)
		time.Sleep(3*time.Hour + time.Minute)
		synctest.Wait()
		require.Equal(t, 4, strings.Count(log.String(), "traffic with other machines is not encrypted"))
		require.NoError(t, sys.Stop(context.Background()))
		time.Sleep(3 * time.Hour)
		require.Equal(t, 4, strings.Count(log.String(), "traffic with other machines is not encrypted"))
	})
}

// TestSecretsAreInNoLog lets two nodes meet, quarrel and part at the most talkative
// level, and looks for what must not be there.
func TestSecretsAreInNoLog(t *testing.T) {
	const canary, wrong = "canary 7f3a91c2 never to be seen", "another 55aa0b17 never to be seen"
	log := &locked{}
	ca := newAuthority()
	cert := ca.Issue()
	begin := func(words string) *node {
		out := zerolog.New(log).Level(zerolog.TraceLevel)
		sys, err := actor.NewSystem("test", actor.Config{Logger: &out, Registry: registry(t)})
		require.NoError(t, err)
		secret, err := remote.NewSecret([]byte(words))
		require.NoError(t, err)
		cfg := withTLS(ca.with(cert))
		cfg.Secrets = []remote.Secret{secret}
		rem, err := remote.Start(sys, cfg)
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), words)
		_, _ = fmt.Fprintf(log, "%v %+v\n", rem.Stats(), cfg.Secrets)
		return &node{t: t, sys: sys, rem: rem}
	}
	a, b, stranger := begin(canary), begin(canary), begin(wrong)
	there := b.inbox("there")
	letters := subscribe[actor.DeadLetter](stranger, "letters")
	a.sys.RefAt(b.rem.Addr(), "/user/there").Tell(ping{1})
	there.expect(ping{1})
	stranger.sys.RefAt(b.rem.Addr(), "/user/there").Tell(ping{2})
	letters.next()
	for _, n := range []*node{a, b, stranger} {
		require.NoError(t, n.sys.Stop(context.Background()))
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	text := log.String()
	require.Contains(t, text, "the proof of the shared secret is wrong")
	for _, hidden := range []string{"7f3a91c2", "55aa0b17", hex.EncodeToString([]byte(canary))[:24], fmt.Sprint([]byte(canary))[1:24], hex.EncodeToString(key[40:60]), fmt.Sprint(key[40:50])} {
		require.NotContains(t, text, hidden)
	}
}
