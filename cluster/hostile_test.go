package cluster_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/remote"
)

var (
	hostileConns = flag.Int("hostile.connections", 300, "connections of each attack on the port of a live cluster")
	hostileCalm  = flag.Duration("hostile.calm", 0, "how long asks are measured without an attack; those during attacks are, too, then")
)

// The bad inputs come from here, so that the limits for one host don't hit the
// nodes, which share an address with each other.
const hostileHost = "127.0.0.2"

// The nodes' patience with a handshake: short where it is what is attacked.
const (
	shortGreet = time.Second
	longGreet  = 30 * time.Second
)

// What a cluster must bear at its port, each against a live one that goes on serving:
//
//	random bytes, also behind the magic; other protocols; slow and silent ones;
//	lengths; frames of unknown kinds; bodies that can't be, or get a thousand times
//	as large; names with line ends and escapes           TestHostilePort, TestHostilePortWithTLS
//	forged senders, ends and acknowledgements            TestHostilePort (members), TestHostilePortWithSecrets (clients)
//	replay, reflection, downgrade, wrong identities      TestHostilePortWithSecrets
//	everything that clients may not do                   TestHostilePortWithSecrets
//	a storm of connections                               TestHostilePortWithSecrets
//	certificates, of those who dial and who are dialed   TestHostilePortWithTLS, TestFalseNames
//	certificates and secrets that change under load      TestRotationUnderLoad
//	no descriptors left                                  TestOutOfDescriptorsInACluster
//	poison, and more than an actor can take              TestAFloodToOneActor
//
// There is no management port yet, so it isn't attacked. -hostile.connections says how
// many connections each attack makes, -hostile.calm measures how long asks take meanwhile.

// victim is a cluster of three over real sockets that serves while it is attacked.
type victim struct {
	t      *testing.T
	nodes  []*node
	target string               // the address of the first
	config func() remote.Config // of each node
	log    *lines
	served chan struct{} // gets something for each right answer
	stop   chan struct{}
	done   sync.WaitGroup
	tookMu sync.Mutex
	took   []time.Duration // by asks, since the last look
}

type (
	whoAreYou struct{ actor.Returns[hereIAm] }
	hereIAm   struct{ Addr string }
)

// lines is a log that counts.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// count returns how many lines there are.
func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte("\n"))
}

func newVictim(t *testing.T, cfg remote.Config) *victim {
	t.Helper()
	return newVictimOf(t, func() remote.Config { return cfg })
}

func newVictimOf(t *testing.T, config func() remote.Config) *victim {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("needs a second address of the loopback interface")
	}
	v := &victim{t: t, config: config, log: &lines{}, served: make(chan struct{}), stop: make(chan struct{})}
	first := v.open(nil)
	v.target = first.addr
	v.open([]string{first.addr})
	v.open([]string{first.addr})
	v.requireUp(20 * time.Second)
	for i, n := range v.nodes { // so that there are all connections
		v.requireAnswer(n.sys, v.nodes[(i+1)%3].addr)
		v.requireAnswer(n.sys, v.nodes[(i+2)%3].addr)
	}
	for i, n := range v.nodes {
		v.done.Go(func() { v.load(n, v.nodes[(i+1)%3]) })
	}
	t.Cleanup(func() {
		close(v.stop)
		v.done.Wait()
		for _, n := range v.nodes {
			n.stop()
		}
	})
	return v
}

// requireAnswer requires that a node answers another system.
func (v *victim) requireAnswer(from *actor.System, addr string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer, err := actor.Ask(ctx, from.RefAt(addr, "/user/echo"), whoAreYou{})
	require.NoError(v.t, err)
	require.Equal(v.t, addr, answer.Addr)
}

