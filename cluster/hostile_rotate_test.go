package cluster_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/internal/testca"
	"github.com/troupe-go/troupe/remote"
)

// TestRotationUnderLoad changes the authority, all certificates and the secret of a live
// cluster, step by step as docs/operate/security.md says: no ask fails, and what was
// good before is worth nothing afterwards.
func TestRotationUnderLoad(t *testing.T) { // R093
	old, next := newAuthority(), newAuthority()
	oldSecret, newSecret := secretOf(t, memberWords), secretOf(t, strangerWords)
	authority, secrets := old, []remote.Secret{oldSecret} // of who is opened now
	var dirs []testca.Dir
	v := newVictimOf(t, func() remote.Config {
		dir := testca.Dir(t.TempDir())
		dirs = append(dirs, dir)
		require.NoError(t, dir.Trust(authority))
		require.NoError(t, dir.Show(authority.Issue()))
		keys, err := remote.LoadKeys(dir.Files())
		require.NoError(t, err)
		return remote.Config{Keys: keys, KeysEvery: 5 * time.Millisecond, Secrets: secrets, Transport: &remote.TCP{TLS: keys.TLS("*.shop.internal")}}
	})
	all := v.nodes
	for _, change := range []func(dir testca.Dir) error{
		func(dir testca.Dir) error { return dir.Trust(old, next) },
		func(dir testca.Dir) error { return dir.Show(next.Issue()) },
		func(dir testca.Dir) error { return dir.Trust(next) },
	} {
		for i, n := range all {
			loaded, stop := events[remote.KeysLoaded](v, n)
			require.NoError(t, change(dirs[i]))
			hear(v, "the keys are loaded", loaded)
			stop()
		}
		v.renewAll(all)
	}
	for _, s := range [][]remote.Secret{{oldSecret, newSecret}, {newSecret, oldSecret}, {newSecret}} {
		for _, n := range all {
			require.NoError(t, n.cl.Remote().SetSecrets(s...))
		}
		v.renewAll(all)
	}

	_, err := v.requireRefused(t, shows(old.Issue()), []byte("TRP1"))
	require.Error(t, err, "the old authority is worth nothing")
	for words, verdict := range map[string]byte{memberWords: stranger.KindRefusal, strangerWords: stranger.KindWelcome} {
		g := v.guest("127.0.0.1:1")
		a := v.beginTLS(shows(next.Issue()), g.Hello()).magic()
		a.say(stranger.KindProof, stranger.Proof(words, stranger.Dialer, stranger.Transcript(g.Fields(), a.frame(stranger.KindChallenge), a.binding()...))...)
		a.frame(verdict)
	}
	authority, secrets = next, []remote.Secret{newSecret}
	v.open([]string{v.target})
	v.requireUp(20 * time.Second)
	v.requireServing()
}

// renewAll has all nodes make new connections.
func (v *victim) renewAll(nodes []*node) {
	v.t.Helper()
	for i, n := range nodes {
		var others []*node
		for k, o := range nodes {
			if k != i {
				others = append(others, o)
			}
		}
		v.renew(n, others)
	}
	v.requireServing()
}
