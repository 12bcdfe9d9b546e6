package actor

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// family is the children of a cell: by name, and in the order of their birth.
// The lock is needed because paths are resolved from anywhere, and guardians
// get children from anywhere.
type family struct {
	mu          sync.Mutex
	byName      map[string]*cell
	first, last *cell
	closed      bool
	unnamed     uint64
}

const nameMax = 512

// checkName says whether a path can hold the name.
func checkName(name string) error {
	if name == "" || len(name) > nameMax {
		return fmt.Errorf("%w: %d characters, not 1 to %d", ErrBadName, len(name), nameMax)
	}
	if name[0] == '$' {
		return fmt.Errorf("%w %q: a leading $ is kept for names that are given out", ErrBadName, name)
	}
	for i := range len(name) {
		b := name[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case strings.IndexByte("-_.*$+:@&=,!~';%", b) >= 0:
		default:
			return fmt.Errorf("%w %q: character %q; escape it, for example with url.PathEscape", ErrBadName, name, b)
		}
	}
	return nil
}

// add makes a child; an empty name means one that is given out.
func (f *family) add(name string, make func(name string) *cell) (*cell, error) {
	if name != "" {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrStopped
	}
	if name == "" {
		f.unnamed++
		name = "$" + strconv.FormatUint(f.unnamed, 36)
	}
	if f.byName[name] != nil {
		return nil, fmt.Errorf("%w: %q", ErrNameTaken, name)
	}
	if f.byName == nil {
		f.byName = map[string]*cell{}
	}
	child := make(name)
	f.byName[name] = child
	child.prev = f.last
	if f.last != nil {
		f.last.next = child
	} else {
		f.first = child
	}
	f.last = child
	return child, nil
}

// remove takes a child out and returns how many are left.
func (f *family) remove(child *cell) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName[child.name] != child {
		return len(f.byName)
	}
	delete(f.byName, child.name)
	if child.prev != nil {
		child.prev.next = child.next
	} else {
		f.first = child.next
	}
	if child.next != nil {
		child.next.prev = child.prev
	} else {
		f.last = child.prev
	}
	child.prev, child.next = nil, nil
	return len(f.byName)
}

// close refuses further children.
func (f *family) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
}

func (f *family) get(name string) *cell {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byName[name]
}

func (f *family) has(child *cell) bool { return f.get(child.name) == child }

// all returns the children, oldest first.
func (f *family) all() []*cell {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		return nil
	}
	all := make([]*cell, 0, len(f.byName))
	for c := f.first; c != nil; c = c.next {
		all = append(all, c)
	}
	return all
}
