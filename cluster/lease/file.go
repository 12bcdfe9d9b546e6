package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Files is a [Store] in a folder that several processes share. Each version of
// a record is a file of its own, and making it, which the file system does for
// one process only, is the swap; older versions are removed.
//
// Limits: the folder lies on one machine, or on a file system on which a new
// name is seen by all machines at once. Network file systems that answer
// listings from a cache (NFS by default) aren't; two owners could be told yes
// there. When the disk is lost, so are the tokens. It needs hard links.
type Files struct{ dir string }

// NewFiles returns the store in the folder, which is made if it isn't there.
func NewFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("lease files: %w", err)
	}
	return &Files{dir: dir}, nil
}

// readTries bounds how often a version is looked for that was replaced meanwhile.
const readTries = 100

// Get implements [Store].
func (f *Files) Get(ctx context.Context, name string) (Record, error) {
	if err := ValidName(name); err != nil {
		return Record{}, err
	}
	for range readTries {
		if err := ctx.Err(); err != nil {
			return Record{}, err
		}
		newest, _, err := f.versions(name)
		if err != nil || newest == 0 {
			return Record{}, err
		}
		r, err := f.read(name, newest)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a newer one is there
		}
		return r, err
	}
	return Record{}, fmt.Errorf("lease %s: it changes faster than it can be read", name)
}

// Swap implements [Store].
func (f *Files) Swap(ctx context.Context, name string, old, next Record) error {
	if err := errors.Join(ValidName(name), ctx.Err()); err != nil {
		return err
	}
	if next.Version != old.Version+1 {
		return fmt.Errorf("lease %s: version %d after %d", name, next.Version, old.Version)
	}
	if err := f.link(name, next); err != nil {
		return err
	}
	// Who is very late makes a version that was removed already, and finds it out
	// here: newer ones are there, and stay.
	newest, versions, err := f.versions(name)
	if err != nil {
		return err
	}
	if newest != next.Version {
		_ = os.Remove(f.path(name, next.Version))
		return ErrChanged
	}
	for _, v := range versions {
		if v+1 < newest { // the last one stays for those who are about to read it
			_ = os.Remove(f.path(name, v))
		}
	}
	return nil
}

// link makes the file of a version, whole and on the disk, unless it exists.
func (f *Files) link(name string, r Record) (err error) {
	tmp, err := os.CreateTemp(f.dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	text, err := json.Marshal(r)
	if err == nil {
		_, err = tmp.Write(append(text, '\n'))
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	err = os.Link(tmp.Name(), f.path(name, r.Version))
	if errors.Is(err, fs.ErrExist) {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	return f.sync()
}

// sync brings the names in the folder to the disk.
func (f *Files) sync() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *Files) read(name string, version uint64) (Record, error) {
	text, err := os.ReadFile(f.path(name, version))
	if err != nil {
		return Record{}, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil || r.Version != version {
		return Record{}, fmt.Errorf("lease file %s is damaged: remove it when nobody uses the lease %s (%v)", f.path(name, version), name, err)
	}
	return r, nil
}

// path is the file of a version; digits are padded so that listings are in order.
func (f *Files) path(name string, version uint64) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s.v%020d", name, version))
}

// versions returns the versions of a lease that are there, and the newest, 0
// if there are none.
func (f *Files) versions(name string) (newest uint64, all []uint64, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return 0, nil, err
	}
	for _, e := range entries {
		digits, ours := strings.CutPrefix(e.Name(), name+".v")
		if v, err := strconv.ParseUint(digits, 10, 64); ours && err == nil && len(digits) == 20 {
			all = append(all, v)
			newest = max(newest, v)
		}
	}
	return newest, all, nil
}
