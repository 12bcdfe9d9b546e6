package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/benchmarks/internal/keys"
	"github.com/troupe-go/troupe/remote"
)

// TestMain is the program, in the processes that the measurements start.
func TestMain(m *testing.M) {
	if os.Getenv(partEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestABattle runs an attack once, small: what the processes say arrives in the table.
func TestABattle(t *testing.T) {
	dir := t.TempDir()
	r, err := options{rounds: 1, scale: 100, rate: 500, profiles: dir}.measure(attackOf("Ro"))
	require.NoError(t, err)
	require.Len(t, r.peace, 1)
	require.Len(t, r.feint, 1)
	require.Len(t, r.war, 1)
	require.Equal(t, 150, r.war[0].Asks)
	require.Positive(t, r.war[0].P50)
	require.NotZero(t, r.war[0].Took) // it may have had no time for a connection
	require.Zero(t, r.peace[0].Took)
	require.NotZero(t, r.feint[0].Took)
	require.Zero(t, r.failed())
	require.Positive(t, r.war[0].busy)
	for _, name := range []string{"Ro-peace.pprof", "Ro-attack.pprof"} {
		require.FileExists(t, dir+"/"+name)
	}
}

// TestAttacksDoWhatTheySay makes one connection of each kind to a node that counts.
func TestAttacksDoWhatTheySay(t *testing.T) {
	bad := func(s remote.Stats) uint64 { return s.BadInput }
	for id, c := range map[string]struct {
		count func(s remote.Stats) uint64
		least uint64
	}{
		"R": {bad, 1}, "Ro": {bad, 1}, "L": {bad, 5}, "P": {bad, 3}, "F": {bad, 1},
		"W":  {func(s remote.Stats) uint64 { return s.Refused }, 1},
		"T":  {func(s remote.Stats) uint64 { return s.Refused }, 1},
		"M":  {func(s remote.Stats) uint64 { return s.Undecodable }, floodMessages},
		"S":  {nil, 0},
		"So": {nil, 0},
		"C":  {nil, 0},
	} {
		t.Run(id, func(t *testing.T) {
			quiet := zerolog.Nop()
			sys, err := actor.NewSystem(town, actor.Config{Logger: &quiet})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
			p := part{Attack: "Ro"}
			if attackOf(id).tls {
				p.Keys = t.TempDir()
				require.NoError(t, keys.Make(p.Keys))
			}
			cfg, err := p.remoting()
			require.NoError(t, err)
			require.Negative(t, cfg.AcceptRate)
			cfg.HandshakeTimeout = 500 * time.Millisecond
			rem, err := remote.Start(sys, cfg)
			require.NoError(t, err)
			for i := range max(int(min(c.least, 5)), 1) {
				conn, err := net.Dial("tcp", rem.Addr())
				require.NoError(t, err)
				end := time.Now().Add(20 * time.Second)
				require.NoError(t, conn.SetDeadline(end))
				attackOf(id).on(knock{conn: conn, i: i, rng: rand.New(rand.NewPCG(1, uint64(i))), target: rem.Addr(), end: end})
				require.NoError(t, conn.Close())
				require.Less(t, time.Until(end), 20*time.Second)
				require.Positive(t, time.Until(end), "the node has closed it, or the attack has")
			}
			if c.count != nil {
				require.Eventually(t, func() bool { return c.count(rem.Stats()) >= c.least }, 20*time.Second, time.Millisecond)
			}
		})
	}
	require.Empty(t, attackOf("no such").id)
}

func TestTheAttackerStopsByItself(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	require.NoError(t, err)
	defer l.Close() //nolint:errcheck // nobody dials any more
	for _, a := range attacks() {
		m, err := a.run(l.Addr().String(), 100*time.Millisecond)
		require.NoError(t, err, a.id)
		require.LessOrEqual(t, m.Connections, int(a.rate/10)+1, a.id)
	}
}

func TestTable(t *testing.T) {
	of := func(p99 float64, connections int, busy time.Duration) phase {
		return phase{served: served{Asks: 1, P50: 100, P99: p99, Max: 9000, TargetP99: 2 * p99}, made: made{Connections: connections, Took: time.Second}, busy: busy}
	}
	r := row{attack: attackOf("W"), up: members,
		peace: []phase{of(1000, 0, time.Second), of(400, 0, time.Second), of(2000, 0, time.Second)},
		feint: []phase{of(1000, 0, time.Second), of(500, 0, time.Second), of(2000, 0, time.Second)},
		war:   []phase{of(1500, 500, time.Second), of(800, 1000, 2*time.Second), of(20000, 2000, 3*time.Second)}}
	require.Equal(t, 2.0, r.ratio(r.peace, p99), "the median of 1.5, 2 and 10")
	require.Equal(t, 1.6, r.ratio(r.feint, p99), "the median of 1.5, 1.6 and 10")
	require.InDelta(t, 1000, r.cost(), 1e-9, "1 s for 1 000 connections")
	require.Empty(t, r.verdict())
	slow, broken := r, r
	slow.war = []phase{of(2500, 1, time.Second), of(1000, 1, time.Second), of(1000, 1, time.Second)}
	require.Equal(t, "MISSED", slow.verdict())
	none := slow
	none.war = []phase{of(2500, 0, time.Second), of(1000, 0, time.Second), of(1000, 1, time.Second)}
	require.Equal(t, "NOT ATTACKED", none.verdict())
	broken.up = members - 1
	require.Equal(t, "BROKEN", broken.verdict())
	var out bytes.Buffer
	require.NoError(t, table(&out, []row{r, slow, broken}))
	require.Equal(t, 4, bytes.Count(out.Bytes(), []byte("\n")))
	require.Contains(t, out.String(), "2.00")
	require.Contains(t, out.String(), fmt.Sprint(int(r.cost())))
}
