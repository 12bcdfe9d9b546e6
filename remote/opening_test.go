package remote

import (
	"context"
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// TestFramesBeginAsIfNothingWasRemembered compares the frames of messages that follow one
// another with those of the first.
func TestFramesBeginAsIfNothingWasRemembered(t *testing.T) {
	reg := codec.NewRegistry()
	typ, err := reg.Of("")
	require.NoError(t, err)
	here := actor.Location{System: "sys", Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: "/user/me", ID: 4}
	for _, version := range []uint64{2, 3} {
		for title, to := range map[string]actor.Location{
			"actor":             {Addr: "b:1", Path: "/user/a", UID: 7, ID: 2},
			"whoever is there":  {Addr: "b:1", Path: "/user/a"},
			"ask":               {Addr: "b:1", Path: "/temp/2s", UID: 7, ID: 100},
			"ask of any number": {Addr: "b:1", Path: "/temp/2s"},
		} {
			for _, from := range []actor.Location{{}, here} {
				t.Run(fmt.Sprintf("version %d, %s, from %q", version, title, from.Path), func(t *testing.T) {
					f := &form{version: version}
					if version == 3 {
						f.table = tableOf(t, 1, [tableKinds][]string{nil, {senderKey(here)}, {"string"}})
					}
					l := newLane(laneOrdinary, 1<<20, nil)
					l.form.Store(f)
					k := &link{peer: &peer{remote: &Remote{self: goldenSelf}}, to: to, ask: actor.IsAsk(to.Path)}
					serial := uint64(0)
					if from.Path != "" {
						serial = 9
					}
					want := string(appendMessage(nil, goldenSelf, f, to, from, 0, "string"))
					remembered := 0
					for range 5 {
						d := &draft{typ: typ, sender: serial, from: from, lane: l, form: f, known: k.alike(false).find(serial, "")}
						if d.known != nil {
							d.from = actor.Location{}
							remembered++
						}
						require.Equal(t, want, string(k.begin(nil, d)))
					}
					if version == 3 || !k.ask {
						require.Equal(t, 3, remembered, "after the second")
					} else {
						require.Zero(t, remembered)
					}
					require.Nil(t, k.alike(false).find(serial+1, ""), "of another sender")
					require.Nil(t, k.alike(false).find(serial, 1), "of another type")
					l.form.Store(&form{version: version})
					require.Nil(t, k.alike(false).find(serial, ""), "for another stream")
				})
			}
		}
	}
}

// TestFramesOfAsksBeginAlikeButForTheAsk compares them with those of which nothing was
// remembered.
func TestFramesOfAsksBeginAlikeButForTheAsk(t *testing.T) {
	reg := codec.NewRegistry()
	typ, err := reg.Of("")
	require.NoError(t, err)
	actorThere := actor.Location{Addr: "b:1", Path: "/user/a", UID: 7, ID: 2}
	for title, c := range map[string]struct {
		to         actor.Location
		form       *form
		remembered int
	}{
		"by index":         {actorThere, &form{version: 3, table: tableOf(t, 1, [tableKinds][]string{{targetKey(actorThere)}, nil, {"string"}})}, 3},
		"by name":          {actorThere, &form{version: 3}, 3},
		"an old version":   {actorThere, &form{version: 2}, 0},
		"an ask of an ask": {actor.Location{Addr: "b:1", Path: "/temp/2s", UID: 7, ID: 100}, &form{version: 3}, 0},
	} {
		t.Run(title, func(t *testing.T) {
			l := newLane(laneOrdinary, 1<<20, nil)
			l.form.Store(c.form)
			k := &link{peer: &peer{remote: &Remote{self: goldenSelf}}, to: c.to, ask: actor.IsAsk(c.to.Path)}
			remembered := 0
			for n := range uint64(5) {
				ask := 1<<63 + 7919*n
				d := &draft{typ: typ, ask: ask, lane: l, form: c.form, known: k.alike(true).find(0, "")}
				if d.known != nil {
					remembered++
				}
				require.Equal(t, string(appendMessage(nil, goldenSelf, c.form, c.to, actor.Location{}, ask, "string")), string(k.begin(nil, d)))
			}
			require.Equal(t, c.remembered, remembered)
			require.Nil(t, k.alike(false).find(0, ""), "of nobody")
			require.Nil(t, k.alike(true).find(0, 1), "of another type")
		})
	}
}

// TestAnAskIsNamedAsItsLocation: the number says what the location would.
func TestAnAskIsNamedAsItsLocation(t *testing.T) {
	const number = 1<<63 + 12345
	ask := actor.Location{System: goldenSelf.System, Addr: goldenSelf.Addr, UID: goldenSelf.UID, Path: string(actor.AppendAskPath(nil, number)), ID: number}
	to := actor.Location{Path: "/user/a"}
	for _, version := range []uint64{2, 3} {
		f := &form{version: version}
		require.Equal(t, appendMessage(nil, goldenSelf, f, to, ask, 0, "text"), appendMessage(nil, goldenSelf, f, to, actor.Location{}, number, "text"))
	}
}

// TestAnswersUseAllLanes: of several lanes an answer goes on the one of what it answers,
// not on that of the answer before.
func TestAnswersUseAllLanes(t *testing.T) { // R042
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("test", actor.Config{Logger: &quiet})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	r, err := Start(sys, Config{Listen: "127.0.0.1:1", Transport: noWire{}, OrdinaryLanes: 4})
	require.NoError(t, err)
	from, err := sys.Spawn("there", func() actor.Actor { return actor.Func(func(*actor.Context) {}) })
	require.NoError(t, err)
	used := map[laneKind]int{}
	for n := range uint64(200) {
		to := actor.Location{Addr: "127.0.0.1:2", Path: string(actor.AppendAskPath(nil, 7919*n)), ID: 7919 * n}
		l := r.Link(to).(*link)
		var d draft
		err := l.draft(&d, "answer", from)
		require.NoError(t, err)
		l.begin(nil, &d)
		require.Equal(t, r.ordinaryLane(to, from.Location()), d.kind)
		used[d.kind]++
	}
	require.Len(t, used, 4)
}
