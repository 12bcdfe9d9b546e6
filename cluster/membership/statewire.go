package membership

import (
	"hash/fnv"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

// Bounds of a state that comes over the wire. Counts are also checked against
// the bytes that are there before anything is allocated.
const (
	membersMax = 4096
	tombsMax   = 4096
	recordsMax = 1 << 16
)

// digest is a hash of the value of s, without who has seen it.
func (s State) digest() uint64 {
	h := fnv.New64a()
	h.Write(appendState(nil, s, false))
	return h.Sum64()
}

// seenDigest is a hash of who has seen s.
func (s State) seenDigest() uint64 {
	h := fnv.New64a()
	for _, n := range s.seen {
		h.Write(n.Append(nil))
	}
	return h.Sum64()
}

// row is all that a state has of one member.
type row struct {
	Member
	count   uint64 // changes, by the clock
	version uint64 // of its records
	seen    bool
}

// rows returns the rows of all members. Clock, versions and seen table are in
// the order of the members and about nobody else, so one pass finds them.
func (s State) rows() []row {
	out := make([]row, len(s.members))
	clock, versions, seen := s.clock.entries, s.reach.versions, s.seen
	for i, m := range s.members {
		out[i].Member = m
		if len(clock) > 0 && clock[0].node == m.Node {
			out[i].count, clock = clock[0].count, clock[1:]
		}
		if len(versions) > 0 && versions[0].observer == m.Node {
			out[i].version, versions = versions[0].version, versions[1:]
		}
		if len(seen) > 0 && seen[0] == m.Node {
			out[i].seen, seen = true, seen[1:]
		}
	}
	return out
}

// appendState appends the wire form of s. Seen table, clock and versions are
// columns of the list of members, since only members have them.
func appendState(b []byte, s State, withSeen bool) []byte {
	b = wire.AppendUint64(b, uint64(s.Created))
	b = wire.AppendUvarint(b, s.LastUp)
	b = wire.AppendUint64(b, uint64(s.Horizon))
	b = wire.AppendBool(b, s.Closing)
	roles, versions := ViewOf(s, Node{}).Roles(), s.versions()
	b = appendStrings(appendStrings(b, roles), versions)
	index := make(map[string]int, len(roles))
	for i, r := range roles {
		index[r] = i
	}
	b = wire.AppendUvarint(b, uint64(len(s.members)))
	for _, m := range s.rows() {
		b = m.Node.Append(b)
		b = append(b, byte(m.Status))
		b = wire.AppendUvarint(b, m.UpNumber)
		b = wire.AppendUvarint(b, m.promised)
		b = wire.AppendBool(b, !m.promisedBy.IsZero())
		if !m.promisedBy.IsZero() {
			b = m.promisedBy.Append(b)
		}
		b = wire.AppendUvarint(b, uint64(len(m.Roles)))
		for _, r := range m.Roles {
			b = wire.AppendUvarint(b, uint64(index[r]))
		}
		at, _ := slices.BinarySearch(versions, m.AppVersion)
		if m.AppVersion != "" {
			at++ // 0 stands for none
		}
		b = wire.AppendUvarint(b, uint64(at))
		b = wire.AppendUvarint(b, m.count)
		b = wire.AppendUvarint(b, m.version)
		b = wire.AppendBool(b, withSeen && m.seen)
	}
	b = wire.AppendUvarint(b, uint64(len(s.reach.records)))
	for _, r := range s.reach.records {
		observer, _ := s.find(r.Observer)
		subject, _ := s.find(r.Subject)
		b = wire.AppendUvarint(b, uint64(observer))
		b = wire.AppendUvarint(b, uint64(subject))
		b = append(b, byte(r.Status))
		b = wire.AppendUvarint(b, r.Version)
	}
	b = wire.AppendUvarint(b, uint64(len(s.tombs)))
	for _, t := range s.tombs {
		b = t.Node.Append(b)
		b = wire.AppendUint64(b, uint64(t.At))
		b = wire.AppendUvarint(b, t.number)
		b = wire.AppendBool(b, t.given)
	}
	return b
}

// readState reads what appendState wrote and refuses what breaks an invariant
// of states; errors stay in r.
func readState(r *wire.Reader) State {
	s := State{Created: int64(r.Uint64()), LastUp: r.Uvarint(), Horizon: int64(r.Uint64()), Closing: r.Bool()}
	words := words{
		roles:    readStrings(r, rolesMax*membersMax, roleSizeMax),
		versions: readStrings(r, membersMax, versionSizeMax),
	}
	n := r.Count(18)
	if n > membersMax {
		r.Fail("%d members, at most %d are allowed", n, membersMax)
	}
	for range n {
		if r.Err() != nil {
			return State{}
		}
		readMember(r, &s, words)
	}
	readRecords(r, &s)
	readTombs(r, &s)
	if s.Created == 0 && (n > 0 || len(s.tombs) > 0 || s.Closing) {
		r.Fail("members without a cluster")
	}
	if r.Err() != nil {
		return State{}
	}
	return s
}

// words are what members refer to by number.
type words struct{ roles, versions []string }

func readMember(r *wire.Reader, s *State, words words) {
	m := Member{Node: ReadNode(r), Status: Status(r.Byte()), UpNumber: r.Uvarint(), promised: r.Uvarint()}
	if r.Bool() {
		m.promisedBy = ReadNode(r)
	}
	if m.Status < Joining || m.Status > Down || max(m.UpNumber, m.promised) > s.LastUp {
		r.Fail("member %v with status %d and up-number %d of %d", m.Node, m.Status, m.UpNumber, s.LastUp)
	}
	if len(s.members) > 0 && s.members[len(s.members)-1].Compare(m.Node) >= 0 {
		r.Fail("member %v out of order", m.Node)
	}
	count := r.Count(1)
	if count > rolesMax {
		r.Fail("%d roles", count)
		return
	}
	last := -1
	for range count {
		i := r.Uvarint()
		if i >= uint64(len(words.roles)) || int(i) <= last {
			r.Fail("role %d of %d", i, len(words.roles))
			return
		}
		last = int(i)
		m.Roles = append(m.Roles, words.roles[i])
	}
	switch at := r.Uvarint(); {
	case at > uint64(len(words.versions)):
		r.Fail("version %d of %d", at, len(words.versions))
		return
	case at > 0:
		m.AppVersion = words.versions[at-1]
	}
	clock, version, seen := r.Uvarint(), r.Uvarint(), r.Bool()
	if r.Err() != nil {
		return
	}
	s.members = append(s.members, m)
	if clock > 0 {
		s.clock.entries = append(s.clock.entries, clockEntry{m.Node, clock})
	}
	if version > 0 {
		s.reach.versions = append(s.reach.versions, observerVersion{m.Node, version})
	}
	if seen {
		s.seen = append(s.seen, m.Node)
	}
}

func readRecords(r *wire.Reader, s *State) {
	n := r.Count(4)
	if n > recordsMax {
		r.Fail("%d records, at most %d are allowed", n, recordsMax)
	}
	for range n {
		observer, subject := r.Uvarint(), r.Uvarint()
		status, version := ReachStatus(r.Byte()), r.Uvarint()
		count := uint64(len(s.members))
		if r.Err() != nil || observer >= count || subject >= count || status < Unreachable || status > Terminated {
			r.Fail("record of member %d about %d with status %d", observer, subject, status)
			return
		}
		rec := Record{s.members[observer].Node, s.members[subject].Node, status, version}
		if version == 0 || version > s.reach.Version(rec.Observer) {
			r.Fail("record version %d of %v is newer than the observer", version, rec.Observer)
			return
		}
		if last := len(s.reach.records) - 1; last >= 0 && compareRecords(s.reach.records[last], rec) >= 0 {
			r.Fail("record of %v about %v out of order", rec.Observer, rec.Subject)
			return
		}
		s.reach.records = append(s.reach.records, rec)
	}
}

func readTombs(r *wire.Reader, s *State) {
	n := r.Count(17)
	if n > tombsMax {
		r.Fail("%d tombstones, at most %d are allowed", n, tombsMax)
	}
	for range n {
		t := Tombstone{Node: ReadNode(r), At: int64(r.Uint64()), number: r.Uvarint(), given: r.Bool()}
		if r.Err() != nil {
			return
		}
		if last := len(s.tombs) - 1; last >= 0 && compareTombs(s.tombs[last], t) >= 0 {
			r.Fail("tombstone of %v out of order", t.Node)
			return
		}
		if t.number > s.LastUp || t.given && t.number == 0 {
			r.Fail("tombstone of %v with up-number %d of %d", t.Node, t.number, s.LastUp)
			return
		}
		if s.has(t.Node) || t.At <= s.Horizon {
			r.Fail("tombstone of %v, which is a member or was cleared away", t.Node)
			return
		}
		s.tombs = append(s.tombs, t)
	}
}

func appendStrings(b []byte, list []string) []byte {
	b = wire.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = wire.AppendString(b, s)
	}
	return b
}

// readStrings reads a list that is sorted and without doubles, of at most
// countMax non-empty strings of at most sizeMax bytes.
func readStrings(r *wire.Reader, countMax, sizeMax int) []string {
	n := r.Count(2)
	if n > countMax {
		r.Fail("%d strings, at most %d are allowed", n, countMax)
	}
	var out []string
	for range n {
		s := r.String()
		if r.Err() != nil {
			return nil
		}
		if s == "" || len(s) > sizeMax || len(out) > 0 && out[len(out)-1] >= s {
			r.Fail("string of %d bytes, or out of order", len(s))
			return nil
		}
		out = append(out, s)
	}
	return out
}
