package remote_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/remote"
)

// offering is a set of classes whose member offers an echo, with Spawn granted to
// some.
func offering(t *testing.T, granted ...remote.Class) classes {
	c := startClasses(t, func(a *remote.Access) {
		a.Spawn, a.Exported = granted, []string{"/user/spawned/*"}
	})
	require.NoError(t, c.member.rem.Offer("echo", func(args any) (func() actor.Actor, error) {
		switch args {
		case "bad":
			return nil, errors.New("no such thing")
		case "panic":
			panic("boom")
		case "nothing":
			return nil, nil
		}
		return func() actor.Actor { return echo{} }, nil
	}))
	return c
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	t.Cleanup(cancel)
	return ctx
}

func TestSpawnFromElsewhereIsOffUntilGranted(t *testing.T) { // R049
	c := offering(t)
	denials := subscribe[remote.Denied](c.member, "denials")
	each(t, c, func(t *testing.T, class remote.Class, guest *node) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() {
			_, err := guest.rem.Spawn(ctx, "m:1", remote.Order{Kind: "echo"})
			done <- err
		}()
		require.Equal(t, class, denials.next().(remote.Denied).Class)
		cancel()
		require.Error(t, <-done)
	})
}

func TestSpawnFromElsewhere(t *testing.T) {
	c := offering(t, remote.Member, remote.Client, remote.Observer)
	for _, class := range []remote.Class{remote.Member, remote.Client} {
		guest := c.guests[class]
		pid, err := guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo", Args: 7})
		require.NoError(t, err)
		require.Equal(t, "m:1", pid.Location().Addr)
		answer, err := actor.AskAs[pong](within(t), pid, any(ping{3}))
		require.NoError(t, err)
		require.Equal(t, pong{3}, answer)
		for args, want := range map[string]string{"bad": "no such thing", "panic": "panicked", "nothing": "made nothing"} {
			_, err = guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo", Args: args})
			require.ErrorContains(t, err, want)
		}
		_, err = guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "shell"})
		require.ErrorContains(t, err, "not offered")
		answer, err = actor.AskAs[pong](within(t), pid, any(ping{4}))
		require.NoError(t, err, "what others have started lives on")
		require.Equal(t, pong{4}, answer)
	}
	denials := subscribe[remote.Denied](c.member, "denials")
	c.guests[remote.Observer].sys.RefAt("m:1", "/user/spawned").Tell(remote.Order{Kind: "echo"})
	require.Equal(t, remote.Observer, denials.next().(remote.Denied).Class, "an observer sends nothing, whatever is granted")
	c.guests[remote.Client].sys.RefAt("m:1", "/user/spawned").Tell(actor.PoisonPill{})
	require.Equal(t, remote.Client, denials.next().(remote.Denied).Class)

	none := func(any) (func() actor.Actor, error) { return nil, nil }
	require.ErrorContains(t, c.member.rem.Offer("echo", none), "already")
	require.Error(t, c.member.rem.Offer("", none))
	require.Error(t, c.member.rem.Offer("x", nil))
	taken := start(t, memConfig(c.net, "taken:1"))
	taken.inbox("spawned")
	require.ErrorIs(t, taken.rem.Offer("x", none), actor.ErrNameTaken)
}

func TestSpawnedActorsEndWithTheirOwners(t *testing.T) {
	c := offering(t, remote.Member)
	guest := c.guests[remote.Member]
	owner, watcher := guest.inbox("owner"), guest.inbox("watcher")
	owned, err := guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo", Owner: owner.pid})
	require.NoError(t, err)
	second, err := guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo", Owner: owner.pid})
	require.NoError(t, err)
	free, err := guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo"})
	require.NoError(t, err)
	here := c.member.inbox("here")
	for _, pid := range []actor.PID{owned, second, free} {
		watcher.pid.Tell(watchIt{pid})
		here.pid.Tell(watchIt{c.member.sys.RefOf(pid.Location())})
	}
	guest.sys.StopActor(owner.pid)
	ends := map[actor.PID]bool{}
	for range 2 {
		ends[watcher.next().(actor.Terminated).Ref] = true
		here.next()
	}
	require.Equal(t, map[actor.PID]bool{owned: true, second: true}, ends)
	answer, err := actor.AskAs[pong](within(t), free, any(ping{5}))
	require.NoError(t, err)
	require.Equal(t, pong{5}, answer)

	// The same when the node of the owner dies.
	last := guest.inbox("last")
	third, err := guest.rem.Spawn(within(t), "m:1", remote.Order{Kind: "echo", Owner: last.pid})
	require.NoError(t, err)
	here.pid.Tell(watchIt{c.member.sys.RefOf(third.Location())})
	guest.crash(c.net, c.member)
	c.member.rem.Quarantine("member:1", 0)
	require.Equal(t, third.Location(), here.next().(actor.Terminated).Ref.Location())
}
