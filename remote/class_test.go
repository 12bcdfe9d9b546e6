package remote_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// echo answers.
type echo struct{}

func (echo) Receive(ctx *actor.Context) {
	if m, ok := ctx.Message().(ping); ok {
		ctx.Tell(ctx.Sender(), pong(m))
	}
}

// classes is a member that exports /user/api, and a node of each class.
type classes struct {
	net    *remote.MemNet
	member *node
	guests map[remote.Class]*node
}

func startClasses(t *testing.T, change func(*remote.Access)) classes {
	net := remote.NewMemNet()
	secrets := map[remote.Class]remote.Secret{
		remote.Member: sharedSecret(t, "members"), remote.Client: sharedSecret(t, "clients"), remote.Observer: sharedSecret(t, "observers"),
	}
	cfg := memConfig(net, "m:1")
	cfg.Secrets = []remote.Secret{secrets[remote.Member]}
	cfg.Access = remote.Access{
		ClientSecrets: []remote.Secret{secrets[remote.Client]}, ObserverSecrets: []remote.Secret{secrets[remote.Observer]},
		Exported: []string{"/user/api"},
	}
	if change != nil {
		change(&cfg.Access)
	}
	c := classes{net: net, member: start(t, cfg), guests: map[remote.Class]*node{}}
	for class, secret := range secrets {
		c.guests[class] = start(t, secretConfig(net, class.String()+":1", secret))
	}
	return c
}

func each(t *testing.T, c classes, test func(t *testing.T, class remote.Class, guest *node)) {
	for _, class := range []remote.Class{remote.Member, remote.Client, remote.Observer} {
		t.Run(class.String(), func(t *testing.T) { test(t, class, c.guests[class]) })
	}
}

func TestClassesSend(t *testing.T) { // R049
	c := startClasses(t, nil)
	api, other := c.member.inbox("api"), c.member.inbox("other")
	letters := subscribe[actor.DeadLetter](c.member, "letters")
	each(t, c, func(t *testing.T, class remote.Class, guest *node) {
		guest.sys.RefAt("m:1", "/user/api").Tell(ping{int(class)})
		if class == remote.Observer {
			require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason)
		} else {
			api.expect(ping{int(class)})
		}
		guest.sys.RefAt("m:1", "/user/other").Tell(ping{10 + int(class)})
		if class == remote.Member {
			other.expect(ping{10})
			return
		}
		letter := letters.next().(actor.DeadLetter)
		require.Equal(t, ping{10 + int(class)}, letter.Message)
		require.Equal(t, actor.DropRefused, letter.Reason)
		guest.sys.RefAt("m:1", "/system/anything").Tell(ping{20})
		require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason)
	})
	other.none()
	require.EqualValues(t, 5, c.member.rem.Stats().Denied)
}

// A member asks actors of every class and gets its answers: they go to a reply.
func TestClassesAnswer(t *testing.T) {
	c := startClasses(t, nil)
	each(t, c, func(t *testing.T, class remote.Class, guest *node) {
		echo, err := guest.sys.Spawn("echo", func() actor.Actor { return echo{} })
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		// The guest has come in, so that it is known which secret to prove.
		guest.sys.RefAt("m:1", "/user/nobody").Tell(ping{1})
		connected := subscribe[remote.Connected](c.member, "connected-"+class.String())
		if c.member.rem.Peer(guest.rem.Addr()) == 0 {
			connected.next()
		}
		answer, err := actor.AskAs[pong](ctx, c.member.sys.RefOf(echo.Location()), any(ping{7}))
		require.NoError(t, err)
		require.Equal(t, pong{7}, answer)
	})
}

func TestClassesWatch(t *testing.T) {
	c := startClasses(t, nil)
	spawn := func(name string) actor.PID {
		pid, err := c.member.sys.Spawn(name, func() actor.Actor { return echo{} })
		require.NoError(t, err)
		return pid
	}
	api, other := spawn("api"), spawn("other")
	watchers := map[remote.Class]*inbox{}
	each(t, c, func(t *testing.T, class remote.Class, guest *node) {
		w := guest.inbox("watcher")
		watchers[class] = w
		w.pid.Tell(watchIt{guest.sys.RefOf(other.Location())})
		w.pid.Tell(watchIt{guest.sys.RefOf(api.Location())})
		// A watch that arrives late is answered as well, so nothing has to be waited for.
	})
	c.member.sys.StopActor(api)
	for class, w := range watchers {
		w.expect(actor.Terminated{Ref: c.guests[class].sys.RefOf(api.Location())})
	}
	c.member.sys.StopActor(other)
	watchers[remote.Member].expect(actor.Terminated{Ref: c.guests[remote.Member].sys.RefOf(other.Location())})
	watchers[remote.Client].none()
	watchers[remote.Observer].none()
	require.EqualValues(t, 2, c.member.rem.Stats().Denied)
}