func (v *victim) open(seeds []string) *node {
	v.t.Helper()
	cfg := v.config()
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = longGreet
	}
	log := zerolog.New(v.log).Level(zerolog.InfoLevel)
	sys, err := actor.NewSystem("town", actor.Config{Logger: &log})
	require.NoError(v.t, err)
	require.NoError(v.t, codec.Register[whoAreYou](sys.Registry(), "test.whoAreYou"))
	require.NoError(v.t, codec.Register[hereIAm](sys.Registry(), "test.hereIAm"))
	cl, err := cluster.Open(sys, cluster.Config{Listen: "127.0.0.1:0", Seeds: seeds, Remote: cfg})
	require.NoError(v.t, err)
	_, err = sys.Spawn("echo", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if _, ok := ctx.Message().(whoAreYou); ok {
				ctx.Reply(hereIAm{cl.Self().Addr})
			}
		})
	})
	require.NoError(v.t, err)
	n := &node{town: &town{t: v.t}, sys: sys, cl: cl, addr: cl.Self().Addr}
	v.nodes = append(v.nodes, n)
	return n
}

// load asks one node from another until the end.
func (v *victim) load(from, to *node) {
	ref := from.sys.RefAt(to.addr, "/user/echo")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		asked := time.Now()
		answer, err := actor.Ask(ctx, ref, whoAreYou{})
		cancel()
		v.tookMu.Lock()
		v.took = append(v.took, time.Since(asked))
		v.tookMu.Unlock()
		if err != nil || answer.Addr != to.addr {
			v.t.Errorf("while attacked: %v, %v", answer, err)
			return
		}
		select {
		case v.served <- struct{}{}:
		default: // nobody asks
		}
	}
}

func (v *victim) requireUp(limit time.Duration) {
	v.t.Helper()
	v.nodes[0].town.allUp(limit, v.nodes...)
}

// requireServing requires that the cluster is whole, and that it answers.
func (v *victim) requireServing() {
	v.t.Helper()
	v.requireUp(10 * time.Second)
	v.requireAnswers()
}

func (v *victim) requireAnswers() {
	v.t.Helper()
	for range 20 {
		hear(v, "the cluster answers", v.served)
	}
}

// stats are the counts of the target.
func (v *victim) stats() remote.Stats { return v.nodes[0].cl.Remote().Stats() }

// until waits for what nothing tells of.
func (v *victim) until(what string, holds func() bool) {
	v.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(20 * time.Second); !holds(); <-tick.C {
		require.True(v.t, time.Now().Before(late), what)
	}
}

// knock connects to the target as somebody from another host.
func (v *victim) knock() (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(hostileHost)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", v.target)
	if err == nil {
		err = c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	return c, err
}

// requireClosed sends bytes on a connection of its own and requires that the other
// end closes it.
func (v *victim) requireClosed(input []byte) {
	v.t.Helper()
	c, err := v.knock()
	require.NoError(v.t, err)
	defer c.Close()       //nolint:errcheck // it is closed by the other end
	_, _ = c.Write(input) // it may be closed before all is written
	_, err = io.Copy(io.Discard, c)
	require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the node must close it")
}

// many runs an attack on as many connections as the flag says, as many at a time as
// a node bears from one host.
func (v *victim) many(attack func(rng *rand.Rand)) {
	const atOnce = 100
	var all sync.WaitGroup
	for i := range atOnce {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range *hostileConns / atOnce {
				attack(rng)
			}
		})
	}
	all.Wait()
}

