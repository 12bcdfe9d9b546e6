package codec

import (
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// MaxDepth is how deep a message may nest: maps and arrays within each other,
// and messages within messages.
const MaxDepth = 64

// Scope is what encoding and decoding may need besides the value: the registry
// for messages nested in messages and the system for references. The zero value
// serves types that need neither. It is passed by value.
type Scope struct {
	// Registry finds the types of nested messages.
	Registry *Registry
	// System is the actor system on whose behalf bytes are made or read; package
	// actor puts itself here so that references resolve where they arrive.
	System any
	// Denied are the rights that whoever sent the bytes lacks: types that demand
	// one of them are not decoded. It counts for nothing when encoding.
	Denied Right

	depth int8
}

// Registry maps types to stable names and encodings. There is one per system.
// The zero value is ready and knows the simple types. All methods are safe for
// concurrent use; look-ups read an immutable table and take no lock.
type Registry struct {
	registerMu  sync.Mutex
	table       atomic.Pointer[table]
	serializers map[uint32]Serializer // by id
	used        []Serializer          // asked in this order
	msgpack     packers
	errors      atomic.Pointer[map[string]error] // by name; never changed in place
}

// table is immutable once published.
type table struct {
	byType map[reflect.Type]*Type
	byName map[string]*Type
}

// NewRegistry returns a registry that knows the simple types.
func NewRegistry() *Registry { return &Registry{} }

// Type is a registered type: its name, its limits and its encoding. It is
// immutable and safe for concurrent use.
type Type struct {
	name    string
	goType  reflect.Type
	control bool
	upkeep  bool
	sizeMax int
	aliases []string
	demands Right
	id      uint32
	how     string
	by      Serializer // nil: one of this package
	enc     func(s Scope, b []byte, msg any) ([]byte, error)
	dec     func(s Scope, body []byte) (any, error)
	place   func() func(s Scope, body []byte) (any, error) // makes a dec for one goroutine; nil: dec will do
}

// Name returns the stable name.
func (t *Type) Name() string { return t.name }

// GoType returns the Go type that values of this type have.
func (t *Type) GoType() reflect.Type { return t.goType }

// Control reports whether values travel on the control connection.
func (t *Type) Control() bool { return t.control }

// Upkeep reports whether a node that is short of memory takes values all the same.
func (t *Type) Upkeep() bool { return t.upkeep }

// SizeMax returns the largest body in bytes that is encoded or decoded.
func (t *Type) SizeMax() int { return t.sizeMax }

// Encoding names how values are encoded: "wire", "binary", "msgpack", "basic",
// "protobuf", "json", "raw", or as its serializer is called.
func (t *Type) Encoding() string { return t.how }

// EncodingID is the number of the encoding, such as [IDMsgpack].
func (t *Type) EncodingID() uint32 { return t.id }

// Demands are the rights that the sender of a value needs.
func (t *Type) Demands() Right { return t.demands }

// Append appends the body of msg, which must be of this type. On error it
// returns b as it was.
func (t *Type) Append(s Scope, b []byte, msg any) (out []byte, err error) {
	start := len(b)
	defer func() {
		if r := recover(); r != nil {
			out, err = b[:start], fmt.Errorf("encode %s (%v): panic: %v", t.name, t.goType, r)
		}
	}()
	out, err = t.enc(s, b, msg)
	if err != nil {
		return b[:start], fmt.Errorf("encode %s (%v): %w", t.name, t.goType, err)
	}
	if len(out) < start {
		return b[:start], fmt.Errorf("encode %s (%v): the encoding method returned less than it was given; it must append to its argument", t.name, t.goType)
	}
	if n := len(out) - start; n > t.sizeMax {
		return b[:start], t.tooLarge("encode", n)
	}
	return out, nil
}

// Decode returns the value whose body Append made. The value keeps no part of body.
func (t *Type) Decode(s Scope, body []byte) (msg any, err error) {
	return t.decodeBy(t.dec, s, body)
}

// Decoding decodes values of one type like [Type.Decode], but spares it what is the
// same for each. It is not safe for concurrent use.
type Decoding struct {
	typ *Type
	dec func(s Scope, body []byte) (any, error)
}

// Decoding returns one.
func (t *Type) Decoding() *Decoding {
	if t.place == nil {
		return &Decoding{typ: t, dec: t.dec}
	}
	return &Decoding{typ: t, dec: t.place()}
}

// Type is the type of the values.
func (d *Decoding) Type() *Type { return d.typ }

// Decode returns the value whose body was appended. The value keeps no part of body.
func (d *Decoding) Decode(s Scope, body []byte) (msg any, err error) {
	return d.typ.decodeBy(d.dec, s, body)
}

func (t *Type) decodeBy(dec func(Scope, []byte) (any, error), s Scope, body []byte) (msg any, err error) {
	if lacking := t.demands & s.Denied; lacking != 0 {
		return nil, &DeniedError{Name: t.name, Lacking: lacking}
	}
	if len(body) > t.sizeMax {
		return nil, t.tooLarge("decode", len(body))
	}
	defer func() {
		if r := recover(); r != nil {
			msg, err = nil, fmt.Errorf("decode %s (%v): %w: panic: %v", t.name, t.goType, ErrMalformed, r)
		}
	}()
	msg, err = dec(s, body)
	if err != nil {
		return nil, fmt.Errorf("decode %s (%v): %w", t.name, t.goType, err)
	}
	return msg, nil
}

func (t *Type) tooLarge(verb string, size int) error {
	return fmt.Errorf("%s %s (%v): %w: %d bytes, at most %d (raise it with codec.MaxSize at registration, or send less)",
		verb, t.name, t.goType, ErrTooLarge, size, t.sizeMax)
}

// Of returns the registered type of msg's value, or an [UnregisteredError].
func (r *Registry) Of(msg any) (*Type, error) {
	typ := reflect.TypeOf(msg)
	if t, ok := r.tables().byType[typ]; ok {
		return t, nil
	}
	if typ == nil {
		return nil, fmt.Errorf("%w: a nil message has no type", ErrUnregistered)
	}
	return nil, &UnregisteredError{Type: typ}
}

// OfType returns the registration of a Go type, or an [UnregisteredError].
func (r *Registry) OfType(typ reflect.Type) (*Type, error) {
	if t, ok := r.tables().byType[typ]; ok {
		return t, nil
	}
	return nil, &UnregisteredError{Type: typ}
}

// Named returns the type registered under name or under an alias, or an
// [UnregisteredError].
func (r *Registry) Named(name string) (*Type, error) {
	if t, ok := r.tables().byName[name]; ok {
		return t, nil
	}
	return nil, &UnregisteredError{Name: name}
}

// Encode appends msg's body to b and returns its name beside it.
func (r *Registry) Encode(s Scope, b []byte, msg any) (name string, out []byte, err error) {
	t, err := r.Of(msg)
	if err != nil {
		return "", b, err
	}
	out, err = t.Append(s, b, msg)
	return t.name, out, err
}

// Decode returns the value of the type called name whose body is given.
func (r *Registry) Decode(s Scope, name string, body []byte) (any, error) {
	t, err := r.Named(name)
	if err != nil {
		return nil, err
	}
	return t.Decode(s, body)
}

// Names returns all registered names in order, without aliases.
func (r *Registry) Names() []string {
	types := r.types()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.name
	}
	return names
}

