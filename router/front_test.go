package router

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/testkit"
)

// untilOpen waits until senders route by the table: the head knows its routees
// when it answers the first time, and what it then told itself comes before the
// second.
func untilOpen(t testing.TB, router actor.PID, f *front) {
	t.Helper()
	routees(t, router)
	routees(t, router)
	require.NotNil(t, f.table.Load())
}

// spawned is Pool or Group with the front that users don't see.
func spawned(t *testing.T, sys *actor.System, cfg config, opts ...Option) (actor.PID, *front) {
	t.Helper()
	f := testkit.Must(spawn(sys, "router", cfg, opts))
	untilOpen(t, f.self, f)
	return f.self, f
}

func TestRoutingAllocatesNothing(t *testing.T) {
	sys := testkit.New(t)
	sender := testkit.NewProbe(t, sys).PID()
	var msg any = order{"ada"}
	for title, logic := range map[string]Logic{
		"round robin":      RoundRobin{},
		"random":           Random{},
		"smallest mailbox": SmallestMailbox{},
		"consistent hash":  ConsistentHash{Key: KeyOf(func(o order) string { return o.customer })},
		"rendezvous":       Rendezvous{},
		"fan out":          FanOut{},
		"custom":           Custom(func([]actor.PID) Picker { return pickerFunc(func(any) int { return 1 }) }),
	} {
		t.Run(title, func(t *testing.T) {
			refs, counters := standIns(sys, 8)
			sys := testkit.New(t)
			pid, _ := spawned(t, sys, config{source: Refs(refs), logic: logic})
			require.Zero(t, testing.AllocsPerRun(1000, func() {
				if err := pid.TellFrom(msg, sender); err != nil {
					t.Fatal(err)
				}
			}))
			sum := int64(0)
			for _, c := range counters {
				sum += c.n.Load()
			}
			require.GreaterOrEqual(t, sum, int64(1000), "they went somewhere")
		})
	}
}

// What an actor sends to a router in its turn goes where it would go from anywhere,
// with its sender, and costs no allocation.
func TestRoutingWithinATurn(t *testing.T) {
	sys := testkit.New(t)
	pool, f := spawned(t, sys, config{n: 4, logic: RoundRobin{}, routee: func(*post) func() actor.Actor { return newEcho }}, Resize{Lower: 4, Upper: 4})
	hashed := testkit.Must(Group(sys, "hashed", Refs{pool}, ConsistentHash{}))
	routees(t, hashed)
	standIn, counters := standIns(sys, 3)
	group, _ := spawned(t, testkit.New(t), config{source: Refs(standIn), logic: Random{}})
	names, allocated := make(chan any, 100), make(chan float64, 1)
	sender := testkit.Must(sys.Spawn("sender", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			switch m := ctx.Message().(type) {
			case func(*actor.Context):
				m(ctx)
			default:
				names <- m
			}
		})
	}))
	before := f.received.Load()
	for title, test := range map[string]struct {
		do   func(ctx *actor.Context)
		want []any
	}{
		"each in turn": {func(ctx *actor.Context) {
			for range 4 {
				ctx.Tell(pool, who{})
			}
		}, []any{"routee-1", "routee-2", "routee-3", "routee-4"}},
		"to all":         {func(ctx *actor.Context) { ctx.Tell(pool, Broadcast{who{}}) }, []any{"routee-1", "routee-2", "routee-3", "routee-4"}},
		"by a key":       {func(ctx *actor.Context) { ctx.Tell(hashed, Keyed{"k", "bare"}) }, []any{"bare"}},
		"to the manager": {func(ctx *actor.Context) { ctx.Tell(hashed, GetRoutees{}) }, []any{Routees{Refs: []actor.PID{pool}}}},
	} {
		sender.Tell(test.do)
		var got []any
		for range test.want {
			got = append(got, <-names)
		}
		require.ElementsMatch(t, test.want, got, title)
	}
	require.Equal(t, before+6, f.received.Load(), "the resizer counts each message once")
	sender.Tell(func(ctx *actor.Context) { ctx.Tell(hashed, "without a key") })
	sender.Tell(func(ctx *actor.Context) {
		var msg any = "m"
		allocated <- testing.AllocsPerRun(1000, func() { ctx.Tell(group, msg) })
	})
	require.Zero(t, <-allocated)
	require.EqualValues(t, 1, sys.Dropped(actor.DropNoRoutee))
	sum := int64(0)
	for _, c := range counters {
		sum += c.n.Load()
	}
	require.EqualValues(t, 1001, sum)
}

func TestResizingCostsNoAllocation(t *testing.T) {
	sys := testkit.New(t)
	pid, f := spawned(t, sys, config{n: 2, routee: func(*post) func() actor.Actor {
		return func() actor.Actor { return actor.Func(func(*actor.Context) {}) }
	}, logic: RoundRobin{}}, Explore{})
	f.resizing.Store(true)
	table := *f.table.Load()
	refs, _ := standIns(sys, 2)
	table.routees, table.near = refs, refs
	f.table.Store(&table)
	before := f.received.Load()
	var msg any = "m"
	require.Zero(t, testing.AllocsPerRun(1000, func() { pid.Tell(msg) }))
	require.Equal(t, before+1001, f.received.Load(), "every message was counted")
}

