package remote

import (
	"errors"
	"sync"
	"time"

	"github.com/troupe-go/troupe/codec"
)

const (
	garbledMax   = 100 // messages a second that can't be decoded; more end their connection
	barredFirst  = time.Second
	barredMost   = time.Minute
	forgiveAfter = time.Minute // of good conduct
)

// errGarbled ends a connection whose messages can't be decoded.
var errGarbled = errors.New("more than 100 messages a second can't be decoded; do both nodes have the same types under the same names?")

// conduct is how an incarnation behaves on one lane, and whether it may come back on it.
type conduct struct {
	uid     uint64
	garbled bucket
	until   time.Time     // it isn't let in before
	wait    time.Duration // the last time that it had to stay away
}

// garble notes a message that can't be decoded. If there are too many, it says for how
// long the incarnation has to stay away: longer each time, unless it has behaved for a
// while since.
func (c *conduct) garble(now time.Time, uid uint64) (wait time.Duration, over bool) {
	if c.uid != uid {
		*c = conduct{uid: uid}
	}
	if c.garbled.take(now, garbledMax) {
		return 0, false
	}
	if c.wait == 0 || now.Sub(c.until) >= forgiveAfter {
		c.wait = barredFirst
	} else {
		c.wait = min(2*c.wait, barredMost)
	}
	c.until, c.garbled = now.Add(c.wait), bucket{}
	return c.wait, true
}

// barred reports whether the incarnation has to stay away.
func (c *conduct) barred(now time.Time, uid uint64) bool { return c.uid == uid && now.Before(c.until) }

// conducts are those of a peer, by lane, as far as there is something to say of it. It is
// safe for concurrent use.
type conducts struct {
	mu  sync.Mutex
	all map[laneKind]*conduct
}

func (c *conducts) garble(now time.Time, uid uint64, lane laneKind) (wait time.Duration, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.all[lane]
	if one == nil {
		if c.all == nil {
			c.all = map[laneKind]*conduct{}
		}
		one = &conduct{}
		c.all[lane] = one
	}
	return one.garble(now, uid)
}

func (c *conducts) barred(now time.Time, uid uint64, lane laneKind) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.all[lane]
	return one != nil && one.barred(now, uid)
}

// garbled ends the connection if too many of its messages can't be decoded. A type that
// isn't known here is no evidence: a newer release has some.
func (i *inbound) garbled(err error) {
	if errors.Is(err, codec.ErrUnregistered) {
		return
	}
	wait, over := i.peer.conducts.garble(i.remote.clock.Now(), i.who.UID, i.lane)
	if !over {
		return
	}
	i.remote.stats.barred.Add(1)
	i.bad(errGarbled, printable(i.who.Addr))
	i.remote.sys.Publish(Barred{Addr: i.peer.addr, UID: i.who.UID, Control: i.lane == laneControl, For: wait})
}
