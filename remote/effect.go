package remote

import (
	"fmt"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
)

type effectKind uint8

const (
	effectDial          effectKind = iota + 1 // connect the lane and say hello
	effectCloseLane                           // end the lane's stream
	effectLost                                // the lane's stream is as good as broken; its end follows
	effectOpenLane                            // messages may flow on the lane
	effectDropPending                         // messages waiting on the lane have waited too long
	effectWrite                               // put the frame on the lane
	effectReply                               // put the frame on the way back of a connection
	effectWelcome                             // accept a knocking connection
	effectRefuse                              // turn a knocking connection away
	effectPeer                                // the incarnation at the address is known
	effectGone                                // an incarnation is gone for good
	effectDeliver                             // hand over a system message
	effectRefusedByPeer                       // the peer has declared this node dead
	effectMisfit                              // the peer can't be talked to as things are configured
	effectLeft                                // the goodbye is over
	effectForget                              // there is nothing to remember of the address any more
)

// goneReason is why an incarnation is gone.
type goneReason uint8

const (
	goneReplaced    goneReason = iota + 1 // another incarnation is at the address
	goneGoodbye                           // its system has stopped
	goneUnreachable                       // failure detection
	goneOverflow                          // too many system messages unacknowledged
	goneGaveUp                            // system messages unacknowledged for too long
	goneRefused                           // it has declared this node dead
	goneOrdered                           // Quarantine was called
	goneUnused                            // unused for long, and it doesn't answer
)

var goneTexts = [...]string{"?", "replaced by a new incarnation", "its system has stopped", "no heartbeat",
	"too many system messages unacknowledged", "system messages unacknowledged for too long", "it has declared this node dead", "declared dead",
	"unused for long, and it does not answer"}

func (g goneReason) String() string { return goneTexts[g] }

// verdict reports whether it is this node that declares it gone, and not the other one
// that has ended.
func (g goneReason) verdict() bool {
	switch g {
	case goneUnreachable, goneOverflow, goneGaveUp, goneOrdered, goneUnused:
		return true
	}
	return false
}

// level is that of the line about it: nobody needs to act on the end of a system in good
// order, or on the next one at its address.
func (g goneReason) level() zerolog.Level {
	switch g {
	case goneReplaced, goneGoodbye, goneUnused:
		return zerolog.DebugLevel
	}
	return zerolog.InfoLevel
}

// effect is one thing for the shell to do.
type effect struct {
	kind   effectKind
	lane   laneKind
	conn   uint64
	uid    uint64
	frame  []byte
	peer   identity
	system systemFrame
	code   refusalCode
	text   string
	reason actor.DropReason
	gone   goneReason
	gentle bool // effectCloseLane: when everything on it has been read
	again  bool // effectGone: it was gone before; effectOpenLane: the stream had failed before
}

// String is the form in which tests read effects.
func (e effect) String() string {
	switch e.kind {
	case effectDial:
		return fmt.Sprintf("dial %v", e.lane)
	case effectLost:
		return fmt.Sprintf("lost %v", e.lane)
	case effectCloseLane:
		return fmt.Sprintf("close %v", e.lane)
	case effectOpenLane:
		return fmt.Sprintf("open %v to %d", e.lane, e.uid)
	case effectDropPending:
		return fmt.Sprintf("drop %v: %v", e.lane, e.reason)
	case effectWrite:
		return fmt.Sprintf("write %v %s", e.lane, frameText(e.frame))
	case effectReply:
		return fmt.Sprintf("reply %d %s", e.conn, frameText(e.frame))
	case effectWelcome:
		return fmt.Sprintf("welcome %d", e.conn)
	case effectRefuse:
		return fmt.Sprintf("refuse %d code %d", e.conn, e.code)
	case effectPeer:
		return fmt.Sprintf("peer %d", e.uid)
	case effectGone:
		return fmt.Sprintf("gone %d: %v", e.uid, e.gone)
	case effectDeliver:
		return fmt.Sprintf("deliver %d", e.system.Seq)
	case effectRefusedByPeer:
		return fmt.Sprintf("refused by %d", e.uid)
	case effectMisfit:
		return "misfit"
	case effectLeft:
		return "left"
	case effectForget:
		return "forget"
	}
	return "?"
}

// frameText names a frame of the protocol's own.
func frameText(b []byte) string {
	kind, body := frameKind(b[frameHeader]), b[frameHeader+1:]
	if kind == frameSystem {
		s, err := readSystem(body, 0)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("system %d", s.Seq)
	}
	if kind == frameGoodbye || kind == frameGoodbyeAck {
		return map[frameKind]string{frameGoodbye: "goodbye", frameGoodbyeAck: "goodbye-ack"}[kind]
	}
	n, err := readNumber(body)
	if err != nil {
		return fmt.Sprintf("kind %d", kind)
	}
	return fmt.Sprintf("%s %d", map[frameKind]string{frameAck: "ack", frameNack: "nack", framePing: "ping", framePong: "pong"}[kind], n)
}
