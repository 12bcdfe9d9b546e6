package simtest

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"time"
)

// Swarm is what the faults of one seed look like. Each family is on with a
// chance of one half, and how strong it is, is drawn on a logarithmic scale:
// worlds that leave whole families out find more than worlds with a little of
// everything. It is printed when a seed fails. Durations are in virtual time.
type Swarm struct {
	// LatencyBase and LatencyTail: a message between nodes takes the base
	// and an exponential tail with that mean. Stall is the chance that it
	// takes 0.2 to 1.6 s more, Split the chance that bytes arrive in two pieces.
	LatencyBase, LatencyTail time.Duration
	Stall, Split             float64
	// Rate is how many bytes a second a link from one node to another takes; its
	// connections share it evenly. 0: any number. It is never drawn.
	Rate int
	// Patience: after how long at most a kernel gives up on a peer that
	// doesn't acknowledge. Retransmit: how long a connection may need to
	// find out that a cut is mended.
	Patience, Retransmit time.Duration
	// TurnMax: what is ready to run waits up to this long for a processor.
	TurnMax time.Duration
	// SkewMax: the clock of a process is up to this much off, for all its life.
	SkewMax time.Duration
	// DiskLatency is the mean of half a round trip to the database, DiskSlow
	// the chance that one takes up to 2 s more, DiskDoubt the chance that a
	// write's outcome stays unknown, DiskBreak that a read breaks off.
	DiskLatency                    time.Duration
	DiskSlow, DiskDoubt, DiskBreak float64
	// DiskLate: a write in doubt may take effect up to so much later. 0: 3 s.
	DiskLate time.Duration
	// Stale is the chance that a message of the protocols (membership, heartbeats,
	// singletons, sharding) comes again up to StaleMax later, in another term or
	// after its sender has gone; a quarter of it that it comes only then. That
	// is more than TCP does.
	Stale    float64
	StaleMax time.Duration

	// The rest are means of the times between two faults of a family; zero
	// means never.

	// Crash: a process dies, by itself or with its machine, and a new one
	// starts up to RestartMax later at the same address.
	Crash, RestartMax time.Duration
	// Leave: a node of a cluster stops in order, and is launched again.
	Leave time.Duration
	// Pause: a process stands still for up to PauseMax.
	Pause, PauseMax time.Duration
	// Sever: a connection breaks in the middle. Linger: what is under way on it
	// may still arrive up to so much later, when newer connections have long been
	// at work.
	Sever, Linger time.Duration
	// Partition: the nodes fall into two groups; OneWay: one group can't be
	// heard by the other; Partial: single links are cut; Swizzle: the links
	// of some nodes are cut one by one and mended in another order. Each
	// lasts for up to CutMax.
	Partition, OneWay, Partial, Swizzle, CutMax time.Duration
	// Clog: a link lets nothing through for a while and then everything at once.
	Clog time.Duration
	// Refuse: a node takes no new connections from another for a while.
	Refuse time.Duration
	// Outage: the database is unavailable for up to OutageMax.
	Outage, OutageMax time.Duration
}

// calm is a world in which nothing goes wrong.
func calm() Swarm {
	return Swarm{
		LatencyBase: 200 * time.Microsecond, LatencyTail: 100 * time.Microsecond,
		Patience: 20 * time.Second, Retransmit: time.Second,
		TurnMax: 20 * time.Microsecond, DiskLatency: 500 * time.Microsecond,
	}
}

// DrawSwarm draws a configuration from r, with times between faults that make
// sense for a run of minutes.
func DrawSwarm(r *rand.Rand) Swarm {
	s := calm()
	s.LatencyBase = logUniform(r, 50*time.Microsecond, 5*time.Millisecond)
	s.LatencyTail = logUniform(r, 50*time.Microsecond, 20*time.Millisecond)
	s.TurnMax = logUniform(r, 2*time.Microsecond, 500*time.Microsecond)
	s.Patience = logUniform(r, 6*time.Second, 40*time.Second)
	s.Retransmit = logUniform(r, 50*time.Millisecond, 3*time.Second)
	s.DiskLatency = logUniform(r, 100*time.Microsecond, 10*time.Millisecond)
	s.CutMax = logUniform(r, 2*time.Second, 40*time.Second)
	s.RestartMax = logUniform(r, 100*time.Millisecond, 40*time.Second)
	s.PauseMax = logUniform(r, 500*time.Millisecond, 30*time.Second)
	s.OutageMax = logUniform(r, time.Second, 20*time.Second)
	for _, chance := range []*float64{&s.Stall, &s.Split, &s.DiskSlow, &s.DiskDoubt, &s.DiskBreak} {
		if on, p := r.IntN(2) == 0, logUniformF(r, 1e-4, 3e-2); on {
			*chance = p
		}
	}
	if on, d := r.IntN(2) == 0, logUniform(r, time.Millisecond, 500*time.Millisecond); on {
		s.SkewMax = d
	}
	for _, every := range []*time.Duration{&s.Crash, &s.Leave, &s.Pause, &s.Sever, &s.Partition, &s.OneWay,
		&s.Partial, &s.Swizzle, &s.Clog, &s.Refuse, &s.Outage} {
		if on, d := r.IntN(2) == 0, logUniform(r, 4*time.Second, 2*time.Minute); on {
			*every = d
		}
	}
	s.drawLate()
	return s
}

// drawLate draws what comes late. It draws from what was drawn before, so that the
// rest of a seed is what it was without.
func (s *Swarm) drawLate() {
	r := rand.New(rand.NewPCG(uint64(s.LatencyTail), uint64(s.RestartMax)))
	if on, p := r.IntN(2) == 0, logUniformF(r, 1e-3, 1e-1); on {
		s.Stale = p
	}
	s.StaleMax = logUniform(r, time.Second, 2*time.Minute)
	if on, d := r.IntN(2) == 0, logUniform(r, 100*time.Millisecond, 20*time.Second); on {
		s.Linger = d
	}
	if on, d := r.IntN(2) == 0, logUniform(r, 3*time.Second, time.Minute); on {
		s.DiskLate = d
	}
}

func logUniform(r *rand.Rand, lo, hi time.Duration) time.Duration {
	return time.Duration(logUniformF(r, float64(lo), float64(hi)))
}

func logUniformF(r *rand.Rand, lo, hi float64) float64 {
	return math.Exp(math.Log(lo) + r.Float64()*(math.Log(hi)-math.Log(lo)))
}

func (s *Swarm) skew(r *rand.Rand) time.Duration {
	if s.SkewMax <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(2*s.SkewMax))) - s.SkewMax
}

// String returns the configuration as one line of JSON, durations in
// nanoseconds.
func (s Swarm) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// OnlyCrashes returns s without the faults that can hide a process that lives
// from the others: what is left are deaths, departures and the database.
func (s Swarm) OnlyCrashes() Swarm {
	return s.without([]string{"Pause", "Sever", "Partition", "OneWay", "Partial", "Swizzle", "Clog", "Refuse", "Stall"})
}

// quiet keeps the latencies and takes the faults away.
func (s Swarm) quiet() Swarm {
	q := calm()
	q.LatencyBase, q.LatencyTail, q.TurnMax, q.DiskLatency = s.LatencyBase, s.LatencyTail, s.TurnMax, s.DiskLatency
	q.Retransmit, q.SkewMax = s.Retransmit, s.SkewMax
	return q
}
