package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troupe-go/troupe/persistence"
)

// place is the files of a store as they were when it was opened. A write to a
// file that is no longer at its path would be acknowledged and never be found
// again, so the store fails as soon as one of them isn't there any more.
type place struct {
	files []placed
}

type placed struct {
	path string
	info os.FileInfo
}

// locate remembers the files of the database at path, all of which exist as long
// as a connection is open. SQLite keeps its log where a symbolic link leads to.
func locate(path string) (place, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return place{}, err
	}
	var p place
	for _, name := range []string{path, target + "-wal", target + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			return place{}, err
		}
		p.files = append(p.files, placed{name, info})
	}
	return p, nil
}

// check says which file isn't at its path any more.
func (p place) check() error {
	for _, f := range p.files {
		switch info, err := os.Stat(f.path); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s was removed or moved while it was in use; "+
				"put it back, or stop all processes that use it and start them again", persistence.ErrUnavailable, f.path)
		case err != nil:
			return fmt.Errorf("%w: %w", persistence.ErrUnavailable, err)
		case !os.SameFile(info, f.info):
			return fmt.Errorf("%w: %s was replaced by another file while it was in use; "+
				"put the old one back, or stop all processes that use it and start them again", persistence.ErrUnavailable, f.path)
		}
	}
	return nil
}
