package actor_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
	"github.com/troupe-go/troupe/internal/wire"
)

// direct is a wire between systems of one process that encodes and decodes
// every message and delivers at once.
type direct struct {
	mu    sync.Mutex
	ports map[string]*actor.Port
	nodes map[string]*actor.System
}

type directLink struct {
	d    *direct
	from *actor.System
	to   actor.Location
}

func (d *direct) attach(t *testing.T, sys *actor.System, addr string) {
	t.Helper()
	port, err := sys.Attach(directNode{d, sys}, addr)
	require.NoError(t, err)
	_, err = sys.Attach(directNode{d, sys}, addr)
	require.ErrorIs(t, err, actor.ErrAttached)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ports[addr], d.nodes[addr] = port, sys
}

type directNode struct {
	d   *direct
	sys *actor.System
}

func (n directNode) Link(to actor.Location) actor.Link { return directLink{n.d, n.sys, to} }

func (l directLink) peer() (*actor.Port, *actor.System) {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	return l.d.ports[l.to.Addr], l.d.nodes[l.to.Addr]
}

func (l directLink) Send(msg any, from actor.PID, _ bool) error {
	port, sys := l.peer()
	name, body, err := l.from.Registry().Encode(l.from.Scope(), nil, msg)
	if err != nil {
		return err
	}
	sender := actor.ReadLocation(wire.NewReader(from.Location().Append(nil)))
	got, err := sys.Registry().Decode(sys.Scope(), name, body)
	if err != nil {
		return err
	}
	port.Deliver(l.to.Path, l.to.ID, got, sys.RefOf(sender))
	return nil
}

func (l directLink) SendSystem(m actor.SystemMessage) {
	port, sys := l.peer()
	m.To, m.From = sys.RefOf(m.To.Location()), sys.RefOf(m.From.Location())
	port.DeliverSystem(m)
}

type introduce struct{ Who actor.PID }

type number struct {
	N       int
	ReplyTo actor.Ref[int]
}

func twoSystems(t *testing.T) (*direct, *actor.System, *actor.System) {
	t.Helper()
	d := &direct{ports: map[string]*actor.Port{}, nodes: map[string]*actor.System{}}
	a, b := newSystem(t), newSystem(t)
	for _, s := range []*actor.System{a, b} {
		require.NoError(t, codec.Register[introduce](s.Registry(), "introduce"))
		require.NoError(t, codec.Register[number](s.Registry(), "number"))
	}
	d.attach(t, a, "a:1")
	d.attach(t, b, "b:1")
	return d, a, b
}

func TestRefsWorkWhereTheyArrive(t *testing.T) {
	_, a, b := twoSystems(t)
	r, recorderPID := spawnRecorder(t, a, "recorder")
	spawn(t, b, "double", func(ctx *actor.Context) {
		switch m := ctx.Message().(type) {
		case number:
			m.ReplyTo.Tell(2 * m.N)
			ctx.Reply(3 * m.N)
		case introduce:
			m.Who.Tell("hello from b")
		}
	})
	double := a.RefAt("b:1", "/user/double")
	double.Tell(number{N: 4, ReplyTo: actor.Narrow[int](recorderPID)})
	double.Tell(introduce{Who: recorderPID})
	require.Equal(t, []any{8, "hello from b"}, r.next(t, 2))

	answer, err := actor.AskAs[int](t.Context(), double, any(number{N: 5}))
	require.NoError(t, err)
	require.Equal(t, 15, answer)
	require.Equal(t, double, a.RefAt("b:1", "/user/double"), "refs to one actor are equal")
	require.False(t, double.IsLocal())
	require.Equal(t, "troupe://test@b:1/user/double", double.String())
}

func TestAskOfAnActorThatIsNotThereFailsAtOnce(t *testing.T) {
	_, a, b := twoSystems(t)
	_, err := actor.AskAs[int](context.Background(), a.RefAt("b:1", "/user/none"), any(1))
	require.ErrorIs(t, err, actor.ErrDeadLetter)
	require.EqualValues(t, 1, b.Dropped(actor.DropStopped))
}

