package main

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/openloop"
	"github.com/troupe-go/troupe/remote"
)

// Contenders.
const (
	bare    = "floor"
	product = "troupe"
	withTLS = "tls"
	polling = "polling" // with TCP.Poll
	alone   = "alone"   // the slow peer gets nothing
	flooded = "flooded" // the slow peer gets more than it takes
)

// What the other process is when it is not what the contender says.
const (
	manyPeers   = "many"
	narrowPeers = "narrow" // ten, the way to the first is slow
)

const (
	manyCount = 100
	tenCount  = 10
)

// figures are what a run of a workload measures, by name; "" is the only one.
type figures map[string]float64

// warmUp is how many messages go one way before the others are counted, so that a
// connection has what comes with its first ones behind it.
const warmUp = 1000

// setting is what a run is given.
type setting struct {
	name  string   // of the contender
	addrs []string // of the other process
	keys  string   // the directory of the certificate
	rate  float64  // messages a second; 0: as fast as it goes
}

// workload is one or more rows of the tables.
type workload struct {
	id, what, unit string
	higher         bool     // higher figures are better
	target         float64  // of the ratio to the first contender; of the figure where there is only one
	targetOf       string   // the figure that it is for
	contenders     []string // the first is what the others are held against
	serve          string   // what the other process is; empty: as the contender says
	whole          bool     // each process may use all processors, not its half of them
	rate           float64  // thousands of messages a second; 0: as fast as it goes
	run            func(s setting) (figures, error)
}

// contender is one end of a connection to the other process.
type contender interface {
	// oneWay sends n messages with a body of so many bytes, and returns the time
	// until the last has arrived; window > 0: so many without an answer.
	oneWay(n, size, window int) (time.Duration, error)
	// rounds has n questions answered, so many at a time, each by its own asker or
	// all by one.
	rounds(n, atOnce int, askers bool) (time.Duration, error)
	// atRate has questions answered when they are due.
	atRate(o *openloop.Loop) error
}

func (s setting) dial() (contender, error) {
	if s.name == bare {
		return dialFloor(s.addrs[0])
	}
	cfg, err := configOf(s.name, s.keys)
	if err != nil {
		return nil, err
	}
	return dialTroupe(s.addrs[0], cfg)
}

// exchange is a workload of one figure between two ends.
func exchange(measure func(c contender) (float64, error)) func(setting) (figures, error) {
	return func(s setting) (figures, error) {
		c, err := s.dial()
		if err != nil {
			return nil, err
		}
		if _, err := c.oneWay(warmUp, 16, 100); err != nil {
			return nil, err
		}
		v, err := measure(c)
		return figures{"": v}, err
	}
}

// sizes divides how much a workload does.
type sizes int

func (s sizes) of(full int) int { return max(full/int(s), 200) }

// perSecond is how many a second in the unit.
func perSecond(n int, d time.Duration, unit float64) float64 { return float64(n) / d.Seconds() / unit }

func (s sizes) oneWay(full, size int) func(setting) (figures, error) {
	n := s.of(full)
	return exchange(func(c contender) (float64, error) {
		d, err := c.oneWay(n, size, 0)
		return perSecond(n, d, 1e6), err
	})
}

func (s sizes) rounds(full, atOnce int, askers bool) func(setting) (figures, error) {
	n := s.of(full)
	return exchange(func(c contender) (float64, error) {
		d, err := c.rounds(n, atOnce, askers)
		if atOnce == 1 {
			return float64(d.Microseconds()) / float64(n), err
		}
		return perSecond(n, d, 1e3), err
	})
}

func (s sizes) bulk(full, size, window int) func(setting) (figures, error) {
	n := s.of(full)
	return exchange(func(c contender) (float64, error) {
		d, err := c.oneWay(n, size, window)
		return perSecond(n*size, d, 1e6), err
	})
}

