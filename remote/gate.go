package remote

import "time"

// gate decides whether another connection is taken: no more than so many a second
// in all, and half as many from one host, so that whoever storms the port doesn't
// keep the others out.
type gate struct {
	rate  float64 // a second; 0: no limit
	all   bucket
	hosts map[string]*bucket
	shed  uint64
}

// gateHosts bounds the hosts that are told apart.
const gateHosts = 4096

func newGate(rate int) *gate { return &gate{rate: float64(rate), hosts: map[string]*bucket{}} }

// take reports whether a connection from a host is taken at now.
func (g *gate) take(now time.Time, host string) bool {
	if g.rate <= 0 {
		return true
	}
	b := g.hosts[host]
	if b == nil {
		if len(g.hosts) >= gateHosts {
			clear(g.hosts) // the limit for all still holds
		}
		b = &bucket{}
		g.hosts[host] = b
	}
	ok := b.take(now, (g.rate+1)/2) && g.all.take(now, g.rate)
	if !ok {
		g.shed++
	}
	return ok
}

// bucket holds a second's worth of permissions, which come back evenly. The zero
// value is full.
type bucket struct {
	used float64
	at   time.Time
}

func (b *bucket) take(now time.Time, rate float64) bool {
	if passed := now.Sub(b.at); passed > 0 {
		b.used = max(0, b.used-rate*passed.Seconds())
		b.at = now
	}
	if b.used+1 > rate {
		return false
	}
	b.used++
	return true
}
