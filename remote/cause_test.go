package remote_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/remote"
)

// question says with what it is to be answered.
type question struct{ Want string }

type (
	unknown   struct{ N int }
	oneSided  struct{ N int } // registered where the answer comes from only
	explosive struct{ Decoding bool }
)

func (e explosive) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	if !e.Decoding {
		panic("boom on the way out")
	}
	return b, nil
}

func (*explosive) DecodeWire(codec.Scope, []byte) error { panic("boom on arrival") }

func questions(t *testing.T, both ...func(*codec.Registry) error) *codec.Registry {
	reg := registry(t)
	require.NoError(t, codec.Register[question](reg, "question"))
	require.NoError(t, codec.Register[explosive](reg, "explosive"))
	for _, register := range both {
		require.NoError(t, register(reg))
	}
	return reg
}

func registerOneSided(reg *codec.Registry) error { return codec.Register[oneSided](reg, "one-sided") }

func things(want string) any {
	switch want {
	case "unregistered":
		return unknown{1}
	case "failure without an error":
		return actor.Failure{}
	case "encoder that panics":
		return explosive{}
	case "decoder that panics":
		return explosive{Decoding: true}
	case "unknown to the receiver":
		return oneSided{1}
	case "too large":
		return blob{B: make([]byte, 100<<10)}
	}
	return nil
}

// askCauses are what an ask for a thing, or with one, ends with.
var askCauses = map[string]struct {
	reason actor.DropReason
	is     error
	text   string
}{
	"unregistered":            {actor.DropEncode, codec.ErrUnregistered, "codec.Register[remote_test.unknown]"},
	"encoder that panics":     {actor.DropEncode, nil, "boom on the way out"},
	"decoder that panics":     {actor.DropDecode, codec.ErrMalformed, "boom on arrival"},
	"unknown to the receiver": {actor.DropDecode, codec.ErrUnregistered, `"one-sided"`},
	"too large":               {actor.DropTooLarge, nil, "raise Config.LargeMax"},
	"nil":                     {actor.DropEncode, nil, "nil"},
}

// limited starts two nodes that take messages up to 64 KiB.
func limited(t *testing.T, here, there *codec.Registry) (*node, *node) {
	net := remote.NewMemNet()
	on := func(addr string, reg *codec.Registry) *node {
		cfg := memConfig(net, addr)
		cfg.FrameMax, cfg.LargeMax = 16<<10, 64<<10
		return startOn(t, actor.Config{Registry: reg}, cfg)
	}
	return on("a:1", here), on("b:1", there)
}

func TestAskerLearnsWhyItsAnswerWasLost(t *testing.T) {
	a, b := limited(t, questions(t), questions(t, registerOneSided))
	_, err := b.sys.Spawn("oracle", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) { ctx.Reply(things(ctx.Message().(question).Want)) })
	})
	require.NoError(t, err)
	ask := func(want string) error {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		_, err := actor.AskAs[string](ctx, a.sys.RefAt("b:1", "/user/oracle"), any(question{want}))
		return err
	}
	for want, cause := range askCauses {
		t.Run(want, func(t *testing.T) {
			err := ask(want)
			require.ErrorContains(t, err, cause.text)
			require.NotErrorIs(t, err, actor.ErrTimeout)
			letter, ok := errors.AsType[*actor.DeadLetterError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, cause.reason, letter.Reason)
			require.True(t, letter.Answer, "the request was handled")
			if cause.is != nil {
				require.ErrorIs(t, err, cause.is)
			}
		})
	}
	t.Run("a failure without an error", func(t *testing.T) {
		require.ErrorContains(t, ask("failure without an error"), "Failure without an error")
	})
}

