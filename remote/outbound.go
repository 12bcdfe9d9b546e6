package remote

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// errNoMore ends the reading of a stream that has said all it had to say.
var errNoMore = errors.New("stream is over")

// errSilent is why a stream is given up that seems to stand.
var errSilent = errors.New("nothing comes back on it")

// outbound is a connection that this node dialed: one stream to one peer. The
// other direction carries the answer to the handshake and acknowledgements.
type outbound struct {
	peer *peer
	kind laneKind

	mu     sync.Mutex
	conn   Conn
	cancel func()
	ended  bool
	greet  []byte // the hello, until it is taken

	pongs    uint64
	lastPong uint64 // the one that says that everything has been read; 0: the stream stays

	hello  []byte // its body, as it was said
	secret Secret // by which this node proves itself; zero: it need not
	class  Class  // as which it does

	session *session // after the challenge; touched by Data only
	frames  frames   // touched by Data only
	tables  tableReader
	uid     uint64 // of whom has answered; touched by Data only

	account account
}

func (p *peer) dial(kind laneKind) *outbound {
	self := p.remote.self
	o := &outbound{peer: p, kind: kind, frames: frames{max: frameMaxGreet}}
	h := hello{Version: self.Can.Version, Oldest: protocolOldest, Lane: kind, From: self, To: p.addr, Features: self.Can.Features, LargeMax: self.Can.LargeMax}
	if o.secret, o.class = p.secret(kind); !o.secret.IsZero() {
		h.Features |= featureSecret
		h.Nonce = newNonce()
	}
	o.greet = appendHello(nil, h)
	o.hello = o.greet[len(magic)+frameHeader+1:]
	p.remote.alive.begin()
	cancel := p.remote.transport.Dial(p.addr, o.dialed)
	o.mu.Lock()
	o.cancel = cancel
	ended := o.ended
	o.mu.Unlock()
	if ended {
		cancel()
	}
	return o
}

// dialed is the outcome of Dial.
func (o *outbound) dialed(conn Conn, err error) {
	if err != nil {
		o.peer.laneDown(o, err)
		o.peer.remote.alive.end()
		return
	}
	o.mu.Lock()
	ended := o.ended
	o.conn = conn
	o.mu.Unlock()
	o.peer.noteDialed(o)
	conn.Start(o)
	if ended {
		conn.Close()
		return
	}
	conn.Flush()
}

// close ends the connection, or the attempt.
func (o *outbound) close() {
	o.mu.Lock()
	o.ended = true
	conn, cancel := o.conn, o.cancel
	o.mu.Unlock()
	if conn != nil {
		conn.Close()
	} else if cancel != nil {
		cancel()
	}
}

// Outgoing hands the hello to the transport, then what waits on the lane.
func (o *outbound) Outgoing() [][]byte {
	o.mu.Lock()
	greet := o.greet
	o.greet = nil
	o.mu.Unlock()
	var pieces [][]byte
	if greet != nil {
		pieces = [][]byte{greet}
	} else if o.kind != laneProbe {
		pieces = o.peer.lanes[o.kind].take(o)
	}
	o.peer.instruments.sentBytes.Add(uint64(lengthOf(pieces)))
	return pieces
}

// Data reads what comes back.
func (o *outbound) Data(b []byte) {
	err := o.frames.feed(b, o.frame)
	if err == nil {
		return
	}
	if !errors.Is(err, errNoMore) {
		o.peer.laneDown(o, err)
	}
	o.close()
}

func (o *outbound) frame(b []byte) error {
	kind, body := frameKind(b[0]), b[1:]
	if o.uid == 0 {
		return o.answer(kind, body)
	}
	switch kind {
	case frameAck, frameNack, framePong:
		n, err := readNumber(body)
		if err != nil {
			return err
		}
		o.peer.post(func(a *association, now time.Time) {
			if kind == framePong {
				a.pong(now, o.uid, o.kind)
				if o.isLastPong() {
					o.peer.drained(a, now, o)
				}
				return
			}
			a.acked(now, o.uid, n, kind == frameNack)
		})
	case frameReceived, frameStopped:
		n, err := readNumber(body)
		o.account.confirm(n)
		o.account.final.Store(kind == frameStopped)
		return err
	case frameCredit:
		return o.credit(body)
	case frameTable:
		return o.table(body)
	case frameGoodbyeAck:
		o.peer.post(func(a *association, now time.Time) { a.goodbyeAcked(now, o.kind) })
	case frameRefuse:
		return o.refused(body)
	}
	return nil // a kind of a newer version is skipped
}

