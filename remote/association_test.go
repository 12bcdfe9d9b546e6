package remote

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/phi"
)

func testLimits() limits {
	l := Config{OrdinaryLanes: 2}.limits()
	l.window.count = 5
	return l
}

// script drives an association by lines of words; see the switch.
type script struct {
	t   *testing.T
	a   *association
	now time.Time
	o   outside

	largeMax int // that the peer takes
}

func newScript(t *testing.T, lim limits) *script {
	return &script{t: t, now: time.Unix(1000, 0), a: newAssociation(identity{System: "s", Addr: "me:1", UID: 1}, "peer:1", lim, nil)}
}

func lanes(name string) laneKind {
	return laneKind(slices.Index([]string{"control", "ordinary", "probe", "large", "second"}, name))
}

func reached(uid uint64, lane laneKind, n uint64) (p position) {
	p.advance(uid, lane, n)
	return p
}

// do applies one line and returns the effects it had, joined by "; ".
func (s *script) do(line string) string {
	w := strings.Fields(line)
	arg := func(i int) uint64 {
		var n uint64
		if i < len(w) {
			_, err := fmt.Sscan(w[i], &n)
			require.NoError(s.t, err, line)
		}
		return n
	}
	peer := func(uid uint64) identity {
		return identity{System: "s", Addr: "peer:1", UID: uid, Can: abilities{Version: protocolVersion, LargeMax: s.largeMax}}
	}
	switch w[0] {
	case "demand":
		s.a.demand(s.now, lanes(w[1]))
	case "up": // lane, uid
		s.a.laneUp(s.now, lanes(w[1]), peer(arg(2)))
	case "down": // lane
		s.a.laneDown(s.now, lanes(w[1]), s.o.wanted[lanes(w[1])])
	case "refused": // lane, code, uid
		s.a.laneRefused(s.now, lanes(w[1]), refusal{Code: refusalCode(arg(2)), UID: arg(3)})
	case "knock": // connection, uid
		s.a.knock(s.now, arg(1), peer(arg(2)))
	case "send": // uid it is for
		s.a.sendSystem(s.now, systemFrame{Kind: actor.SystemWatch, ToUID: arg(1), ToPath: "/t", FromPath: "/f"})
	case "named":
		s.a.named(s.now, arg(1))
	case "system": // connection, uid, seq, after, ordinary
		s.a.system(s.now, arg(1), arg(2), systemFrame{Seq: arg(3), Kind: actor.SystemTerminated, After: arg(4)}, reached(arg(2), laneOrdinary, arg(5)))
		s.a.flush()
	case "progress": // uid, ordinary
		s.a.progress(s.now, arg(1), reached(arg(1), laneOrdinary, arg(2)))
	case "ack":
		s.a.acked(s.now, arg(1), arg(2), false)
	case "nack":
		s.a.acked(s.now, arg(1), arg(2), true)
	case "pong":
		s.a.pong(s.now, arg(1), lanes(w[2]))
	case "sent": // lane, messages
		s.o.sent[lanes(w[1])] = arg(2)
	case "quarantine":
		s.a.quarantine(s.now, arg(1), goneOrdered)
	case "goodbye": // connection, uid, lane
		s.a.goodbye(s.now, arg(1), arg(2), lanes(w[3]))
	case "leave":
		s.a.leave(s.now, s.o)
	case "left": // lane
		s.a.goodbyeAcked(s.now, lanes(w[1]))
	case "takes":
		s.largeMax = int(arg(1))
	case "wanted":
		s.o.wanted[lanes(w[1])] = true
	case "unwanted":
		s.o.wanted[lanes(w[1])] = false
	case "unused":
		s.o.unused[lanes(w[1])] = w[2] == "yes"
	case "vouched":
		s.o.vouched = w[1] == "yes"
	case "crowded":
		s.a.crowded(s.now, s.o.vouched)
	case "watched":
		s.o.watched = w[1] == "yes"
	case "after": // a time
		d, err := time.ParseDuration(w[1])
		require.NoError(s.t, err)
		s.now = s.now.Add(d)
		s.a.tick(s.now, s.o)
	default:
		require.FailNow(s.t, "unknown line", line)
	}
	var got []string
	for _, e := range s.a.effects {
		got = append(got, e.String())
	}
	s.a.effects = nil
	return strings.Join(got, "; ")
}