func TestAskerLearnsWhyItsRequestWasLost(t *testing.T) {
	a, b := limited(t, questions(t, registerOneSided), questions(t))
	b.inbox("there")
	for want, cause := range askCauses {
		t.Run(want, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			_, err := actor.AskAs[string](ctx, a.sys.RefAt("b:1", "/user/there"), things(want))
			require.ErrorContains(t, err, cause.text)
			require.NotErrorIs(t, err, actor.ErrTimeout)
			letter, ok := errors.AsType[*actor.DeadLetterError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, cause.reason, letter.Reason)
			require.False(t, letter.Answer)
		})
	}
}

func TestRefusalsNameTheSettingThatGrants(t *testing.T) {
	c := startClasses(t, nil)
	for _, name := range []string{"api", "other"} {
		c.member.inbox(name)
	}
	require.NoError(t, c.member.rem.Offer("echo", func(any) (func() actor.Actor, error) {
		return func() actor.Actor { return echo{} }, nil
	}))
	ask := func(path string, msg any) func(*node) error {
		return func(n *node) error {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			_, err := actor.AskAs[pong](ctx, n.sys.RefAt("m:1", path), msg)
			return err
		}
	}
	end := func(await func(context.Context, actor.Addressable) error, path string) func(*node) error {
		return func(n *node) error {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			return await(ctx, n.sys.RefAt("m:1", path))
		}
	}
	resolve := func(n *node) error {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		s, err := n.sys.Select("troupe://test@m:1/user/*")
		require.NoError(t, err)
		_, err = s.Resolve(ctx)
		return err
	}
	spawn := func(n *node) error {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		_, err := n.rem.Spawn(ctx, "m:1", remote.Order{Kind: "echo"})
		return err
	}
	for _, test := range []struct {
		title   string
		class   remote.Class
		do      func(*node) error
		setting string
	}{
		{"a client sends to an actor", remote.Client, ask("/user/other", ping{1}), "Access.Exported"},
		{"an observer sends", remote.Observer, ask("/user/api", ping{1}), "Access.Certificates"},
		{"a member stops an actor", remote.Member, end(actor.GracefulStop, "/user/api"), "Access.Stop"},
		{"a client stops an actor", remote.Client, end(actor.GracefulStop, "/user/api"), "Access.Stop"},
		{"a client awaits an end", remote.Client, end(actor.AwaitEnd, "/user/other"), "Access.Exported"},
		{"a member selects", remote.Member, resolve, "Access.Select"},
		{"a member spawns", remote.Member, spawn, "Access.Spawn"},
		{"a client spawns", remote.Client, spawn, "Access.Spawn"},
	} {
		t.Run(test.title, func(t *testing.T) {
			err := test.do(c.guests[test.class])
			require.ErrorIs(t, err, actor.ErrDeadLetter)
			require.ErrorIs(t, err, codec.ErrDenied)
			require.ErrorContains(t, err, test.setting)
			require.NotErrorIs(t, err, actor.ErrTimeout)
		})
	}
}

func TestSpawnWhereNothingIsOfferedSaysSo(t *testing.T) {
	memory := remote.NewMemNet()
	cfg := memConfig(memory, "b:1")
	cfg.Access.Spawn = []remote.Class{remote.Member}
	start(t, cfg)
	_, err := start(t, memConfig(memory, "a:1")).rem.Spawn(context.Background(), "b:1", remote.Order{Kind: "echo"})
	require.ErrorIs(t, err, actor.ErrDeadLetter)
	require.ErrorContains(t, err, "Remote.Offer")
}

func TestDeadLettersNameWhyThereWasNoConnection(t *testing.T) {
	memory := remote.NewMemNet()
	other := memConfig(memory, "c:1")
	other.Cluster = "red"
	start(t, other)
	a := start(t, memConfig(memory, "a:1"))
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	_, err := actor.AskAs[pong](ctx, a.sys.RefAt("c:1", "/user/x"), any(ping{1}))
	require.ErrorIs(t, err, actor.ErrDeadLetter)
	cause, ok := errors.AsType[*remote.NotConnectedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, remote.CauseCluster, cause.Cause)
}
