package codec

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Bounds of registered errors.
const (
	errorsMax    = 1000
	errorNameMax = 200
)

// RegisterError gives an error of one's own a stable name, so that it keeps its identity
// when it travels to another node inside another one: there errors.Is finds the error that
// is registered under the same name. It fails with [ErrClash] when the name is taken by
// another error, or the error has another name; doing the same again is allowed. At most
// 1000 errors, with names of at most 200 bytes. The error must be comparable, as those of
// errors.New are.
func RegisterError(reg *Registry, name string, err error) error {
	switch {
	case err == nil || name == "" || len(name) > errorNameMax:
		return fmt.Errorf("register error %.40q: an error and a name of 1 to %d bytes are needed", name, errorNameMax)
	case !reflect.ValueOf(err).Comparable():
		return fmt.Errorf("register error %q: a %T can't be compared; register one of errors.New, which yours wraps", name, err)
	}
	reg.registerMu.Lock()
	defer reg.registerMu.Unlock()
	old := reg.errors.Load()
	next := map[string]error{}
	if old != nil {
		for known, e := range *old { //det:ok at most one has the error
			if known != name && e == err {
				return fmt.Errorf("register error %q: %w: %q is its name already", name, ErrClash, known)
			}
		}
		maps.Copy(next, *old)
	}
	if e, taken := next[name]; taken && e != err {
		return fmt.Errorf("register error %q: %w: it is the name of %q", name, ErrClash, e.Error())
	}
	if next[name] = err; len(next) > errorsMax {
		return fmt.Errorf("register error %q: there are %d already, which is the most", name, errorsMax)
	}
	reg.errors.Store(&next)
	return nil
}

// ErrorNames returns the names of the registered errors that err is, sorted.
func (r *Registry) ErrorNames(err error) (names []string) {
	known := r.errors.Load()
	if known == nil {
		return nil
	}
	for name, e := range *known { //det:ok sorted below
		if errors.Is(err, e) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ErrorNamed returns the error of that name; nil if there is none.
func (r *Registry) ErrorNamed(name string) error {
	known := r.errors.Load()
	if known == nil {
		return nil
	}
	return (*known)[name]
}
