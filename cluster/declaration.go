package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// Declaration says how a part of a node was started that works together with its
// like on other nodes. Nodes compare what they declare; see [Cluster.Declare].
type Declaration struct {
	// Kind and Name say what it is, as in "singleton" and "clerk": 1 to 128 bytes
	// each.
	Kind, Name string
	// Role is the role of the nodes that it runs on; "" means all. One that no member
	// has is a mistake.
	Role string
	// Everywhere says that each node of the role has to start it.
	Everywhere bool
	// Proxy says that it doesn't run on this node, whatever the roles of that: it only
	// sends.
	Proxy bool
	// Must are the settings that all nodes must have in common for it to work, Should
	// those that they should. At most 15 each, of at most 1024 bytes.
	Must, Should []membership.Setting
}

// Bounds of what a node may declare.
const (
	declarationsMax = 256
	declaredMax     = 128
	settingsMax     = 16
	settingMax      = 1024
)

// Declare has a part of this node compared with its like on the nodes that watch each
// other, at most nine in each direction: Role and settings must be the same, nodes with the
// role must have it too where it says Everywhere, and somebody must have the role.
// A difference that stays for some seconds is logged with the cure, once per change,
// on both nodes. [Cluster.Ready] fails on the one that is in the minority, or the
// younger of two, unless it is about Should, or about something that is missing
// while members have different versions of the application: then it is missing
// because a rolling update is under way. What was declared stays so; the same kind
// and name replace it.
func (c *Cluster) Declare(d Declaration) error {
	d.Must = append([]membership.Setting{{Key: "Role", Value: d.Role}}, d.Must...)
	if err := d.check(); err != nil {
		return fmt.Errorf("declare %s: %w", d.title(), err)
	}
	c.daemon.Tell(declared{d})
	return nil
}

func (d Declaration) check() error {
	var errs []error
	for _, s := range []string{d.Kind, d.Name} {
		if s == "" || len(s) > declaredMax {
			errs = append(errs, fmt.Errorf("%q: want 1 to %d bytes", s, declaredMax))
		}
	}
	for _, list := range [][]membership.Setting{d.Must, d.Should} {
		if len(list) > settingsMax {
			errs = append(errs, fmt.Errorf("%d settings: at most %d are allowed", len(list), settingsMax))
		}
		for _, s := range list {
			if s.Key == "" || len(s.Key)+len(s.Value) > settingMax {
				errs = append(errs, fmt.Errorf("setting %q: want a key, and at most %d bytes", s.Key, settingMax))
			}
		}
	}
	return errors.Join(errs...)
}

// title names the declared thing in a message.
func (d Declaration) title() string { return fmt.Sprintf("%s %q", d.Kind, d.Name) }

func compareDeclarations(a, b Declaration) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

func find(all []Declaration, like Declaration) (Declaration, bool) {
	i, ok := slices.BinarySearchFunc(all, like, compareDeclarations)
	if !ok {
		return Declaration{}, false
	}
	return all[i], true
}

// profile is what a node has declared.
type profile struct {
	From membership.Node
	// Digest is that of the declarations, Known that of those of the receiver that the
	// sender has; 0: it has none.
	Digest, Known uint64
	Declarations  []Declaration // sorted
}

// declared is a declaration on its way to the daemon.
type declared struct{ Declaration }

// AppendWire appends the wire form.
func (m profile) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendUint64(wire.AppendUint64(m.From.Append(b), m.Digest), m.Known)
	return appendDeclarations(b, m.Declarations), nil
}

func appendDeclarations(b []byte, all []Declaration) []byte {
	b = wire.AppendUvarint(b, uint64(len(all)))
	for _, d := range all {
		b = wire.AppendString(wire.AppendString(wire.AppendString(b, d.Kind), d.Name), d.Role)
		b = wire.AppendBool(wire.AppendBool(b, d.Everywhere), d.Proxy)
		for _, list := range [][]membership.Setting{d.Must, d.Should} {
			b = wire.AppendUvarint(b, uint64(len(list)))
			for _, s := range list {
				b = wire.AppendString(wire.AppendString(b, s.Key), s.Value)
			}
		}
	}
	return b
}

// digestOf is never 0.
func digestOf(all []Declaration) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(appendDeclarations(nil, all)) // a hash takes everything
	return max(h.Sum64(), 1)
}

// DecodeWire reads the wire form.
func (m *profile) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = profile{From: membership.ReadNode(r), Digest: r.Uint64(), Known: r.Uint64()}
	n := r.Count(7)
	if n > declarationsMax {
		r.Fail("%d declarations, at most %d are allowed", n, declarationsMax)
	}
	for range n {
		d := Declaration{Kind: r.String(), Name: r.String(), Role: r.String(), Everywhere: r.Bool(), Proxy: r.Bool()}
		d.Must, d.Should = readSettings(r), readSettings(r)
		if r.Err() != nil {
			return r.Err()
		}
		if d.check() != nil || len(d.Role) > declaredMax || len(m.Declarations) > 0 && compareDeclarations(m.Declarations[len(m.Declarations)-1], d) >= 0 {
			r.Fail("declaration %.64q %.64q out of bounds or of order", d.Kind, d.Name)
			return r.Err()
		}
		m.Declarations = append(m.Declarations, d)
	}
	return r.Done()
}

func readSettings(r *wire.Reader) (list []membership.Setting) {
	n := r.Count(2)
	if n > settingsMax {
		r.Fail("%d settings, at most %d are allowed", n, settingsMax)
		return nil
	}
	for range n {
		list = append(list, membership.Setting{Key: r.String(), Value: r.String()})
	}
	return list
}
