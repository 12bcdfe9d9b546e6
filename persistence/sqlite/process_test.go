package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

// The tests of this file run their own binary as further processes: roleEnv
// says what such a process does, with the file as its only argument.
const roleEnv = "TROUPE_SQLITE_ROLE"

var roles = map[string]func(s *sqlite.Store) error{
	"writer":    writer,
	"owner":     owner,
	"contender": contender,
	"opener":    func(*sqlite.Store) error { return nil },
}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleEnv)]
	if !ok {
		goleak.VerifyTestMain(m)
		return
	}
	if err := playRole(role); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func playRole(role func(s *sqlite.Store) error) error {
	s, err := sqlite.Open(os.Args[1], sqlite.Config{})
	if err != nil {
		return err
	}
	return errors.Join(role(s), s.Close())
}

// process is a child process that reports a line at a time.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.Closer
}

func start(t *testing.T, role, path string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	in, err := cmd.StdinPipe() // a child ends when its parent does
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &process{cmd: cmd, lines: bufio.NewScanner(out), stdin: in}
}

// read returns up to n more lines; all the rest when n is negative.
func (p *process) read(n int) (lines []string) {
	for n != 0 && p.lines.Scan() {
		lines = append(lines, p.lines.Text())
		n--
	}
	return lines
}

// writer appends to ten ids at once until it is killed, and says so after
// each acknowledgement.
func writer(s *sqlite.Store) error {
	var out sync.Mutex
	failed := make(chan error)
	for i := range 10 {
		go func() {
			id := fmt.Sprintf("writer|%d|%d", os.Getpid(), i)
			for seq := uint64(1); ; seq++ {
				e := actor.Epoch{Cluster: 1}
				if err := s.Append(context.Background(), id, e, persistencetest.Events(id, e, seq, seq)); err != nil {
					failed <- err
					return
				}
				out.Lock()
				fmt.Println(id, seq)
				out.Unlock()
			}
		}()
	}
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(3) }()
	return <-failed
}

// PS-2, F-01: what a process was told is written is there after kill -9.
func TestKilledWriterLosesNothing(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{})
	survivor := start(t, "writer", path)
	acknowledged := map[string]uint64{}
	note := func(lines []string) {
		for _, line := range lines {
			var id string
			var seq uint64
			_, err := fmt.Sscanf(line, "%s %d", &id, &seq)
			require.NoError(t, err, line)
			require.Equal(t, acknowledged[id]+1, seq, "acknowledgements of %s", id)
			acknowledged[id] = seq
		}
	}
	for range 3 {
		victim := start(t, "writer", path)
		note(survivor.read(100))
		note(victim.read(200))
		require.NoError(t, victim.cmd.Process.Kill())
		note(victim.read(-1)) // what it had said before it died
		note(survivor.read(100))
	}
	require.NoError(t, survivor.cmd.Process.Kill())
	note(survivor.read(-1))
	require.Len(t, acknowledged, 40)
	for id, last := range acknowledged {
		highest, err := store.Claim(context.Background(), id, actor.Epoch{Cluster: 2})
		require.NoError(t, err)
		require.GreaterOrEqual(t, highest, last, "acknowledged events of %s", id)
		require.LessOrEqual(t, highest, last+1, "at most one event of %s was under way", id)
		want := persistencetest.Events(id, actor.Epoch{Cluster: 1}, 1, highest)
		got := 0
		for e, err := range store.Replay(context.Background(), id, 1, persistence.SeqMax) {
			require.NoError(t, err)
			require.Equal(t, want[got], e)
			got++
		}
		require.Equal(t, highest, uint64(got))
	}
}

// owner writes under epoch 1 until it is fenced.
func owner(s *sqlite.Store) error {
	const id = "owned"
	e := actor.Epoch{Cluster: 1}
	for seq := uint64(1); ; seq++ {
		switch err := s.Append(context.Background(), id, e, persistencetest.Events(id, e, seq, seq)); {
		case errors.Is(err, persistence.ErrFenced):
			fmt.Println("fenced at", seq)
			return nil
		case err != nil:
			return err
		}
		fmt.Println("wrote", seq)
	}
}

// PS-1, F-12: an owner in another process that doesn't know that it was replaced.
func TestFenceAcrossProcesses(t *testing.T) {
	path := file(t)
	store := open(t, path, sqlite.Config{})
	old := start(t, "owner", path)
	require.Len(t, old.read(20), 20)
	highest, err := store.Claim(context.Background(), "owned", actor.Epoch{Cluster: 1, Count: 1})
	require.NoError(t, err)
	require.GreaterOrEqual(t, highest, uint64(20))
	lines := old.read(-1)
	require.NoError(t, old.cmd.Wait(), lines)
	require.Equal(t, fmt.Sprintf("fenced at %d", highest+1), lines[len(lines)-1])
	now, err := store.HighestSeq(context.Background(), "owned")
	require.NoError(t, err)
	require.Equal(t, highest, now)
}

// contender tries to append each of fifty events and tells which ones it got in.
func contender(s *sqlite.Store) error {
	const id = "contended"
	for seq := uint64(1); seq <= 50; seq++ {
		err := s.Append(context.Background(), id, actor.Epoch{}, persistencetest.Events(id, actor.Epoch{}, seq, seq))
		if err == nil {
			fmt.Println(seq)
		} else if !errors.Is(err, persistence.ErrConflict) {
			return err
		}
	}
	return nil
}

// PS-1: without epochs, too, a number is used once.
func TestContendersInProcesses(t *testing.T) {
	path := file(t)
	require.NoError(t, open(t, path, sqlite.Config{}).Close())
	processes := []*process{start(t, "contender", path), start(t, "contender", path), start(t, "contender", path)}
	won := map[string]int{}
	for _, p := range processes {
		lines := p.read(-1)
		require.NoError(t, p.cmd.Wait(), strings.Join(lines, "\n"))
		for _, line := range lines {
			won[line]++
		}
	}
	for seq := 1; seq <= 50; seq++ {
		require.Equal(t, 1, won[fmt.Sprint(seq)], "event %d", seq)
	}
}

func TestProcessesMakeTheFileTogether(t *testing.T) {
	path := file(t)
	var processes []*process
	for range 4 {
		processes = append(processes, start(t, "opener", path))
	}
	for _, p := range processes {
		lines := p.read(-1)
		require.NoError(t, p.cmd.Wait(), strings.Join(lines, "\n"))
	}
	open(t, path, sqlite.Config{})
}
