package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// A disk that is really full: what is written to the log has no room.
func TestTheStoreComesBackByItselfFromAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("only root may make a disk: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, 0)) })
	s, changed := changes(t, filepath.Join(disk, "journal.db"), Config{})
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	fail(t, s, changed, persistence.ErrUnavailable, func() error {
		return s.Append(context.Background(), "x", actor.Epoch{}, event(2, 100_000))
	}, func() { require.NoError(t, os.Remove(ballast)) })
}

// aloneEnv says that this process is there for one test only.
const aloneEnv = "TROUPE_SQLITE_ALONE"

// Writing to the log really fails: the system lets the process write no file any
// further. That goes for all of its files, so it is a process apart.
func TestTheStoreComesBackByItselfFromIOErrors(t *testing.T) {
	if os.Getenv(aloneEnv) == "" {
		apart := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", fmt.Sprintf("-failures=%d", *failures))
		apart.Env = append(os.Environ(), aloneEnv+"=1")
		out, err := apart.CombinedOutput()
		t.Logf("%s", out)
		require.NoError(t, err)
		return
	}
	s, changed := changes(t, filepath.Join(t.TempDir(), "journal.db"), Config{})
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limit := func(l syscall.Rlimit) { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)) }
	limit(syscall.Rlimit{Cur: 4096, Max: before.Max})
	defer limit(before)
	fail(t, s, changed, persistence.ErrUnavailable, func() error {
		return s.Append(context.Background(), "x", actor.Epoch{}, event(2, 10))
	}, func() { limit(before) })
}

// fill writes until there is no room.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	for size := 64 << 10; size > 0; {
		_, err := f.Write(make([]byte, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
			continue
		}
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}