func TestAssociation(t *testing.T) {
	known := []string{"demand control => dial control", "up control 7 => peer 7; open control to 7"}
	for title, lines := range map[string][]string{
		"first contact by dialing": append(known[:2:2], "demand control =>", "after 1h =>"),
		"first contact by knocking": {
			"knock 1 7 => welcome 1; peer 7", "knock 2 7 => welcome 2",
		},
		"a stream that is not used is closed": append(known[:2:2], // R026
			"after 5m =>", "unused control yes =>", "after 5m => close control", "demand control => dial control"),
		"a stream with something unacknowledged is not": append(known[:2:2],
			"unused control yes =>", "send 7 => write control system 1", "after 4s => write control system 1", "ack 7 1 =>", "unused control no =>", "after 5m =>"),
		"no answer: backoff doubles to its bound": {
			"demand control => dial control", "wanted control =>", "after 4.9s =>", "after 100ms => close control", "after 49ms =>",
			"after 1ms => dial control", "down control =>", "after 100ms => dial control", "down control =>", "after 199ms =>", "after 1ms => dial control",
			"down control =>", "after 400ms => dial control", "down control =>", "after 800ms => dial control", "down control =>", "after 999ms =>", "after 1ms => dial control",
		},
		"an incarnation that isn't used is asked, and stays if it answers": append(known[:2:2], // R027
			"unused control yes =>", "after 5m => close control", "after 5h59m =>", "after 1m => dial probe", "up probe 7 => close probe", "after 5h59m =>", "after 1m => dial probe"),
		"and is gone if it doesn't, and forgotten": append(known[:2:2], // R027, R070
			"unused control yes =>", "after 5m => close control", "after 6h => dial probe", "down probe =>", "after 10s => dial probe", "down probe =>",
			"after 10s => dial probe; drop probe: unreachable; gone 7: unused for long, and it does not answer",
			"down probe =>", "after 1s => close probe", "after 5h59m =>", "knock 1 7 => refuse 1 code 4",
			"after 11h59m =>", "after 1m => forget", "knock 1 7 => welcome 1; peer 7"),
		"whoever refuses has answered": append(known[:2:2],
			"unused control yes =>", "after 5m => close control", "after 6h => dial probe", "refused probe 6 0 =>", "after 30s => close probe", "after 5h59m =>", "after 31s => dial probe"),
		"another incarnation answers": append(known[:2:2],
			"unused control yes =>", "after 5m => close control", "after 6h => dial probe", "up probe 8 => gone 7: replaced by a new incarnation; peer 8; close probe"),
		"somebody vouches for it": append(known[:2:2],
			"unused control yes =>", "after 5m => close control", "vouched yes =>", "after 6h =>", "after 6h =>", "vouched no =>", "after 6h => dial probe"),
		"when there are too many, sooner": append(known[:2:2],
			"unused control yes =>", "after 5m => close control", "after 9m =>", "crowded =>", "after 1m =>", "crowded => dial probe",
			"goodbye 1 7 control => reply 1 goodbye-ack; gone 7: its system has stopped", "up probe 8 => peer 8; close probe",
			"quarantine 8 => gone 8: declared dead", "crowded =>", "after 10m =>", "crowded => forget", "crowded =>"),
		"what is of use is not": append(known[:2:2],
			"send 7 => write control system 1", "crowded =>", "unused control no =>", "ack 7 1 =>", "after 7h =>", "crowded =>"),
		"messages wait 20 s for a connection, then are dropped and nobody dials any more": {
			"demand ordinary => dial ordinary", "wanted ordinary =>", "down ordinary =>", "after 50ms => dial ordinary", "down ordinary =>",
			"unwanted ordinary =>", "after 19.949s => close ordinary", "after 1h =>",
		},
		"a broken stream is dialed again only if something waits": append(known[:2:2],
			"down control => close control", "demand control => dial control", "up control 7 => open control to 7", "wanted control =>",
			"down control =>", "after 50ms => dial control"),
		"system messages: sent, acknowledged, quiet": append(known[:2:2],
			"send 7 => write control system 1", "send 0 => write control system 2", "ack 7 2 =>", "after 300ms =>"),
		"unacknowledged: again after 200 ms, 400 ms, then every second": append(known[:2:2],
			"send 7 => write control system 1", "after 199ms =>", "after 1ms => write control system 1", "after 399ms =>", "after 1ms => write control system 1",
			"after 800ms => write control system 1", "after 1s => write control system 1", "ack 7 1 =>", "after 1s =>"),
		"3 and 4 lost => nack 2 brings them back": append(known[:2:2], // R061
			"send 7 => write control system 1", "send 7 => write control system 2", "send 7 => write control system 3", "send 7 => write control system 4",
			"nack 7 2 => write control system 3; write control system 4", "ack 7 4 =>", "after 1s =>"),
		"an acknowledgement of another incarnation counts for nothing": append(known[:2:2],
			"send 7 => write control system 1", "ack 8 1 =>", "after 200ms => write control system 1"),
		"an acknowledgement of what was never sent counts for nothing": append(known[:2:2],
			"send 7 => write control system 1", "ack 7 9 =>", "after 200ms => write control system 1"),
		"a new stream begins with everything unacknowledged": append(known[:2:2],
			"send 7 => write control system 1", "send 7 => write control system 2", "down control =>", "after 50ms => dial control",
			"up control 7 => open control to 7; write control system 1; write control system 2"),
		"nothing comes back for 5 s => dialed anew": append(known[:2:2],
			"send 7 => write control system 1", "after 4.9s => write control system 1", "after 100ms => lost control; close control", "after 50ms => dial control"),
		"the window is full => quarantine": append(known[:2:2], // R061, RM-3
			"send 7 => write control system 1", "send 7 => write control system 2", "send 7 => write control system 3", "send 7 => write control system 4",
			"send 7 => write control system 5", "send 7 => close control; gone 7: too many system messages unacknowledged"),
		"unacknowledged for 10 min => quarantine": append(known[:2:2],
			"send 7 => write control system 1", "down control =>", "after 50ms => dial control",
			"after 10m => close control; drop control: unreachable; gone 7: system messages unacknowledged for too long"),
		"messages for an address unknown so far go out in order": {
			"send 0 => dial control", "send 7 =>", "up control 7 => peer 7; open control to 7; write control system 1; write control system 2",
		},
		"nobody ever answers => given up after 30 s": {
			"send 0 => dial control", "down control =>", "after 50ms => dial control", "down control =>", "after 30s => dial control; drop control: unreachable; gone 0: system messages unacknowledged for too long",
		},
		"a message for an incarnation, and another one knocks": {
			"send 6 => dial control", "knock 1 7 => welcome 1; peer 7; dial probe", "up probe 7 => gone 6: replaced by a new incarnation; close probe",
		},
		"a message for an incarnation that is not there => it is gone": {
			"send 6 => dial control", "up control 7 => peer 7; gone 6: replaced by a new incarnation; open control to 7",
		},
		"somebody names another incarnation: the address decides, the known one is right": append(known[:2:2],
			"send 8 => dial probe", "send 8 =>", "up probe 7 => gone 8: replaced by a new incarnation; close probe", "send 8 => gone 8: replaced by a new incarnation"),
		"somebody names another incarnation: the address decides, the named one is right": append(known[:2:2],
			"named 8 => dial probe", "named 8 =>", "up probe 8 => close control; gone 7: replaced by a new incarnation; peer 8; close probe"),
		"a message for the new incarnation survives the change": append(known[:2:2],
			"send 8 => dial probe", "up probe 8 => close control; gone 7: replaced by a new incarnation; peer 8; dial control; close probe",
			"up control 8 => open control to 8; write control system 1"),
		"another incarnation knocks: asked back, confirmed": append(known[:2:2], // R024, RM-6
			"knock 3 8 => dial probe", "knock 4 8 =>", "up probe 8 => close control; gone 7: replaced by a new incarnation; peer 8; welcome 3; welcome 4; close probe"),
		"another incarnation knocks: asked back, not there (a late hello of a dead process)": append(known[:2:2],
			"knock 3 6 => dial probe", "up probe 7 => refuse 3 code 5; close probe", "send 7 => write control system 1"),
		"another incarnation knocks: no answer => turned away": append(known[:2:2],
			"knock 3 6 => dial probe", "after 5s => close probe; refuse 3 code 5"),
		"a dialed stream shows the new incarnation": append(known[:2:2],
			"demand ordinary => dial ordinary", "up ordinary 8 => close control; gone 7: replaced by a new incarnation; peer 8; open ordinary to 8"),
		"quarantine is for good, and per uid": append(known[:2:2], // R027, R029, RM-5
			"quarantine 7 => close control; gone 7: declared dead", "quarantine 7 =>", "knock 2 7 => refuse 2 code 4",
			"demand control => dial control", "up control 7 => close control; drop control: quarantined", "after 999ms =>", "after 1ms => close control",
			"send 7 => gone 7: replaced by a new incarnation", "knock 3 8 => welcome 3; peer 8", "send 8 => dial control"),
		"quarantine of nobody in particular": append(known[:2:2], "quarantine 0 => close control; gone 7: declared dead"),
		"quarantine of an incarnation never met": {
			"quarantine 9 => gone 9: declared dead", "knock 1 9 => refuse 1 code 4", "knock 2 7 => welcome 2; peer 7",
		},
		"a new incarnation ends the wait for the next attempt": {
			"demand ordinary => dial ordinary", "wanted ordinary =>", "down ordinary =>", "after 50ms => dial ordinary", "down ordinary =>",
			"knock 1 7 => welcome 1; peer 7", "after 0s => dial ordinary",
		},
		"the peer has declared us dead": append(known[:2:2],
			"demand ordinary => dial ordinary",
			"refused ordinary 4 7 => refused by 7; close control; gone 7: it has declared this node dead; close ordinary; drop ordinary: refused",
			"after 1s => close ordinary", "demand control => dial control", "refused control 4 7 => close control; drop control: quarantined"),
		"the wrong cluster is left alone for a while": {
			"demand control => dial control", "wanted control =>", "refused control 3 7 => misfit; close control; drop control: refused",
			"demand control =>", "after 1s => dial control",
		},
		"system messages arrive once and in order": { // R061
			"knock 1 7 => welcome 1; peer 7", "system 1 7 1 => deliver 1; reply 1 ack 1", "system 1 7 3 => reply 1 nack 1",
			"system 1 7 2 => deliver 2; reply 1 ack 2", "system 1 7 2 => reply 1 ack 2", "system 1 7 3 => deliver 3; reply 1 ack 3", "system 1 8 4 =>",
		},
		"a system message waits for the ordinary ones before it": {
			"knock 1 7 => welcome 1; peer 7", "system 1 7 1 4 3 => reply 1 ack 1", "system 1 7 2 0 3 => reply 1 ack 2", "progress 7 3 =>",
			"progress 8 4 =>", "progress 7 4 => deliver 1; deliver 2",
		},
		"but not longer than 3 s": {
			"knock 1 7 => welcome 1; peer 7", "system 1 7 1 4 3 => reply 1 ack 1", "after 2.9s =>", "after 100ms => deliver 1",
		},
		"goodbye of the peer": append(known[:2:2],
			"system 1 7 1 4 3 => reply 1 ack 1", "goodbye 2 7 ordinary => reply 2 goodbye-ack",
			"goodbye 1 7 control => reply 1 goodbye-ack; deliver 1; close control; gone 7: its system has stopped"),
		"our goodbye: ordinary first, then control": append(known[:2:2],
			"demand ordinary => dial ordinary", "up ordinary 7 => open ordinary to 7", "leave => write ordinary goodbye", "left control =>",
			"left ordinary => write control goodbye", "left control => left", "leave =>"),
		"our goodbye to a peer that was only listened to": {
			"knock 1 7 => welcome 1; peer 7", "leave => write control goodbye; dial control", "up control 7 => open control to 7", "left control => left",
		},
		"our goodbye to a peer that does not answer any more": {
			"knock 1 7 => welcome 1; peer 7", "leave => write control goodbye; dial control", "down control => left",
		},
		"our goodbye on all lanes, then control": append(known[:2:2],
			"demand ordinary => dial ordinary", "up ordinary 7 => open ordinary to 7", "demand second => dial ordinary 1", "up second 7 => open ordinary 1 to 7",
			"leave => write ordinary goodbye; write ordinary 1 goodbye", "left second =>", "left ordinary => write control goodbye", "left control => left"),
		"large messages wait until it is known that the peer takes them": { // R043
			"takes 1000", "wanted large", "demand large => dial control", "demand large =>", "up control 7 => peer 7; open control to 7", "after 0s => dial large", "up large 7 => open large to 7",
		},
		"large messages for a peer that takes none are dropped": {
			"wanted large", "demand large => dial control", "up control 7 => peer 7; open control to 7", "after 0s => close large; drop large: too large",
		},
		"large messages for a peer that doesn't answer are dropped in time": {
			"takes 1000", "wanted large", "wanted control", "demand large => dial control", "down control =>", "after 20s => dial control; drop control: unreachable; drop large: unreachable; close large",
		},
		"a stream on which nothing comes back is given up": append(known[:2:2],
			"demand ordinary => dial ordinary", "up ordinary 7 => open ordinary to 7", "sent ordinary 3 =>",
			"after 1m => write ordinary ping 7", "pong 7 ordinary =>", "after 1m =>", "sent ordinary 4 =>",
			"after 1m => write ordinary ping 7", "after 59s =>", "wanted ordinary =>", "after 1s => lost ordinary; close ordinary", "after 50ms => dial ordinary"),
		"a stream on which nothing is sent is left alone": append(known[:2:2],
			"demand ordinary => dial ordinary", "up ordinary 7 => open ordinary to 7", "after 1m =>", "after 1m =>", "after 1m =>"),
		"our goodbye when nothing is open":             {"leave => left"},
		"our goodbye when the stream breaks meanwhile": append(known[:2:2], "leave => write control goodbye", "down control => left; close control"),
		"both say goodbye at once": append(known[:2:2],
			"leave => write control goodbye", "goodbye 1 7 control => reply 1 goodbye-ack; left; close control; gone 7: its system has stopped"),
	} {
		t.Run(title, func(t *testing.T) {
			s := newScript(t, testLimits())
			s.a.lim.probeEvery = 0
			for _, line := range lines {
				in, want, _ := strings.Cut(line, "=>")
				require.Equal(t, strings.TrimSpace(want), s.do(in), line)
			}
		})
	}
}

