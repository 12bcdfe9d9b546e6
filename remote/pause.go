package remote

const (
	pauseCount = 32  // messages that are read before those whom they have woken may run
	floodCount = 512 // and that many where nothing is sent: what waits longer is no longer in the cache
)

// pacing is when the reading of a stream of messages pauses. It is touched by Data only.
type pacing struct {
	sent       uint64 // messages to the node when the last piece came
	conversing bool   // the node is sent to as well
}

// look finds out whether the node is sent to as well as heard.
func (s *pacing) look(p *peer) {
	sent := p.sentOrdinary()
	s.conversing, s.sent = sent != s.sent, sent
}

// pause hands over what has been read, and lets those run whom it has woken. What they
// send goes out together, and the other node works on it while this one reads on. Where
// nothing is sent, it would mostly cost time, so it is rare.
func (i *inbound) pause() {
	if i.conversing || (i.got+1)%floodCount == 0 {
		i.handOver()
		if c, ok := i.conn.(YieldingConn); ok {
			c.Yield()
		}
	}
	i.peer.uncork()
}

// uncork writes what waited for a pause of reading.
func (p *peer) uncork() {
	for _, l := range p.ordinary {
		l.uncork()
	}
}

// sentOrdinary is how many messages were ever sent on ordinary lanes.
func (p *peer) sentOrdinary() (n uint64) {
	for _, l := range p.ordinary {
		n += l.position()
	}
	return n
}