// numbered is the message of one of several senders.
type numbered struct{ sender, number int }

// inOrder notes messages that come out of order, and how many came.
type inOrder struct {
	mu    sync.Mutex
	last  map[int]int
	count int
	wrong []numbered
	most  int
	done  chan struct{}
}

func (o *inOrder) Receive(ctx *actor.Context) {
	m := ctx.Message().(numbered)
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.number <= o.last[m.sender] {
		o.wrong = append(o.wrong, m)
	}
	o.last[m.sender] = m.number
	if o.count++; o.count == o.most {
		close(o.done)
	}
}

// Messages that are sent while a router begins to route don't overtake those
// that came before: not through the head, not while they are held.
func TestOrderIsKeptWhileARouterOpens(t *testing.T) {
	const senders, each, rounds = 4, 500, 20
	for round := range rounds {
		sys := testkit.New(t)
		seen := &inOrder{last: map[int]int{}, most: senders * each, done: make(chan struct{})}
		routee := testkit.Must(sys.Spawn("routee", func() actor.Actor { return seen }))
		source := &byHand{}
		group := testkit.Must(Group(sys, "group", source, RoundRobin{}))
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for i := range each {
					group.Tell(numbered{s, i + 1})
					if s == 0 && i == each/4+round {
						source.publish(routee)
					}
				}
			})
		}
		wg.Wait()
		<-seen.done
		require.Empty(t, seen.wrong)
	}
}

// byHand is a source that a test speaks for.
type byHand struct {
	mu     sync.Mutex
	tell   []func([]actor.PID)
	ended  int
	listed []actor.PID
}

func (s *byHand) Follow(publish func([]actor.PID)) (func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listed != nil {
		publish(s.listed)
	}
	s.tell = append(s.tell, publish)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended++
	}, nil
}

func (s *byHand) publish(refs ...actor.PID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = refs
	for _, f := range s.tell {
		f(refs)
	}
}

func (s *byHand) cancelled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// A router that is restarted while messages come loses none but those that its
// routees had.
func TestMessagesWaitForTheRestart(t *testing.T) {
	sys := testkit.New(t)
	p := testkit.NewProbe(t, sys)
	source := &byHand{}
	routee := testkit.Must(sys.Spawn("routee", newEcho))
	source.publish(routee)
	group, _ := spawned(t, sys, config{source: source, logic: RoundRobin{}}, restarted())
	const n = 1000
	for i := range n {
		p.Tell(group, i)
		if i == n/2 {
			p.Tell(group, actor.Kill{})
		}
	}
	for i := range n {
		p.Expect(i)
	}
	require.Len(t, routees(t, group), 1, "the head has come to the end of its mailbox")
	require.Equal(t, 1, source.cancelled(), "it was restarted")
	require.Zero(t, sys.Dropped(actor.DropStopped))
}

func TestWhatIsHeldIsBounded(t *testing.T) {
	sys := testkit.New(t)
	_, f := spawned(t, sys, config{source: Refs{}, logic: RoundRobin{}})
	f.divert()
	f.hold()
	for i := range heldMax {
		require.NoError(t, f.self.TryTell(i))
	}
	require.ErrorIs(t, f.self.TryTell("one more"), actor.ErrMailboxFull)
	require.Equal(t, uint64(1), sys.Dropped(actor.DropBufferFull))
	require.Len(t, f.held, heldMax)
}

// What waits when a router stops ends as dead letters, each once.
func TestWhatIsHeldEndsWithTheRouter(t *testing.T) {
	sys := testkit.New(t)
	pid, f := spawned(t, sys, config{source: Refs{}, logic: RoundRobin{}})
	f.divert()
	f.hold()
	for i := range 5 {
		pid.Tell(strconv.Itoa(i))
	}
	p, head := watching(t, sys, pid)
	sys.StopActor(head)
	p.ExpectTerminated(head)
	require.Equal(t, uint64(5), sys.Dropped(actor.DropStopped))
	require.ErrorIs(t, pid.TryTell("late"), actor.ErrStopped)
	require.Equal(t, uint64(6), sys.Dropped(actor.DropStopped))
}

// Dead letters that a router causes may be routed by that router.
func TestARouterMayListenToDeadLetters(t *testing.T) {
	sys := testkit.New(t)
	pid, _ := spawned(t, sys, config{source: Refs{}, logic: RoundRobin{}})
	actor.Subscribe[actor.DeadLetter](sys, pid)
	require.ErrorIs(t, pid.TryTell("nowhere to go"), ErrNoRoutee)
	p, head := watching(t, sys, pid)
	sys.StopActor(head)
	p.ExpectTerminated(head)
	require.ErrorIs(t, pid.TryTell("stopped"), actor.ErrStopped)
}
