package sharding

import (
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"weak"

	"github.com/troupe-go/troupe/actor"
)

// idMax is the longest entity id in bytes. Its escaped form, three times as
// long at most, is the name of its actor.
const idMax = 170

// refs gives every entity one ref, so that refs to it are equal. It keeps none
// of them alive.
type refs struct {
	table  *table
	prefix string

	mu sync.RWMutex
	m  map[string]weak.Pointer[entityRef]
}

// entityRef is what a ref to an entity leads to. It and its ref keep each
// other alive, so as long as somebody has the one, the other is there.
type entityRef struct {
	refs *refs
	id   string
	pid  actor.PID
}

func newRefs(t *table) *refs {
	return &refs{table: t, prefix: refPrefix(t.name), m: map[string]weak.Pointer[entityRef]{}}
}

func refPrefix(name string) string { return "/sharding/" + name + "/" }

// get returns the ref to an entity.
func (r *refs) get(id string) actor.PID {
	r.mu.RLock()
	e := r.m[id].Value()
	r.mu.RUnlock()
	if e != nil {
		return e.pid
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.m[id].Value(); e != nil {
		return e.pid
	}
	e = &entityRef{refs: r, id: id}
	e.pid = r.table.sys.NewRef(r.prefix+escape(id), e)
	r.m[id] = weak.Make(e)
	// Held weakly: the table leads to its refs, and would keep itself alive.
	runtime.AddCleanup(e, forgetRef, forgotten{weak.Make(r), id})
	return e.pid
}

// forgotten is an entity to which nobody holds a ref any more.
type forgotten struct {
	refs weak.Pointer[refs]
	id   string
}

func forgetRef(f forgotten) {
	if r := f.refs.Value(); r != nil {
		r.forget(f.id)
	}
}

func (r *refs) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m[id].Value() == nil {
		delete(r.m, id)
	}
}

// resolve returns the ref for a path that came from another node.
func (r *refs) resolve(path string) (actor.PID, bool) {
	id, err := url.PathUnescape(strings.TrimPrefix(path, r.prefix))
	if err != nil || id == "" || len(id) > idMax {
		return actor.PID{}, false
	}
	return r.get(id), true
}

// DeliverTraced sends it with its trace.
func (e *entityRef) DeliverTraced(msg any, from actor.PID, t actor.Trace) error {
	return e.Deliver(actor.WithTrace(msg, t), from)
}

// Deliver sends a message on its way to the entity.
func (e *entityRef) Deliver(msg any, from actor.PID) error {
	if err := checkID(e.id); err != nil {
		e.refs.table.sys.Drop(e.pid, msg, from, actor.DropRefused)
		return err
	}
	return e.refs.table.deliver(held{id: e.id, msg: msg, from: from})
}

func checkID(id string) error {
	if id == "" || len(id) > idMax {
		return fmt.Errorf("entity id %.40q has %d bytes: want 1 to %d", id, len(id), idMax)
	}
	return nil
}

// escape makes an id the name of an actor: what a path can't hold becomes
// %XX, so that different ids have different names. PathUnescape undoes it.
func escape(id string) string {
	if id == "." || id == ".." { // another place, in a path
		return strings.ReplaceAll(id, ".", "%2E")
	}
	const hex = "0123456789ABCDEF"
	plain := true
	for i := range len(id) {
		plain = plain && isPlain(id[i])
	}
	if plain {
		return id
	}
	var b strings.Builder
	for i := range len(id) {
		if c := id[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.+:@&=,!~", c) >= 0
}