func TestStoppingFromElsewhereIsOffUntilGranted(t *testing.T) { // R049
	for _, granted := range []bool{false, true} {
		c := startClasses(t, func(a *remote.Access) {
			a.Exported = []string{"/user/*"}
			if granted {
				a.Stop = []remote.Class{remote.Member, remote.Client, remote.Observer}
			}
		})
		watcher, denials := c.member.inbox("watcher"), subscribe[remote.Denied](c.member, "denials")
		each(t, c, func(t *testing.T, class remote.Class, guest *node) {
			for way, stop := range map[string]func(actor.PID){
				"PoisonPill": func(pid actor.PID) { pid.Tell(actor.PoisonPill{}) },
				"Kill":       func(pid actor.PID) { pid.Tell(actor.Kill{}) },
				"StopActor":  func(pid actor.PID) { guest.sys.StopActor(pid) },
			} {
				victim, err := c.member.sys.Spawn("victim-"+class.String()+"-"+way, func() actor.Actor { return echo{} }, actor.Supervise{MaxRestarts: -1})
				require.NoError(t, err)
				watcher.pid.Tell(watchIt{victim})
				stop(guest.sys.RefOf(victim.Location()))
				if !granted || class == remote.Observer {
					denial := denials.next().(remote.Denied)
					require.Equal(t, remote.Denied{
						Addr: guest.rem.Addr(), UID: guest.sys.UID(), Class: class, Path: victim.Location().Path, What: denial.What,
					}, denial)
					c.member.sys.StopActor(victim) // it lives
				}
				require.Equal(t, victim, watcher.next().(actor.Terminated).Ref)
			}
		})
	}
}

func TestSelectionFromElsewhereIsOffUntilGranted(t *testing.T) { // R049
	for _, granted := range []bool{false, true} {
		c := startClasses(t, func(a *remote.Access) {
			if granted {
				a.Select = []remote.Class{remote.Member, remote.Client, remote.Observer}
			}
		})
		other := c.member.inbox("other")
		letters := subscribe[actor.DeadLetter](c.member, "letters")
		each(t, c, func(t *testing.T, class remote.Class, guest *node) {
			selection, err := guest.sys.Select("troupe://test@m:1/user/o*")
			require.NoError(t, err)
			selection.Tell(ping{int(class)})
			if granted && class != remote.Observer {
				other.expect(ping{int(class)})
				selection.Tell(actor.PoisonPill{})
			}
			require.Equal(t, actor.DropRefused, letters.next().(actor.DeadLetter).Reason, "in particular no PoisonPill inside")
		})
		c.guests[remote.Member].sys.RefAt("m:1", "/user/other").Tell(ping{9})
		other.expect(ping{9})
	}
}

// Who shares only the clients' secret can't pass for a node that is there, nor end
// it by a goodbye in its name.
func TestClientsCannotPassForMembers(t *testing.T) {
	c := startClasses(t, nil)
	member, api := c.guests[remote.Member], c.member.inbox("api")
	member.sys.RefAt("m:1", "/user/api").Tell(ping{1})
	api.expect(ping{1})
	impostorNet := memConfig(c.net, "x:1")
	impostorNet.Secrets, impostorNet.Advertise = []remote.Secret{sharedSecret(t, "clients")}, "member:1"
	impostorNet.DeliverBy = secretConfig(c.net, "x:1").DeliverBy
	sys, err := actor.NewSystem("test", actor.Config{Registry: registry(t), UID: member.sys.UID()})
	require.NoError(t, err)
	rem, err := remote.Start(sys, impostorNet)
	require.NoError(t, err)
	impostor := &node{t: t, sys: sys, rem: rem}
	letters := subscribe[actor.DeadLetter](impostor, "letters")
	sys.RefAt("m:1", "/user/api").Tell(ping{2})
	require.Equal(t, ping{2}, letters.next().(actor.DeadLetter).Message)
	require.NoError(t, sys.Stop(context.Background()))
	member.sys.RefAt("m:1", "/user/api").Tell(ping{3})
	api.expect(ping{3})
	require.Equal(t, member.sys.UID(), c.member.rem.Peer("member:1"))
}

