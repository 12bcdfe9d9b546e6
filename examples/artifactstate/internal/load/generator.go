package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome is a request that is over. Times are those of this process.
type Outcome struct {
	// Route is the name of the route; "getAllStates (GET)" and "(POST)" differ.
	Route string
	// Set says that the request was to change something.
	Set bool
	// User and Artifact name the pair.
	User     string
	Artifact int64
	// Intended is when the request was meant to arrive, Sent when its last
	// attempt began, Done when it was over.
	Intended, Sent, Done time.Time
	// Target is the endpoint of the last attempt.
	Target string
	// Host is the node whose entity answered; empty when none did.
	Host string
	// Err is the kind of error; empty for an answer.
	Err string
	// Wrong is what is wrong with the answer; empty when it is right.
	Wrong string
}

// Generator makes load. Make one with [New]; it runs once.
type Generator struct {
	config  Config
	pairs   []*pair
	client  *client
	record  *recorder
	random  *rand.Rand
	working sync.WaitGroup
	// outstanding counts the requests that arrived and aren't over.
	outstanding atomic.Int64
	users       atomic.Int64
	ran         atomic.Bool
}

// New returns a generator, or all that is wrong with the config.
func New(config Config) (*Generator, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := config.filled()
	c.Seed = or(c.Seed, rand.Uint64()|1)
	g := &Generator{config: c, client: newClient(c), record: newRecorder(c), random: rand.New(rand.NewPCG(c.Seed, 0))}
	// The name isn't of the seed: a second run with it must find untouched pairs.
	name := or(c.Name, fmt.Sprintf("%08x", rand.Uint32()))
	for u := range c.Users {
		for a := range c.PairsPerUser {
			// Blanks and slashes in user ids must not confuse anybody.
			g.pairs = append(g.pairs, &pair{user: fmt.Sprintf("load/%s/user %d", name, u), artifact: int64(a)})
		}
	}
	return g, nil
}

// Run makes the load until Config.Duration is over or ctx is done, waits until
// what is outstanding is over, and returns the result. It never returns nil. It
// panics when called twice.
func (g *Generator) Run(ctx context.Context) *Result {
	if !g.ran.CompareAndSwap(false, true) {
		panic("load: a generator runs once")
	}
	start := time.Now()
	g.record.begin(start)
	stopProgress := g.startProgress(start)
	g.arrive(ctx, start)
	elapsed := time.Since(start)
	g.working.Wait() // every attempt has its timeout
	stopProgress()
	return g.record.result(elapsed)
}

// rampStep is for how long the rate of arrivals is taken as constant.
const rampStep = 50 * time.Millisecond

// arrive starts requests at the times of a Poisson process whose rate grows with
// the users.
func (g *Generator) arrive(ctx context.Context, start time.Time) {
	c := g.config
	end := start.Add(c.Duration)
	next := start
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		users := g.usersAt(next.Sub(start))
		g.users.Store(int64(users))
		perSecond := c.Rate * float64(users) / float64(c.Users)
		gap := time.Duration(min(g.random.ExpFloat64()/perSecond, 1) * float64(time.Second))
		// Such a process has no memory: where nobody arrives within a step, it may
		// begin anew at the step's end, with the rate of then.
		nobody := gap > rampStep
		next = next.Add(min(gap, rampStep))
		if next.After(end) {
			next = end
		}
		if wait := time.Until(next); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		if next.Equal(end) || ctx.Err() != nil {
			return
		}
		if nobody {
			continue
		}
		p := g.pairs[g.random.IntN(users*c.PairsPerUser)]
		g.start(p, arrival{op: draw(g.random), intended: next})
	}
}

// usersAt returns how many users there are after a while; never none.
func (g *Generator) usersAt(since time.Duration) int {
	if since >= g.config.Ramp {
		return g.config.Users
	}
	return max(1, int(float64(g.config.Users)*float64(since)/float64(g.config.Ramp)))
}

