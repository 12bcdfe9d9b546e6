package remote

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

// staleWorld drives an association with frames of incarnations that come and go: of
// each what it sends now, what it sent long ago, what it never sent, in any order and
// any number of times.
type staleWorld struct {
	t         *testing.T
	a         *association
	r         *rand.Rand
	now       time.Time
	present   uint64
	uids      []uint64
	gone      map[uint64]bool
	delivered map[uint64]uint64 // by incarnation: the last number
	kept      int               // messages to the present one that it has not acknowledged
	sent      uint64            // numbers given to it
	acked     uint64            // by it
}

func newStaleWorld(t *testing.T, seed uint64) *staleWorld {
	lim := testLimits()
	lim.window.count = 50
	w := &staleWorld{
		t: t, r: rand.New(rand.NewPCG(seed, 9)), now: time.Unix(1000, 0), gone: map[uint64]bool{}, delivered: map[uint64]uint64{},
		a: newAssociation(identity{System: "s", Addr: "me:1", UID: 1}, "peer:1", lim, nil),
	}
	w.arrive()
	return w
}

// arrive lets a new incarnation answer at the address.
func (w *staleWorld) arrive() {
	uid := uint64(100 + len(w.uids))
	w.uids = append(w.uids, uid)
	w.a.lanes[laneControl] = laneState{phase: laneDialing}
	w.a.laneUp(w.now, laneControl, identity{System: "s", Addr: "peer:1", UID: uid, Can: abilities{Version: protocolVersion}})
	if w.present != 0 {
		w.gone[w.present] = true // whoever was there is replaced
	}
	w.present, w.kept, w.sent, w.acked = uid, 0, 0, 0
	w.check("a new incarnation")
	require.Equal(w.t, uid, w.a.peer.UID)
}

// anyone returns an incarnation, often the present one.
func (w *staleWorld) anyone() uint64 {
	if w.r.IntN(2) == 0 && w.present != 0 {
		return w.present
	}
	return w.uids[w.r.IntN(len(w.uids))]
}

func (w *staleWorld) step() {
	switch w.r.IntN(10) {
	case 0:
		if w.r.IntN(4) == 0 {
			w.arrive()
		}
	case 1:
		if w.r.IntN(20) == 0 {
			uid := w.anyone()
			w.a.quarantine(w.now, uid, goneOrdered)
			w.gone[uid] = true
			if uid == w.present {
				w.present, w.kept, w.sent, w.acked = 0, 0, 0, 0
			}
			w.check("a quarantine")
		}
	case 2, 3, 4:
		uid := w.anyone()
		m := systemFrame{Kind: actor.SystemTerminated, Seq: w.around(w.delivered[uid]), ToUID: []uint64{0, 1, 2}[w.r.IntN(3)], FromPath: fmt.Sprint(uid)}
		w.a.system(w.now, 1, uid, m, position{})
		w.check(fmt.Sprintf("system message %d of %d for %d", m.Seq, uid, m.ToUID))
	case 5, 6:
		if w.present != 0 && w.kept < 40 {
			w.a.sendSystem(w.now, systemFrame{Kind: actor.SystemWatch, ToUID: w.present, ToPath: "/t", FromPath: "/f"})
			w.sent, w.kept = w.sent+1, w.kept+1
			w.check("a message sent")
		}
	default:
		uid, seq := w.anyone(), w.around(w.acked)
		w.a.acked(w.now, uid, seq, w.r.IntN(4) == 0)
		if uid == w.present && seq <= w.sent && seq > w.acked {
			w.kept -= int(seq - w.acked)
			w.acked = seq
		}
		w.check(fmt.Sprintf("acknowledgement %d of %d", seq, uid))
	}
}

// around returns a number near n: mostly the next, some old, some too new.
func (w *staleWorld) around(n uint64) uint64 {
	switch w.r.IntN(4) {
	case 0:
		return w.r.Uint64N(n + 1)
	case 1:
		return n + 1 + w.r.Uint64N(3)
	}
	return n + 1
}

func (w *staleWorld) check(what string) {
	for _, e := range w.a.effects {
		switch e.kind {
		case effectDeliver:
			require.False(w.t, w.gone[e.uid], "%s: delivered of %d, which is gone", what, e.uid)
			require.Equal(w.t, w.present, e.uid, what)
			require.Equal(w.t, fmt.Sprint(e.uid), e.system.FromPath, "%s: whose it is", what)
			require.Equal(w.t, w.delivered[e.uid]+1, e.system.Seq, "%s: once and in order", what)
			require.NotEqual(w.t, uint64(2), e.system.ToUID, "%s: meant for another process here", what)
			w.delivered[e.uid] = e.system.Seq
		case effectPeer:
			require.False(w.t, w.gone[e.uid], "%s: %d was gone", what, e.uid)
		}
	}
	w.a.effects = nil
	if w.a.peer.UID == w.present {
		require.Len(w.t, w.a.out.kept, w.kept, "%s: what is kept until it is acknowledged", what)
	}
	require.False(w.t, slices.Contains(w.a.gone, w.a.peer.UID), what)
}

// RM-3, RM-5, RM-7: whatever comes late, twice, out of order or from another incarnation.
func TestNothingStaleGetsThroughAnAssociation(t *testing.T) {
	for seed := range uint64(300) {
		w := newStaleWorld(t, seed)
		for range 400 {
			w.step()
			if w.present == 0 {
				w.arrive()
			}
		}
		total := uint64(0)
		for _, n := range w.delivered {
			total += n
		}
		require.NotZero(t, total)
	}
}

// Somebody who was declared dead is turned away, however he knocks.
func TestALateHelloOfTheDeadIsRefused(t *testing.T) {
	s := newScript(t, testLimits())
	s.do("demand control")
	s.do("up control 7")
	s.do("quarantine 7")
	require.Contains(t, s.do("knock 1 7"), "refuse")
	require.NotContains(t, s.do("system 1 7 1"), "deliver")
	require.NotContains(t, s.do("knock 2 8"), "refuse")
	require.Contains(t, s.do("knock 3 7"), "refuse")
}
