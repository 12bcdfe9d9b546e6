package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A full disk costs requests for as long as it is full, and nothing else: no
// restart.
func TestAFullDiskThatGetsRoomAgain(t *testing.T) {
	takesTime(t)
	p := newPlaces(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("only root may make a disk: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	p.data = filepath.Join(disk, "data.db")
	s := startSolo(t, p, 0)
	s.awaitReady(t)
	s.succeeds(t, 1)

	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	require.NoError(t, err)
	for size := 64 << 10; size > 0; {
		if _, err = f.Write(make([]byte, size)); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			size /= 2
		}
	}
	require.NoError(t, f.Close())
	failed := 0
	for artifact := range 1000 { // the log has room for some
		if code, _ := s.set(artifact * 1000); code != http.StatusOK {
			failed++
		}
	}
	require.Greater(t, failed, 500)
	s.unready(t, "the disk is full")
	require.NoError(t, os.Remove(ballast))
	s.awaitReady(t) // nobody writes
	until(t, 20*time.Second, "sets succeed again", func() error {
		if code, body := s.set(2); code != http.StatusOK {
			return errors.New(body)
		}
		return nil
	})
	require.LessOrEqual(t, strings.Count(s.out.String(), "the data file can't be written to"), 10, "it is no line for each failure")
	require.Contains(t, s.out.String(), "the data file can be written to again")
}