func TestWatchAcrossNodes(t *testing.T) {
	d, a, b := twoSystems(t)
	r := newRecorder()
	watch := func(who actor.PID) {
		spawn(t, a, "", func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case string:
				ctx.Watch(who)
				ctx.Tell(who, "watched")
			case actor.Terminated:
				require.Equal(t, who, m.Ref)
				r.add("terminated " + m.Ref.Path())
			case int:
				r.add(m)
			}
		}).Tell("watch")
	}
	echoes := func(ctx *actor.Context) { ctx.Reply(1) }
	byPath := spawn(t, b, "by-path", echoes)
	spawn(t, b, "crashes", echoes)

	watch(a.RefAt("b:1", "/user/by-path"))
	r.next(t, 1)
	b.StopActor(byPath)
	require.Equal(t, []any{1, "terminated /user/by-path"}, r.next(t, 1))

	watch(a.RefAt("b:1", "/user/never-was"))
	require.Equal(t, "terminated /user/never-was", r.next(t, 1)[2])

	watch(a.RefAt("b:1", "/user/crashes"))
	r.next(t, 1)
	require.True(t, d.ports["a:1"].Watched("b:1", 77))
	d.ports["a:1"].NodeGone("b:1", 77)
	d.ports["a:1"].NodeGone("b:1", 77)
	require.Equal(t, []any{1, "terminated /user/crashes"}, r.next(t, 1)[3:])
	require.False(t, d.ports["a:1"].Watched("b:1", 77))
}

type handler func(msg any, from actor.PID) error

func (h handler) Deliver(msg any, from actor.PID) error { return h(msg, from) }

func TestVirtualRefsAreResolvedWhereTheyArrive(t *testing.T) {
	_, a, b := twoSystems(t)
	r := newRecorder()
	for _, s := range []*actor.System{a, b} {
		made := map[string]actor.PID{}
		require.NoError(t, s.Resolve("/system/things/", func(path string) (actor.PID, bool) {
			if made[path].IsZero() {
				made[path] = s.NewRef(path, handler(func(msg any, _ actor.PID) error {
					r.add(s.Addr() + path + msg.(string))
					return nil
				}))
			}
			return made[path], true
		}))
		require.ErrorIs(t, s.Resolve("/system/things/", func(string) (actor.PID, bool) { return actor.PID{}, false }), actor.ErrNameTaken)
	}
	spawn(t, b, "x", func(ctx *actor.Context) { ctx.Message().(introduce).Who.Tell("!") })
	thing := a.RefOf(actor.Location{System: "test", Path: "/system/things/7"})
	thing.Tell("?")
	a.RefAt("b:1", "/user/x").Tell(introduce{Who: thing})
	require.Equal(t, []any{"a:1/system/things/7?", "b:1/system/things/7!"}, r.next(t, 2))
}

func FuzzReadLocation(f *testing.F) {
	f.Add(actor.Location{System: "s", Addr: "h:1", UID: 7, Path: "/user/x", ID: 3}.Append(nil))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := wire.NewReader(b)
		var loc actor.Location
		bound.Allocation(t, len(b), func() { loc = actor.ReadLocation(r) })
		if r.Err() != nil {
			return
		}
		again := wire.NewReader(loc.Append(nil))
		require.Equal(t, loc, actor.ReadLocation(again))
		require.NoError(t, again.Done())
	})
}

type gossip struct{ N int }

// A265: what protocols lose is counted and published, but not logged.
func TestDeadLettersOfProtocolsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	logger := zerolog.New(&log).Level(zerolog.InfoLevel)
	sys, err := actor.NewSystem("test", actor.Config{Logger: &logger})
	require.NoError(t, err)
	require.NoError(t, codec.Register[gossip](sys.Registry(), "gossip", codec.Control))
	nobody := sys.RefAt("", "/user/nobody")
	nobody.Tell(gossip{1})
	nobody.Tell("of a user")
	require.NoError(t, sys.Stop(context.Background()))
	require.EqualValues(t, 2, sys.Dropped(actor.DropStopped))
	require.NotContains(t, log.String(), "gossip")
	require.Contains(t, log.String(), "dead letter")
}