// Fingerprint returns a hash of all registered names and of their encodings. Two
// systems whose fingerprints differ know different messages.
func (r *Registry) Fingerprint() uint64 {
	h := xxhash.New()
	for _, t := range r.types() {
		_, _ = h.WriteString(t.name) // a digest never fails
		_, _ = h.Write(binary.BigEndian.AppendUint32([]byte{0}, t.id))
	}
	return h.Sum64()
}

// types are in the order of their names.
func (r *Registry) types() []*Type {
	byName := map[string]*Type{}
	for _, t := range r.tables().byType { //det:ok a map again
		byName[t.name] = t
	}
	types := make([]*Type, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		types = append(types, byName[name])
	}
	return types
}

// tables returns the present table, making the first one on first use.
func (r *Registry) tables() *table {
	if tab := r.table.Load(); tab != nil {
		return tab
	}
	r.registerMu.Lock()
	defer r.registerMu.Unlock()
	return r.tablesLocked()
}

func (r *Registry) tablesLocked() *table {
	tab := r.table.Load()
	if tab == nil {
		tab = basics()
		r.table.Store(tab)
	}
	return tab
}

// add publishes a copy of the table with t in it.
func (r *Registry) add(t *Type) error {
	r.registerMu.Lock()
	defer r.registerMu.Unlock()
	old := r.tablesLocked()
	if same := old.byType[t.goType]; same != nil {
		if same.name == t.name && same.control == t.control && same.upkeep == t.upkeep && same.sizeMax == t.sizeMax && same.demands == t.demands && same.id == t.id && slices.Equal(same.aliases, t.aliases) {
			return nil
		}
		if same.name != t.name {
			return fmt.Errorf("register %v as %q: %w: the type is registered as %q; a type has one name (codec.Alias adds old names for decoding)", t.goType, t.name, ErrClash, same.name)
		}
		return fmt.Errorf("register %v as %q: %w: registered before with other options", t.goType, t.name, ErrClash)
	}
	names := append([]string{t.name}, t.aliases...)
	for _, name := range names {
		if other := old.byName[name]; other != nil {
			return fmt.Errorf("register %v as %q: %w: the name %q belongs to %v", t.goType, t.name, ErrClash, name, other.goType)
		}
	}
	next := &table{
		byType: make(map[reflect.Type]*Type, len(old.byType)+1),
		byName: make(map[string]*Type, len(old.byName)+len(names)),
	}
	for k, v := range old.byType {
		next.byType[k] = v
	}
	for k, v := range old.byName {
		next.byName[k] = v
	}
	next.byType[t.goType] = t
	for _, name := range names {
		next.byName[name] = t
	}
	r.table.Store(next)
	return nil
}