// TestHostilePort sends to the port of a live cluster what strangers and broken or
// bad peers may send: it goes on serving, no node is lost, nothing grows.
func TestHostilePort(t *testing.T) {
	v := newVictim(t, remote.Config{HandshakeTimeout: shortGreet, AcceptRate: -1}) // so that all are listened to
	attacks := []struct {
		title string
		run   func()
	}{
		{"random bytes", func() {
			v.many(func(rng *rand.Rand) {
				b := make([]byte, 1+rng.IntN(300))
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				v.requireClosed(b)
			})
		}},
		{"random bytes behind the magic", func() {
			v.many(func(rng *rand.Rand) {
				b := make([]byte, 1+rng.IntN(300))
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				v.requireClosed(append([]byte("TRP1\x00\x00\x00\x40\x01"), b...))
			})
		}},
		{"other protocols", func() {
			before, began := v.log.count(), time.Now()
			v.many(func(*rand.Rand) {
				for _, said := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "PRI * HTTP/2.0\r\n\r\n"} {
					v.requireClosed([]byte(said))
				}
			})
			require.Less(v.t, v.log.count()-before, 20+10*int(time.Since(began)/time.Second), "a few lines a second are logged")
			c, err := v.knock()
			require.NoError(v.t, err)
			defer c.Close() //nolint:errcheck // it failed anyway
			err = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake()
			require.Error(v.t, err)
			require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded)
		}},
		{"lengths", func() {
			v.requireClosed([]byte("TRP1\x00\x00\x00\x01\x01")) // a hello of nothing
			for _, n := range []uint32{0, 4<<10 + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				v.requireClosed(binary.BigEndian.AppendUint32([]byte("TRP1"), n))
			}
		}},
		{"slow ones, while a node joins", func() {
			var attack sync.WaitGroup
			attack.Go(v.slowloris)
			v.open([]string{v.target})
			v.requireUp(10 * time.Second)
			attack.Wait()
		}},
		{"silent ones", func() { v.many(func(*rand.Rand) { v.requireClosed(nil) }) }},
		{"frames of unknown kinds", func() {
			c := v.introduced(1)
			lines, junk := v.log.count(), bytes.Repeat(stranger.Frame(200, 1, 2, 3), 1000)
			for {
				if _, err := c.Write(junk); err != nil {
					require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the node must close it")
					break
				}
			}
			require.Less(v.t, v.log.count(), lines+10)
		}},
		{"bodies that can't be", func() {
			c := v.introduced(1)
			deep := bytes.Repeat([]byte{0x91}, 10_000)   // arrays in arrays
			huge := []byte{0xdd, 0x3b, 0x9a, 0xca, 0x00} // an array of 1e9 elements
			lines, barred := v.log.count(), v.stats().Barred
			for { // many a second of these are no accident
				_, err := c.Write(bytes.Join([][]byte{message("test.hereIAm", deep...), message("test.hereIAm", huge...),
					message("no.such.type", 1, 2, 3), message("test.hereIAm")}, nil))
				if err != nil {
					require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the node must close it")
					break
				}
			}
			require.Equal(v.t, barred+1, v.stats().Barred)
			v.requireServing()
			require.Less(v.t, v.log.count(), lines+400, "dead letters are logged one by one up to a number, then counted")
		}},
		{"bodies that get a thousand times as large", func() {
			for _, claimed := range []uint64{1 << 30, 1 << 20, 1<<63 - 1} {
				c := v.introducedAs(3, 1)
				packed := append(binary.AppendUvarint(nil, claimed), 0, 'a', 0x15, 1, 0, 0xff, 0xff)
				body := append([]byte{0x40, 10}, "/user/echo"...)
				body = append(append(body, 0, 12), "test.hereIAm"...)
				_, err := c.Write(stranger.Frame(20, append(body, packed...)...))
				require.NoError(v.t, err)
				_, err = io.Copy(io.Discard, c)
				require.NotErrorIs(v.t, err, os.ErrDeadlineExceeded, "the node must close it")
			}
		}},
		{"senders and ends that are somebody else's", func() {
			g, other, before := v.guest(v.address()), v.nodes[1], v.stats()
			g.Stream = 0
			c := v.enter(g, "").c
			forged := messageFrom("/user/echo", g.Addr, g.UID-1, "test.whoAreYou") // in the name of who was there before
			ended := systemFrame(1, systemTerminated, other.sys.UID(), "/system/x", "/user/echo")
			for range 100 {
				_, err := c.Write(bytes.Join([][]byte{forged, ended, stranger.Frame(stranger.KindAck, 0xff, 0x7f), stranger.Frame(stranger.KindNack, 1)}, nil))
				require.NoError(v.t, err)
			}
			v.until("100 forged ones are counted, and 200 acknowledgements of nothing", func() bool {
				s := v.stats()
				return s.Forged == before.Forged+100 && s.Skipped == before.Skipped+200
			})
		}},
		{"names with line ends and escapes", func() {
			c := v.introduced(1)
			_, err := c.Write(message("\n{\"level\":\"fatal\"}\x1b[31m%s%n"))
			require.NoError(v.t, err)
		}},
	}
	for _, a := range attacks {
		v.bears(a.title, a.run)
	}
	v.requireCleanLog()
}

