package membership

import (
	"slices"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

type (
	// Delta carries what has changed since a value that the receiver is
	// believed to have. Who doesn't have it answers with Recent.
	Delta struct {
		From, To Node
		Created  int64
		// Base and Value are the digests of the value before and after.
		Base, Value uint64
		// Seen says who has seen Value: a bit for each of its members.
		Seen []byte
		// Gone are the places in Base of the members that Value doesn't have.
		Gone []int
		// Part has the members that changed, or that changes are about, with
		// all that Value has of them, and all tombstones that are new.
		Part State
	}
	// Recent asks for what the sender lacks: it names the digests of the
	// values that a Delta may start from, the newest first. Without any, the
	// whole state is asked for.
	Recent struct {
		From, To Node
		Created  int64
		Values   []uint64
	}
)

func (Delta) message()  {}
func (Recent) message() {}

// bits returns the seen table as one bit for each member, in their order.
func (s State) bits() []byte {
	out := make([]byte, (len(s.members)+7)/8)
	for i, m := range s.rows() {
		if m.seen {
			out[i/8] |= 1 << (i % 8)
		}
	}
	return out
}

// withBits returns s with those added to the seen table that have a bit. Bits
// that aren't made for so many members are left out of account.
func (s State) withBits(bits []byte) State {
	if len(bits) != (len(s.members)+7)/8 {
		return s
	}
	var more []Node
	for i, m := range s.members {
		if bits[i/8]&(1<<(i%8)) != 0 {
			more = append(more, m.Node)
		}
	}
	s.seen = mergeSorted(s.seen, more, compareNodes, keepFirst)
	return s
}

// blank returns s without anything about single nodes.
func (s State) blank() State {
	s.members, s.seen, s.reach, s.clock, s.tombs = nil, nil, Reachability{}, VClock{}, nil
	return s
}

// since returns what s has and base hasn't, and the places in base of the
// members that s has no more.
func (s State) since(base State) (part State, gone []int) {
	part = s.blank()
	old, now := base.rows(), s.rows()
	changed := make(map[Node]bool)
	i := 0
	for _, m := range now {
		for i < len(old) && old[i].Compare(m.Node) < 0 {
			gone = append(gone, i)
			i++
		}
		if i == len(old) || old[i].Node != m.Node {
			changed[m.Node] = true
			continue
		}
		if !sameMember(old[i].Member, m.Member) || old[i].count != m.count || old[i].version != m.version {
			changed[m.Node] = true
		}
		i++
	}
	for ; i < len(old); i++ {
		gone = append(gone, i)
	}
	part.reach.records = s.recordsSince(base)
	for _, r := range part.reach.records {
		changed[r.Subject] = true
	}
	for _, m := range now {
		if changed[m.Node] {
			part.addRow(m)
		}
	}
	for _, t := range s.tombs {
		if j, ok := slices.BinarySearchFunc(base.tombs, t, compareTombs); !ok || base.tombs[j] != t {
			part.tombs = append(part.tombs, t)
		}
	}
	return part, gone
}

// recordsSince returns all records of those observers that have another version
// than in base.
func (s State) recordsSince(base State) (out []Record) {
	for _, r := range s.reach.records {
		if base.reach.Version(r.Observer) != s.reach.Version(r.Observer) {
			out = append(out, r)
		}
	}
	return out
}

// addRow appends a member, which comes after those that s has.
func (s *State) addRow(m row) {
	s.members = append(s.members, m.Member)
	if m.count > 0 {
		s.clock.entries = append(s.clock.entries, clockEntry{m.Node, m.count})
	}
	if m.version > 0 {
		s.reach.versions = append(s.reach.versions, observerVersion{m.Node, m.version})
	}
}

// patched returns base with the changes of d, and whether that is the value
// that its sender meant.
func (d Delta) patched(base State) (State, bool) {
	s := d.Part.blank()
	gone, rest := d.Gone, base.rows()
	kept := rest[:0]
	for i, m := range rest {
		if len(gone) > 0 && gone[0] == i {
			gone = gone[1:]
			continue
		}
		kept = append(kept, m)
	}
	merged := mergeSorted(kept, d.Part.rows(), func(a, b row) int { return a.Node.Compare(b.Node) },
		func(_, b row) row { return b })
	for _, m := range merged {
		s.addRow(m)
	}
	stays := func(r Record) bool {
		return s.has(r.Observer) && s.has(r.Subject) && s.reach.Version(r.Observer) == base.reach.Version(r.Observer)
	}
	var same []Record
	for _, r := range base.reach.records {
		if stays(r) {
			same = append(same, r)
		}
	}
	s.reach.records = mergeSorted(same, d.Part.reach.records, compareRecords, func(_, b Record) Record { return b })
	s.tombs = mergeSorted(base.tombs, d.Part.tombs, compareTombs, func(_, b Tombstone) Tombstone { return b })
	s.tombs = slices.DeleteFunc(s.tombs, func(t Tombstone) bool { return t.At <= s.Horizon })
	if s.digest() != d.Value {
		return State{}, false
	}
	return s.withBits(d.Seen), true
}

// AppendWire appends the wire form.
func (m Delta) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = appendLetter(b, m.From, m.To, m.Created)
	b = wire.AppendUint64(wire.AppendUint64(b, m.Base), m.Value)
	b = wire.AppendBytes(b, m.Seen)
	b = wire.AppendUvarint(b, uint64(len(m.Gone)))
	for _, i := range m.Gone {
		b = wire.AppendUvarint(b, uint64(i))
	}
	return appendState(b, m.Part, false), nil
}

// DecodeWire reads the wire form.
func (m *Delta) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Delta{}
	m.From, m.To, m.Created = readLetter(r)
	m.Base, m.Value = r.Uint64(), r.Uint64()
	m.Seen = readBits(r)
	n := r.Count(1)
	last := -1
	for range n {
		i := r.Uvarint()
		if r.Err() != nil || i >= membersMax || int(i) <= last {
			r.Fail("place %d of a member that is gone, after %d", i, last)
			break
		}
		last = int(i)
		m.Gone = append(m.Gone, last)
	}
	m.Part = readState(r)
	if m.Part.Created != m.Created || m.Created == 0 {
		r.Fail("changes of cluster %d in a letter of cluster %d", m.Part.Created, m.Created)
	}
	return r.Done()
}

// readBits takes a seen table that came over the wire and copies it, since it
// may be in a buffer that is used again.
func readBits(r *wire.Reader) []byte {
	bits := r.Bytes()
	if len(bits) > membersMax/8 {
		r.Fail("seen table of %d bytes, at most %d are allowed", len(bits), membersMax/8)
	}
	if r.Err() != nil || len(bits) == 0 {
		return nil
	}
	return slices.Clone(bits)
}

// AppendWire appends the wire form.
func (m Recent) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	b = wire.AppendUvarint(appendLetter(b, m.From, m.To, m.Created), uint64(len(m.Values)))
	for _, v := range m.Values {
		b = wire.AppendUint64(b, v)
	}
	return b, nil
}

// DecodeWire reads the wire form.
func (m *Recent) DecodeWire(_ codec.Scope, b []byte) error {
	r := wire.NewReader(b)
	*m = Recent{}
	m.From, m.To, m.Created = readLetter(r)
	n := r.Count(8)
	if n > trailMax+1 {
		r.Fail("%d values, at most %d are allowed", n, trailMax+1)
	}
	for range n {
		if r.Err() != nil {
			break
		}
		m.Values = append(m.Values, r.Uint64())
	}
	return r.Done()
}
