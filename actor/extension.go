package actor

import (
	"fmt"
	"reflect"
	"sync"
	"time"
)

// extensions are the things of which a system has one each, by their type.
type extensions struct {
	mu sync.Mutex
	m  map[reflect.Type]*extension
}

type extension struct {
	ready Gate
	value any
	err   error
}

// extensionWait bounds the wait for an extension that another goroutine makes.
const extensionWait = 20 * time.Second

// Extension returns the system's one T. The first call makes it with create;
// calls at the same time wait for that one, and later ones get the same. An error
// or a panic of create is remembered and returned to all. An extension may use
// others, but not in a circle: that ends in [ErrTimeout]. Instead of a package
// variable, use a type of your own as the key.
func Extension[T any](s *System, create func(*System) (T, error)) (T, error) {
	key := reflect.TypeFor[T]()
	e, mine := s.extensions.entry(key)
	if mine {
		v, err := contained(func() (T, error) { return create(s) })
		if err != nil {
			e.err = fmt.Errorf("extension %v: %w", key, err)
		}
		e.value = v
		e.ready.Open()
		return v, e.err
	}
	if !e.ready.IsOpen() {
		var over Gate
		e.ready.Notify(func() { over.Open() })
		timer := s.clock.AfterFunc(extensionWait, func() { over.Open() })
		s.exec.Wait(&over)
		timer.Stop()
	}
	var none T
	if !e.ready.IsOpen() {
		return none, fmt.Errorf("extension %v: %w: it is still being made; do extensions need each other?", key, timedOut(extensionWait))
	}
	if e.err != nil {
		return none, e.err
	}
	return e.value.(T), nil
}

// HasExtension reports whether the system has its T.
func HasExtension[T any](s *System) bool {
	s.extensions.mu.Lock()
	e := s.extensions.m[reflect.TypeFor[T]()]
	s.extensions.mu.Unlock()
	return e != nil && e.ready.IsOpen() && e.err == nil
}

// entry returns the entry for the key, and whether the caller has to fill it.
func (x *extensions) entry(key reflect.Type) (e *extension, mine bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.m[key]; e != nil {
		return e, false
	}
	if x.m == nil {
		x.m = map[reflect.Type]*extension{}
	}
	e = &extension{}
	x.m[key] = e
	return e, true
}