// bears runs an attack, as a test of its own: afterwards the cluster is whole, serves,
// and has grown by nothing.
func (v *victim) bears(title string, attack func()) {
	v.t.Helper()
	whole := v.t
	whole.Run(title, func(t *testing.T) {
		v.t = t
		defer func() { v.t = whole }()
		before := v.measure()
		if *hostileCalm > 0 {
			v.latencies()
			<-time.After(*hostileCalm)
			t.Logf("asks while it is calm: %s", v.latencies())
		}
		attack()
		if *hostileCalm > 0 {
			t.Logf("asks during the attack: %s", v.latencies())
		}
		v.requireServing()
		v.requireNoGrowth(before)
	})
}

// storm is of more connections than are taken in that time; a node that comes afterwards
// gets in.
func (v *victim) storm() {
	shed := v.stats().Shed
	v.until("some are shed", func() bool {
		v.many(func(*rand.Rand) {
			if c, err := v.knock(); err == nil {
				_ = c.Close()
			}
		})
		return v.stats().Shed > shed
	})
	v.open([]string{v.target})
	v.requireUp(10 * time.Second)
}

// latencies tells how long asks took since the last look.
func (v *victim) latencies() string {
	v.tookMu.Lock()
	took := v.took
	v.took = nil
	v.tookMu.Unlock()
	if len(took) == 0 {
		return "none"
	}
	slices.Sort(took)
	return fmt.Sprintf("%d, half of them within %v, 99 %% within %v", len(took), took[len(took)/2], took[len(took)*99/100])
}

// requireCleanLog requires that nothing anybody said has got out of its line.
func (v *victim) requireCleanLog() {
	v.t.Helper()
	v.log.mu.Lock()
	defer v.log.mu.Unlock()
	for _, line := range bytes.Split(bytes.TrimSpace(v.log.text.Bytes()), []byte("\n")) {
		require.True(v.t, json.Valid(line), "a line of the log is one object: %q", line)
		require.Less(v.t, len(line), 4<<10)
		require.NotContains(v.t, string(line), "\x1b")
	}
}

// slowloris sends a byte at a time, each before anybody could lose patience with it.
func (v *victim) slowloris() {
	v.many(func(*rand.Rand) {
		c, err := v.knock()
		require.NoError(v.t, err)
		defer c.Close() //nolint:errcheck // it is closed by the other end
		began := time.Now()
		tick := time.NewTicker(shortGreet / 10)
		defer tick.Stop()
		for _, b := range append([]byte("TRP1\x00\x00\x08\x00\x01"), make([]byte, 2048)...) {
			if _, err := c.Write([]byte{b}); err != nil {
				break
			}
			<-tick.C
		}
		require.Less(v.t, time.Since(began), 20*shortGreet, "the time for a handshake is absolute")
	})
}

type measured struct {
	goroutines int
	heap       uint64
}

func (v *victim) measure() measured {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return measured{runtime.NumGoroutine(), m.HeapAlloc}
}

// events are those of a type that a node publishes, until they are stopped.
func events[E any](v *victim, n *node) (got chan E, stop func()) {
	v.t.Helper()
	got = make(chan E, 100)
	pid, err := n.sys.Spawn("", func() actor.Actor {
		return actor.Func(func(ctx *actor.Context) {
			if e, ok := ctx.Message().(E); ok {
				got <- e
			}
		})
	})
	require.NoError(v.t, err)
	actor.Subscribe[E](n.sys, pid)
	return got, func() { n.sys.StopActor(pid) }
}

// hear returns the next thing on a channel.
func hear[T any](v *victim, what string, from <-chan T) T {
	v.t.Helper()
	select {
	case m := <-from:
		return m
	case <-time.After(20 * time.Second):
		require.FailNow(v.t, "it doesn't come about: "+what)
		panic("unreachable")
	}
}

// requireNoGrowth requires that an attack leaves nothing behind. A node more has its
// own goroutines.
func (v *victim) requireNoGrowth(before measured) {
	v.t.Helper()
	const slack = 60
	v.until("as many goroutines as before", func() bool { return runtime.NumGoroutine() <= before.goroutines+slack })
	require.Less(v.t, v.measure().heap, before.heap+16<<20)
}