func TestDetection(t *testing.T) { // R063
	s := newScript(t, testLimits())
	s.a.lim.phi = phi.Settings{FirstEstimate: time.Second, AcceptablePause: 3 * time.Second}
	s.do("demand control")
	s.do("up control 7")
	s.do("send 7")
	s.do("ack 7 1")
	s.do("watched yes")
	for range 20 {
		require.Equal(t, "write control ping 7", s.do("after 1s"))
		require.Empty(t, s.do("pong 7 control"))
		require.Empty(t, s.do("pong 6 control"))
	}
	silent := 0
	for ; ; silent++ {
		require.Less(t, silent, 10)
		if got := s.do("after 1s"); got != "write control ping 7" {
			require.Equal(t, "close control; gone 7: no heartbeat", got)
			break
		}
	}
	require.GreaterOrEqual(t, silent, 3)

	t.Run("who comes back just before the verdict => lives", func(t *testing.T) {
		s := newScript(t, testLimits())
		s.a.lim.phi = phi.Settings{FirstEstimate: time.Second, AcceptablePause: 3 * time.Second}
		s.do("demand control")
		s.do("up control 7")
		s.do("send 7")
		s.do("ack 7 1")
		s.do("watched yes")
		for range 20 {
			s.do("after 1s")
			s.do("pong 7 control")
		}
		s.do("down control")
		for range silent {
			require.NotContains(t, s.do("after 1s"), "gone")
		}
		require.Contains(t, s.do("up control 7"), "open control to 7")
		require.Equal(t, "write control ping 7", s.do("after 1s"), "by the last heartbeat it would be dead")
	})
	t.Run("nobody watches any more => no heartbeat", func(t *testing.T) {
		s := newScript(t, testLimits())
		s.do("demand control")
		s.do("up control 7")
		s.do("send 7")
		s.do("ack 7 1")
		require.Empty(t, s.do("after 1s"))
		require.Empty(t, s.do("after 1h"))
	})
}