func workloads(scale int) []workload {
	s := sizes(scale)
	beside, tls := []string{bare, product}, []string{product, withTLS}
	all := []workload{
		{id: "R1", what: "one way, 24 bytes", unit: "M/s", higher: true, target: 0.18, contenders: beside, run: s.oneWay(6_000_000, 16)},
		{id: "R1k", what: "one way, 1 KiB", unit: "M/s", higher: true, contenders: beside, run: s.oneWay(500_000, 1<<10)},
		{id: "R2", what: "round trip", unit: "µs", target: 1.6, contenders: beside, run: s.rounds(20_000, 1, false)},
		{id: "R2p", what: "round trips, 100 at once", unit: "k/s", higher: true, target: 0.38, contenders: beside, run: s.rounds(500_000, 100, false)},
		{id: "R3", what: "asks, 64 askers", unit: "k/s", higher: true, target: 0.28, contenders: beside, run: s.rounds(300_000, 64, true)},
		{id: "R4", what: "64 KiB, no flow control", unit: "MB/s", higher: true, contenders: beside, run: s.bulk(20_000, 64<<10, 0)},
		{id: "R4w", what: "64 KiB, window of 32", unit: "MB/s", higher: true, target: 0.5, contenders: beside, run: s.bulk(20_000, 64<<10, 32)},
		{id: "P2", what: "round trip, polling", unit: "µs", target: 0.7, contenders: []string{bare, polling}, run: s.rounds(20_000, 1, false)},
		{id: "T1", what: "one way, 24 bytes", unit: "M/s", higher: true, target: 0.6, contenders: tls, run: s.oneWay(3_000_000, 16)},
		{id: "T1k", what: "one way, 1 KiB", unit: "M/s", higher: true, contenders: tls, run: s.oneWay(500_000, 1<<10)},
		{id: "T2", what: "round trip", unit: "µs", contenders: tls, run: s.rounds(20_000, 1, false)},
		{id: "T3", what: "asks, 64 askers", unit: "k/s", higher: true, contenders: tls, run: s.rounds(300_000, 64, true)},
		{id: "N1", what: "asks of nine peers beside a slow one", unit: "k/s", higher: true, target: 0.9, contenders: []string{alone, flooded}, serve: narrowPeers, whole: true,
			run: func(set setting) (figures, error) {
				peers, err := dialMany(set.addrs)
				if err != nil {
					return nil, err
				}
				return besideSlow(peers, s.of(10_000), set.name == flooded)
			}},
		{id: "H1", what: "on the control connection, the buffer full", unit: "ms", target: 50, targetOf: "max", contenders: []string{product}, whole: true,
			run: func(set setting) (figures, error) {
				t, err := dialTroupe(set.addrs[0], remote.Config{CompressFrom: -1})
				if err != nil {
					return nil, err
				}
				return t.urgentWhileFull(s.of(300))
			}},
		{id: "M1", what: "memory of an association", unit: "KiB", contenders: []string{product}, serve: manyPeers,
			run: func(set setting) (figures, error) { return memory(set.addrs, s.of(20_000)) }},
	}
	return append(all, openLoops(s, beside)...)
}

// openLoops are asks as fast as they go, and how long they take at fixed rates.
func openLoops(s sizes, beside []string) []workload {
	all := []workload{{id: "O", what: "asks of 256 askers, as fast as they go", unit: "k/s", higher: true, contenders: beside, whole: true, run: s.rounds(200_000, 256, true)}}
	for _, rate := range []float64{10, 30, 100} {
		all = append(all, workload{
			id: fmt.Sprintf("O %.0f k", rate), what: "ask", unit: "µs", contenders: beside, rate: rate, whole: true,
			run: func(set setting) (figures, error) {
				c, err := set.dial()
				if err != nil {
					return nil, err
				}
				o := newOpenLoop(1e3*set.rate, openLoopTime/time.Duration(s))
				if err := c.atRate(o); err != nil {
					return nil, err
				}
				return openloop.Percentiles(o.Steady(nil), time.Microsecond), nil
			},
		})
	}
	return all
}
