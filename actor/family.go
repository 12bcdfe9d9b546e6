package actor

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// family is the children of a cell: by name, and in the order of their birth.
// The lock is needed because paths are resolved from anywhere, and guardians
// get children from anywhere. A nil family has no children.
type family struct {
	mu          sync.Mutex
	named       map[string]*cell
	unnamed     map[uint64]*cell // by id; nil until somebody looks for one
	size        int
	first, last *cell
	closed      bool
	awaited     bool // the parent waits for the last one to leave
}

const nameMax = 512

// checkName says whether a path can hold the name of an actor.
func checkName(name string) error {
	if strings.HasPrefix(name, "$") {
		return fmt.Errorf("%w %q: a leading $ is kept for names that are given out", ErrBadName, name)
	}
	return checkElement(name)
}

// add makes a child; an empty name means one that is given out.
func (f *family) add(name string, make func() *cell) (*cell, error) {
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
	if f.named[name] != nil {
		return nil, fmt.Errorf("%w: %q", ErrNameTaken, name)
	}
	child := make()
	f.enter(child)
	child.prev = f.last
	if f.last != nil {
		f.last.next = child
	} else {
		f.first = child
	}
	f.last = child
	return child, nil
}

// enter makes the child known by its name, if it has one.
func (f *family) enter(child *cell) {
	f.size++
	switch {
	case child.name != "":
		if f.named == nil {
			f.named = map[string]*cell{}
		}
		f.named[child.name] = child
	case f.unnamed != nil:
		f.unnamed[child.id] = child
	}
}

// byID returns the child without a name that has the id. Few families are ever
// asked, so the index is made when the first question comes.
func (f *family) byID(id uint64) *cell {
	if f.unnamed == nil {
		f.unnamed = map[uint64]*cell{}
		for c := f.first; c != nil; c = c.next {
			if c.name == "" {
				f.unnamed[c.id] = c
			}
		}
	}
	return f.unnamed[id]
}

// leave takes a child out, in the turn in which it ends. It reports whether it was
// the last one, for which the parent waits.
func (f *family) leave(child *cell) (awaited bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size--
	if child.name != "" {
		delete(f.named, child.name)
	} else {
		delete(f.unnamed, child.id)
	}
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
	awaited = f.awaited && f.size == 0
	f.awaited = f.awaited && !awaited
	return awaited
}

// await returns the children, oldest first, and has the last one that leaves tell
// the parent.
func (f *family) await() []*cell {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.awaited = f.size > 0
	return f.list()
}

// empty reports whether there are no children.
func (f *family) empty() bool {
	if f == nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size == 0
}

// close refuses further children.
func (f *family) close() {
	if f != nil {
		f.mu.Lock()
		f.closed = true
		f.mu.Unlock()
	}
}

// get returns the child with the label.
func (f *family) get(label string) *cell {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if given, ok := strings.CutPrefix(label, "$"); ok {
		id, err := strconv.ParseUint(given, 36, 64)
		if err != nil {
			return nil
		}
		return f.byID(id)
	}
	return f.named[label]
}

// all returns the children, oldest first.
func (f *family) all() []*cell {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list()
}

// list is all, for those that hold the lock.
func (f *family) list() []*cell {
	if f.first == nil {
		return nil
	}
	all := make([]*cell, 0, f.size)
	for c := f.first; c != nil; c = c.next {
		all = append(all, c)
	}
	return all
}