// TestReliableStream sends over a stream that loses, repeats and breaks, and wants
// everything once and in order (R061).
func TestReliableStream(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		lim := testLimits()
		lim.window.count = 1000
		lim.probeEvery, lim.stuck = 0, time.Hour
		sender := newScript(t, lim)
		sender.do("demand control")
		sender.do("up control 7")
		receiver := newAssociation(identity{UID: 7}, "me:1", lim, nil)
		receiver.learn(sender.now, identity{UID: 1})
		receiver.effects = nil
		var delivered []uint64
		const count = 300
		sent := 0
		for step := 0; len(delivered) < count; step++ {
			require.Less(t, step, 100_000, "seed %d: it ends", seed)
			if sent < count && rnd.IntN(2) == 0 {
				sender.a.sendSystem(sender.now, systemFrame{Kind: actor.SystemWatch, ToUID: 7})
				sent++
			} else {
				sender.now = sender.now.Add(time.Duration(rnd.IntN(300)) * time.Millisecond)
				sender.a.tick(sender.now, outside{})
			}
			effects := sender.a.effects
			sender.a.effects = nil
			for _, e := range effects {
				if e.kind != effectWrite || rnd.IntN(20) == 0 {
					continue
				}
				m, err := readSystem(e.frame[frameHeader+1:], 0)
				require.NoError(t, err)
				receiver.system(sender.now, 1, 1, m, position{})
			}
			receiver.flush()
			for _, e := range receiver.effects {
				switch {
				case e.kind == effectDeliver:
					delivered = append(delivered, e.system.Seq)
				case e.kind == effectReply && rnd.IntN(20) != 0:
					n, err := readNumber(e.frame[frameHeader+1:])
					require.NoError(t, err)
					sender.a.acked(sender.now, 7, n, frameKind(e.frame[frameHeader]) == frameNack)
				}
			}
			receiver.effects = nil
		}
		for i, seq := range delivered {
			require.Equal(t, uint64(i+1), seq, "seed %d", seed)
		}
	}
}