// start queues an arrival on its pair.
func (g *Generator) start(p *pair, a arrival) {
	if g.outstanding.Add(1) > int64(g.config.OutstandingMax) {
		g.outstanding.Add(-1)
		g.record.notSent(a)
		return
	}
	if p.push(a) {
		g.working.Go(func() { g.work(p) })
	}
}

// work makes the requests of a pair, one after the other, until none waits.
func (g *Generator) work(p *pair) {
	for {
		a, ok := p.pop()
		if !ok {
			return
		}
		out := g.perform(context.Background(), p, &operations[a.op], a.intended)
		g.record.outcome(out)
		if g.config.Observe != nil {
			g.config.Observe(out)
		}
		g.outstanding.Add(-1)
	}
}

// perform makes one request, on a second endpoint when the connection to the
// first fails and a repetition can do no harm, and checks the answer.
func (g *Generator) perform(ctx context.Context, p *pair, o *operation, intended time.Time) Outcome {
	out := Outcome{Route: o.name, Set: o.set, User: p.user, Artifact: p.artifact, Intended: intended}
	var e *endpoint
	for try := range 2 {
		e = g.client.pick(e)
		out.Target, out.Sent = e.target, time.Now()
		r := g.client.attempt(ctx, e, o, p)
		out.Done, out.Err, out.Host = time.Now(), r.kind, r.host
		if r.kind == "" {
			out.Wrong = o.check(p, r.body)
			break
		}
		if o.set && !r.unsent {
			p.facts[o.fact].failed(o.value, out.Sent.Add(g.config.LateWithin))
			return out
		}
		if !r.lost || try == 1 {
			return out
		}
		g.record.retried(r.kind)
	}
	if o.set && out.Err == "" && out.Wrong == "" {
		p.facts[o.fact].succeeded(o.value, out.Sent)
	}
	return out
}

// Mark notes that something happened now; it shows in the report. It does
// nothing before Run.
func (g *Generator) Mark(label string) { g.record.mark(label) }

// Verification is what [Generator.Verify] found.
type Verification struct {
	// Pairs is how many pairs were read back.
	Pairs int
	// Unsure is how many of them have a fact that the model does not know, since
	// a set failed and none has succeeded since.
	Unsure int
	// Wrong describes the pairs whose state the model excludes.
	Wrong []string
}

// Verify reads back every pair that was touched and compares it with the model.
// It repeats what is not answered until ctx is done; pairs that were never
// answered are an error. It may be called after Run, any number of times.
func (g *Generator) Verify(ctx context.Context) (Verification, error) {
	var mu sync.Mutex // guards v and failed
	var v Verification
	var failed error
	work := make(chan *pair)
	var readers sync.WaitGroup
	for range 16 {
		readers.Go(func() {
			for p := range work {
				out, err := g.readBack(ctx, p)
				mu.Lock()
				v.Pairs++
				switch {
				case err != nil:
					v.Pairs--
					failed = err
				case out.Wrong != "":
					v.Wrong = append(v.Wrong, fmt.Sprintf("%s/%d: %s", out.User, out.Artifact, out.Wrong))
				case p.facts[factRead].either() || p.facts[factInFeed].either():
					v.Unsure++
				}
				mu.Unlock()
			}
		})
	}
	for _, p := range g.pairs {
		p.mu.Lock()
		touched := p.touched
		p.mu.Unlock()
		if touched {
			work <- p
		}
	}
	close(work)
	readers.Wait()
	return v, failed
}

// readBack reads one pair until there is an answer.
func (g *Generator) readBack(ctx context.Context, p *pair) (Outcome, error) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		out := g.perform(ctx, p, &operations[opVerify], time.Now())
		if out.Err == "" {
			return out, nil
		}
		pause.Reset(100 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return out, fmt.Errorf("pair %s/%d could not be read back: %s: %w", p.user, p.artifact, out.Err, ctx.Err())
		}
	}
}

// Close gives the connections back. The generator can't be used any more.
func (g *Generator) Close() { g.client.close() }
