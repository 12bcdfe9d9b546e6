package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// CheckListen returns why addr (host:port) can't be listened on, in words that
// name the flag to change, or nil. It listens and lets go.
func CheckListen(addr, flag string) error {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("port taken: another process listens on %s already; end it or choose another port with %s", addr, flag)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("not allowed to listen on %s; choose a port above 1023 with %s", addr, flag)
	}
	return fmt.Errorf("can't listen on %s: %w; choose another address with %s", addr, err, flag)
}

// CheckFile returns why the data file at path can't be read and written, in words
// that name the flag to change, or nil. It makes the directory, not the file. Call
// it before anything of this process has the file open.
func CheckFile(path, flag string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("data file not writable: the directory %s can't be made: %w; choose another file with %s", dir, err, flag)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("data file not usable: %w; choose another file with %s", err, flag)
	case !info.Mode().IsRegular():
		return fmt.Errorf("data file not usable: %s is no regular file; choose another with %s", path, flag)
	default:
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return fmt.Errorf("data file not writable: %w; make it writable or choose another file with %s", err, flag)
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("data file not usable: %w; choose another file with %s", err, flag)
		}
	}
	// The database keeps its log in files beside it.
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("data file not writable: no file can be made beside it: %w; choose another file with %s", err, flag)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