// TestAssociationSurvivesAnything applies random inputs: bounds hold and next is
// never in the past for longer than a tick.
func TestAssociationSurvivesAnything(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		s := newScript(t, testLimits())
		uid := func() int { return 6 + rnd.IntN(4) }
		lane := func() string { return []string{"control", "ordinary", "probe"}[rnd.IntN(3)] }
		gone := map[uint64]bool{}
		for range 3000 {
			line := []string{
				"demand " + lane(), fmt.Sprintf("up %s %d", lane(), uid()), "down " + lane(), fmt.Sprintf("refused %s %d %d", lane(), 1+rnd.IntN(8), uid()),
				fmt.Sprintf("knock %d %d", rnd.IntN(5), uid()), fmt.Sprintf("send %d", []int{0, uid()}[rnd.IntN(2)]), fmt.Sprintf("named %d", uid()),
				fmt.Sprintf("system 1 %d %d %d 1", uid(), 1+rnd.IntN(9), rnd.IntN(3)), fmt.Sprintf("ack %d %d", uid(), rnd.IntN(9)), fmt.Sprintf("nack %d %d", uid(), rnd.IntN(9)),
				fmt.Sprintf("after %dms", rnd.IntN(3000)), "wanted ordinary", "unwanted ordinary", fmt.Sprintf("pong %d %s", uid(), lane()), fmt.Sprintf("goodbye 1 %d %s", uid(), lane()),
			}[rnd.IntN(15)]
			if rnd.IntN(300) == 0 {
				line = fmt.Sprintf("quarantine %d", uid())
			}
			s.do(line)
			for _, u := range s.a.gone {
				gone[u] = true
			}
			for u := range gone {
				require.True(t, s.a.isGone(u), "seed %d: gone is for good", seed)
			}
			require.False(t, s.a.peer.UID != 0 && s.a.isGone(s.a.peer.UID), "seed %d: %s", seed, line)
			require.LessOrEqual(t, len(s.a.out.kept), 5)
			require.LessOrEqual(t, len(s.a.waiting), waitingMax)
			if at, ok := s.a.next(); ok && at.Before(s.now) {
				s.do("after 0s")
				at, ok = s.a.next()
				require.False(t, ok && at.Before(s.now), "seed %d: after %q tick leaves nothing overdue", seed, line)
			}
			if len(gone) == 4 {
				break
			}
		}
	}
}

// TestBackoffIsSpread: those who lost the same node don't come back at the same moment.
func TestBackoffIsSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for seed := range uint64(200) {
		a := newAssociation(identity{UID: 1}, "peer:1", testLimits(), rand.New(rand.NewPCG(seed, 1)))
		now := time.Unix(1000, 0)
		a.demand(now, laneControl)
		for _, longest := range []time.Duration{50, 100, 200, 400, 800, 1000, 1000} {
			longest *= time.Millisecond
			a.laneDown(now, laneControl, true)
			wait := a.lanes[laneControl].until.Sub(now)
			require.LessOrEqual(t, wait, longest)
			require.Greater(t, wait, longest/2)
			if longest == time.Second {
				seen[wait.Round(50*time.Millisecond)] = true
			}
			now = now.Add(wait)
			a.tick(now, outside{wanted: [laneMax]bool{laneControl: true}})
			require.Equal(t, laneDialing, a.lanes[laneControl].phase)
		}
	}
	require.GreaterOrEqual(t, len(seen), 10, "all over the range")
}