// table is part of what the receiver gives indexes to.
func (o *outbound) table(body []byte) error {
	t, err := o.tables.frame(body)
	if l, ok := o.peer.lanes[o.kind].(*lane); ok && t != nil {
		l.adopt(o, t)
	}
	return err
}

// credit is how far the receiver takes large messages.
func (o *outbound) credit(body []byte) error {
	n, err := readNumber(body)
	if l, ok := o.peer.lanes[o.kind].(*largeLane); ok && err == nil {
		l.credit(o, n)
	}
	return err
}

// answer is the first frame: welcome or not.
func (o *outbound) answer(kind frameKind, body []byte) error {
	switch kind {
	case frameRefuse:
		return o.turnedAway(body)
	case frameChallenge:
		return o.challenged(body)
	case frameWelcome:
		if !o.secret.IsZero() {
			var ok bool
			if body, ok = o.proven(kind, body); !ok {
				return o.distrust("does not prove that it knows the shared secret: give both nodes the same secret")
			}
		}
		w, err := readWelcome(body, o.peer.remote.self.Can.Version)
		if err != nil {
			return err
		}
		if no, ok := confirm(o.peer.remote.self, o.peer.addr, w); !ok {
			o.peer.laneRefused(o, no)
			return errNoMore
		}
		o.uid = w.From.UID
		w.From.Can = o.peer.remote.self.Can.common(w.abilities())
		o.peer.laneUp(o, w.From)
		return nil
	}
	return fmt.Errorf("%w: kind %d instead of an answer to the handshake", errFrame, kind)
}

const secretDemanded = "demands a shared secret: set Config.Secrets"

// challenged answers the acceptor's challenge with a proof, once.
func (o *outbound) challenged(body []byte) error {
	if o.secret.IsZero() {
		return o.distrust(secretDemanded)
	}
	if o.session != nil {
		return fmt.Errorf("%w: a second challenge", errFrame)
	}
	if _, err := readChallenge(body, o.peer.remote.self.Can.Version); err != nil {
		return err
	}
	o.session = &session{keys: o.secret.material(), said: transcriptOf(o.hello, body, bindingOf(o.conn))}
	o.mu.Lock()
	o.greet = appendProof(nil, o.session.dialerProof())
	o.mu.Unlock()
	o.conn.Flush()
	return nil
}

// proven cuts the acceptor's proof off its answer.
func (o *outbound) proven(kind frameKind, answer []byte) ([]byte, bool) {
	if o.session == nil {
		return nil, false
	}
	return o.session.proven(kind, answer)
}

// distrust ends the stream to somebody who is not, as far as one can see, of us.
func (o *outbound) distrust(why string) error {
	o.peer.laneRefused(o, refusal{Code: refusedSecret, Text: why})
	return errNoMore
}

// turnedAway is a refusal instead of a welcome. Where a secret is shared, only
// somebody who has it can declare this node dead.
func (o *outbound) turnedAway(body []byte) error {
	if o.secret.IsZero() {
		return o.refused(body)
	}
	if proved, ok := o.proven(frameRefuse, body); ok {
		return o.refused(proved)
	}
	r, err := readRefusal(body)
	if err != nil {
		return err
	}
	if r.Code == refusedGone || r.Code == refusedStale {
		return fmt.Errorf("%w: a verdict without proof of the shared secret", errFrame)
	}
	return o.refused(body)
}

func (o *outbound) refused(body []byte) error {
	r, err := readRefusal(body)
	if err != nil {
		return err
	}
	r.Text, r.Theirs = printable(r.Text), printable(r.Theirs)
	switch {
	case r.Code == refusedSecret && o.secret.IsZero():
		r.Text = secretDemanded
	case r.Code == refusedSecret:
		r.Text = "does not accept the shared secret of this node: give both nodes the same secret"
	}
	o.peer.laneRefused(o, r)
	return errNoMore
}

// Closed ends the stream.
func (o *outbound) Closed(err error) {
	if err == nil {
		err = errNoMore
	}
	o.peer.forgetDialed(o)
	o.peer.laneDown(o, err)
	o.peer.post(func(*association, time.Time) {
		o.peer.leftStream(o)
		o.peer.settle(o)
		o.peer.remote.alive.end()
	})
}

// isLastPong counts a pong.
func (o *outbound) isLastPong() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pongs++
	return o.pongs == o.lastPong
}

func (p *peer) noteDialed(o *outbound) {
	p.dialedMu.Lock()
	defer p.dialedMu.Unlock()
	p.dialedConns[o.kind] = o
}

func (p *peer) forgetDialed(o *outbound) {
	p.dialedMu.Lock()
	defer p.dialedMu.Unlock()
	if p.dialedConns[o.kind] == o {
		p.dialedConns[o.kind] = nil
	}
}
