package remote

import "strconv"

// stream says on the wire what a connection is for. The numbers are in the hello.
type stream uint8

const (
	streamControl  stream = 0
	streamOrdinary stream = 1
	streamProbe    stream = 2 // asks who is there and ends
	streamLarge    stream = 3 // messages in parts; from version 3 on
	streamCount           = 4
)

// ordinaryMax is how many ordinary lanes a node may have to another.
const ordinaryMax = 16

// laneKind names one of the lanes to a peer, each a stream of its own: the fixed
// ones, and behind them the ordinary ones from the second on.
type laneKind uint8

const (
	laneControl  laneKind = 0
	laneOrdinary laneKind = 1 // the first
	laneProbe    laneKind = 2
	laneLarge    laneKind = 3
	laneFixed             = 4
	laneMax               = laneFixed + ordinaryMax - 1
)

// ordinaryLane is the ordinary lane number i, from 0 on.
func ordinaryLane(i int) laneKind {
	if i == 0 {
		return laneOrdinary
	}
	return laneKind(laneFixed + i - 1)
}

// laneOf is the lane that is number index of its stream.
func laneOf(s stream, index uint64) (laneKind, bool) {
	switch {
	case s >= streamCount || index >= ordinaryMax || s != streamOrdinary && index > 0:
		return 0, false
	case s == streamOrdinary:
		return ordinaryLane(int(index)), true
	}
	return laneKind(s), true
}

// stream is what the lane's connection says it is for.
func (k laneKind) stream() stream {
	if k >= laneFixed {
		return streamOrdinary
	}
	return stream(k)
}

// index is the lane's number among those of its stream.
func (k laneKind) index() int {
	if k >= laneFixed {
		return int(k) - laneFixed + 1
	}
	return 0
}

// carriesUser reports whether the lane carries users' messages one after the other,
// and says goodbye before the control lane does.
func (k laneKind) carriesUser() bool { return k.stream() == streamOrdinary || k == laneLarge }

func (k laneKind) String() string {
	if k >= laneFixed {
		return "ordinary " + strconv.Itoa(k.index())
	}
	return [...]string{"control", "ordinary", "probe", "large"}[k]
}

// position counts the messages that an incarnation has sent, or that have arrived
// from it, on the lanes whose order matters to system messages.
type position struct {
	uid      uint64
	ordinary [ordinaryMax]uint64
	large    uint64
}

// advance notes that n messages have arrived on a lane of the incarnation uid.
func (p *position) advance(uid uint64, lane laneKind, n uint64) {
	if p.uid != uid {
		*p = position{uid: uid}
	}
	if lane == laneLarge {
		p.large = max(p.large, n)
		return
	}
	p.ordinary[lane.index()] = max(p.ordinary[lane.index()], n)
}

// covers reports whether everything that goes before a system message has arrived.
func (p *position) covers(s *systemFrame) bool {
	return s.After <= p.ordinary[s.Lane] && s.AfterLarge <= p.large
}
