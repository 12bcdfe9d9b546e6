package testkit

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-go/troupe/actor"
)

// roundTrip sends every message of a system through its registry, as if it
// went to another node.
type roundTrip struct {
	t     testing.TB
	sys   func() *actor.System
	local map[reflect.Type]bool

	mu       sync.Mutex
	reported map[reflect.Type]bool
}

func newRoundTrip(t testing.TB, sys func() *actor.System, local []any) *roundTrip {
	r := &roundTrip{t: t, sys: sys, local: map[reflect.Type]bool{}, reported: map[reflect.Type]bool{}}
	for _, v := range local {
		r.local[reflect.TypeOf(v)] = true
	}
	return r
}

func (r *roundTrip) send(s actor.Sending) (any, error) {
	sys, typ := r.sys(), reflect.TypeOf(s.Message)
	if sys == nil || typ == nil || r.local[typ] {
		return s.Message, nil
	}
	if _, err := sys.Registry().OfType(typ); err != nil && ours(typ) {
		return s.Message, nil
	}
	msg, err := travel(sys, s.Message)
	if err != nil {
		r.report(typ, s.To, err)
		return s.Message, nil
	}
	return msg, nil
}

// report fails the test once for every type.
func (r *roundTrip) report(typ reflect.Type, to actor.PID, err error) {
	r.mu.Lock()
	again := r.reported[typ]
	r.reported[typ] = true
	r.mu.Unlock()
	if !again {
		r.t.Errorf("a %v, sent to %v, can't go to another node: %v; "+
			"register it with codec.Register[%v](registry, \"a.name.that.stays\"), or name it in Config.Local if it never leaves the process",
			typ, to, err, typ)
	}
}

// travel encodes and decodes msg.
func travel(sys *actor.System, msg any) (any, error) {
	t, err := sys.Registry().Of(msg)
	if err != nil {
		return nil, err
	}
	scope := sys.Scope()
	body, err := t.Append(scope, nil, msg)
	if err != nil {
		return nil, err
	}
	return t.Decode(scope, body)
}

// ours reports whether a type is one of Troupe's own: those that aren't
// registered, such as events, never leave the process.
func ours(typ reflect.Type) bool {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	const module = "github.com/troupe-go/troupe/"
	path := typ.PkgPath()
	return strings.HasPrefix(path, module) && !strings.HasSuffix(path, "_test") && !strings.HasPrefix(path, module+"examples/")
}

// Travels fails the test unless msg arrives as it was when it goes from one node to
// another, by the registry of sys. It returns what arrives.
func Travels[T any](t testing.TB, sys *actor.System, msg T) T {
	t.Helper()
	v, err := travel(sys, msg)
	if err != nil {
		t.Fatalf("a %T can't go to another node: %v", msg, err)
	}
	got, ok := v.(T)
	if !ok || !reflect.DeepEqual(got, msg) {
		t.Fatalf("what arrives is %s, not %s%s", show(v), show(msg), unexported(reflect.TypeOf(msg)))
	}
	return got
}

// unexported is a hint at what is lost most often.
func unexported(typ reflect.Type) string {
	if typ.Kind() != reflect.Struct {
		return ""
	}
	for f := range typ.Fields() {
		if !f.IsExported() {
			return fmt.Sprintf("; fields that aren't exported, such as %s, stay behind unless the type encodes itself", f.Name)
		}
	}
	return ""
}