// A client claims the address of a member: another member gets together with that all the
// same, as one, whether they had met before or not.
func TestClaimsOfMembersAddressesDontLast(t *testing.T) {
	for title, met := range map[string]bool{"they haven't met": false, "they have met": true} {
		t.Run(title, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := startClasses(t, nil)
				other := secretConfig(c.net, "o:1", sharedSecret(t, "members"))
				other.Access, other.DeliverBy = remote.Access{ClientSecrets: []remote.Secret{sharedSecret(t, "clients")}}, time.Minute
				second := start(t, other)
				if met {
					c.member.inbox("seen")
					second.sys.RefAt("m:1", "/user/seen").Tell(ping{0})
					synctest.Wait()
					require.Equal(t, second.sys.UID(), c.member.rem.Peer("o:1"))
				}
				claims := secretConfig(c.net, "x:1", sharedSecret(t, "clients"))
				claims.Advertise = "m:1"
				impostor := start(t, claims)
				there := second.inbox("there")
				impostor.sys.RefAt("o:1", "/user/there").Tell(ping{1}) // refused: it isn't exported, but the address is taken
				synctest.Wait()
				inner := c.member.inbox("inner")
				watcher := second.inbox("watcher")
				ref := second.sys.RefAt("m:1", "/user/inner")
				ref.Tell(ping{2}) // nor is this, which only a member may send
				inner.expect(ping{2})
				watcher.pid.Tell(watchIt{ref})
				synctest.Wait()
				c.member.sys.StopActor(inner.pid)
				watcher.expect(actor.Terminated{Ref: ref})
				there.none()
				require.Equal(t, c.member.sys.UID(), second.rem.Peer("m:1"))
			})
		})
	}
}

// Whose address was that of a node of another class is let in all the same, as what it
// is, although the old one was never heard to end.
func TestAddressesChangeTheirClass(t *testing.T) {
	words := map[remote.Class]string{remote.Member: "members", remote.Client: "clients", remote.Observer: "observers"}
	for before := range words {
		for after := range words {
			t.Run(before.String()+" to "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := startClasses(t, nil)
					watcher := c.member.inbox("api")
					connected := subscribe[remote.Connected](c.member, "connected")
					open := func(class remote.Class) *node {
						cfg := secretConfig(c.net, "x:1", sharedSecret(t, words[class]))
						cfg.DeliverBy = time.Minute
						n := start(t, cfg)
						n.sys.RefAt("m:1", "/user/api").Tell(ping{1})
						return n
					}
					old := open(before)
					require.Equal(t, old.sys.UID(), connected.next().(remote.Connected).UID)
					synctest.Wait()
					old.crash(c.net, c.member)
					next := open(after)
					require.Equal(t, next.sys.UID(), connected.next().(remote.Connected).UID)
					watched := next.inbox("watched")
					ref := c.member.sys.RefOf(watched.pid.Location())
					watcher.pid.Tell(watchIt{ref}) // what it is asked it can answer, so the right secret is proved to it
					synctest.Wait()
					next.sys.StopActor(watched.pid)
					for m := watcher.next(); m != (actor.Terminated{Ref: ref}); m = watcher.next() {
						require.Equal(t, ping{1}, m)
					}
				})
			})
		}
	}
}

func TestSecretsOfClientsRotate(t *testing.T) {
	c := startClasses(t, nil)
	api, next := c.member.inbox("api"), sharedSecret(t, "clients, new")
	client := c.guests[remote.Client]
	client.sys.RefAt("m:1", "/user/api").Tell(ping{1})
	api.expect(ping{1})
	require.NoError(t, c.member.rem.SetSecretsOf(remote.Client, next, sharedSecret(t, "clients")))
	require.NoError(t, client.rem.SetSecrets(next, sharedSecret(t, "clients")))
	require.NoError(t, c.member.rem.SetSecretsOf(remote.Client, next))
	lost := subscribe[remote.ConnectionLost](client, "lost")
	c.net.Break("m:1", "client:1")
	lost.next() // what is told before that may be lost with the connection
	client.sys.RefAt("m:1", "/user/api").Tell(ping{2})
	api.expect(ping{2})
	require.NoError(t, c.member.rem.SetSecretsOf(remote.Client), "no clients any more")
	require.ErrorContains(t, c.member.rem.SetSecretsOf(remote.Member), "neither begins nor ceases")
	require.Error(t, c.member.rem.SetSecretsOf(remote.Class(9), next))
	open := start(t, memConfig(c.net, "open:1"))
	require.ErrorContains(t, open.rem.SetSecretsOf(remote.Client, next), "neither begins nor ceases")
}
