package persistence

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"
	"unicode/utf8"

	"github.com/troupe-go/troupe/actor"
)

// Bounds of what a journal or a snapshot store takes. They hold for every
// plug-in, so that a program that works with one works with the others.
const (
	// IDMax is the longest persistence id in bytes.
	IDMax = 1024
	// NameMax is the longest name of an event or snapshot in bytes.
	NameMax = 255
	// PayloadMax is the largest payload of one event in bytes.
	PayloadMax = 1 << 20
	// AppendMax is the largest number of events of one append.
	AppendMax = 10_000
	// AppendBytesMax is the largest sum of the payloads of one append.
	AppendBytesMax = 16 << 20
	// TagsMax is the largest number of tags of one event, each of NameMax bytes at most.
	TagsMax = 32
	// SnapshotMax is the largest payload of a snapshot in bytes.
	SnapshotMax = 64 << 20
	// SeqMax is the largest sequence number.
	SeqMax uint64 = math.MaxInt64
)

// Event is one stored fact about one persistence id. The payload is opaque
// here: package codec made it and reads it under Name.
type Event struct {
	// PersistenceID says whose event it is. A journal fills it in; an append
	// ignores it and takes the id of the call.
	PersistenceID string
	// Seq numbers the events of one id without gaps, from 1.
	Seq uint64
	// Epoch is the fencing epoch under which the event was written. A journal
	// fills it in; an append ignores it and takes the epoch of the call.
	Epoch actor.Epoch
	// Name is the stable name under which the payload is decoded.
	Name string
	// Payload is the encoded event.
	Payload []byte
	// Time is when the event happened by the writer's clock, kept to the
	// nanosecond and returned in UTC. The zero time is kept as such. It must
	// lie in the years 1678 to 2261.
	Time time.Time
	// Tags group events of many ids for readers; order is kept.
	Tags []string
}

// Snapshot is the state of one persistence id after the event Seq.
type Snapshot struct {
	// PersistenceID says whose state it is.
	PersistenceID string
	// Seq is the last event that the state contains.
	Seq uint64
	// Epoch is the fencing epoch under which the snapshot was taken.
	Epoch actor.Epoch
	// Name is the stable name under which the payload is decoded.
	Name string
	// Payload is the encoded state.
	Payload []byte
	// Time is when the snapshot was taken; the rules are those of [Event].
	Time time.Time
	// Skipped is set by a load: so many newer snapshots were passed over
	// because they are corrupt.
	Skipped int
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC-32C of everything that a journal keeps of e. Stores
// save it with the event and compare it when the event is read. The tests pin
// its value for a known event: it must never change.
func (e Event) Checksum() uint32 {
	sum := checksum(e.PersistenceID, e.Seq, e.Epoch, e.Name, e.Time, e.Payload)
	for _, tag := range e.Tags {
		sum = addString(sum, tag)
	}
	return sum
}

// Checksum returns the CRC-32C of everything that a store keeps of s, as
// [Event.Checksum] does.
func (s Snapshot) Checksum() uint32 {
	return checksum(s.PersistenceID, s.Seq, s.Epoch, s.Name, s.Time, s.Payload)
}

func checksum(id string, seq uint64, epoch actor.Epoch, name string, at time.Time, payload []byte) uint32 {
	var fixed [40]byte
	for i, v := range [...]uint64{seq, epoch.Cluster, epoch.Node, epoch.Count, uint64(stamp(at))} {
		binary.BigEndian.PutUint64(fixed[8*i:], v)
	}
	sum := crc32.Update(0, castagnoli, fixed[:])
	sum = addString(sum, id)
	sum = addString(sum, name)
	return addBytes(sum, payload)
}

// addBytes also feeds the length, so that bytes can't move from one field to
// the next unnoticed.
func addBytes(sum uint32, p []byte) uint32 {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(p)))
	return crc32.Update(crc32.Update(sum, castagnoli, length[:]), castagnoli, p)
}

func addString(sum uint32, s string) uint32 { return addBytes(sum, []byte(s)) }

// stamp is the time as it is stored and summed: Unix nanoseconds, and the
// smallest number for the zero time.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixNano()
}

// CheckID reports whether a store may take id as a persistence id: an error
// wraps [ErrInvalid] and says what is wrong.
func CheckID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%w: the persistence id is empty", ErrInvalid)
	case len(id) > IDMax:
		return fmt.Errorf("%w: persistence id of %d bytes, at most %d are allowed", ErrInvalid, len(id), IDMax)
	case !utf8.ValidString(id):
		return fmt.Errorf("%w: persistence id %q is not valid UTF-8", ErrInvalid, id)
	}
	return nil
}

// Check reports whether a store may take s: an error wraps [ErrInvalid] and
// says what is wrong.
func (s Snapshot) Check() error {
	if err := CheckID(s.PersistenceID); err != nil {
		return err
	}
	switch {
	case s.Seq == 0 || s.Seq > SeqMax:
		return fmt.Errorf("%w: snapshot of %q has sequence number %d", ErrInvalid, s.PersistenceID, s.Seq)
	case len(s.Payload) > SnapshotMax:
		return fmt.Errorf("%w: snapshot of %q has %d bytes, at most %d are allowed",
			ErrInvalid, s.PersistenceID, len(s.Payload), SnapshotMax)
	}
	return checkName("snapshot", s.PersistenceID, s.Name)
}

func checkName(kind, id, name string) error {
	if name == "" || len(name) > NameMax || !utf8.ValidString(name) {
		return fmt.Errorf("%w: %s of %q has the name %.300q; 1 to %d bytes of UTF-8 are allowed",
			ErrInvalid, kind, id, name, NameMax)
	}
	return nil
}

// CheckAppend reports whether events may be appended to id as far as the
// arguments alone can tell: an error wraps [ErrInvalid] and says what is
// wrong. Whether they fit to what is stored is for [Head.Append].
func CheckAppend(id string, events []Event) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if len(events) > AppendMax {
		return fmt.Errorf("%w: append of %d events to %q, at most %d are allowed", ErrInvalid, len(events), id, AppendMax)
	}
	bytes := 0
	for i := range events {
		e := &events[i]
		bytes += len(e.Payload)
		switch {
		case e.Seq == 0 || e.Seq > SeqMax:
			return fmt.Errorf("%w: event of %q has sequence number %d", ErrInvalid, id, e.Seq)
		case e.Seq != events[0].Seq+uint64(i):
			return fmt.Errorf("%w: event %d of the append to %q has sequence number %d, want %d",
				ErrInvalid, i, id, e.Seq, events[0].Seq+uint64(i))
		case len(e.Payload) > PayloadMax:
			return fmt.Errorf("%w: event %d of %q has %d bytes, at most %d are allowed",
				ErrInvalid, e.Seq, id, len(e.Payload), PayloadMax)
		case len(e.Tags) > TagsMax:
			return fmt.Errorf("%w: event %d of %q has %d tags, at most %d are allowed",
				ErrInvalid, e.Seq, id, len(e.Tags), TagsMax)
		}
		if err := checkName("event", id, e.Name); err != nil {
			return err
		}
		for _, tag := range e.Tags {
			if err := checkName("tag", id, tag); err != nil {
				return err
			}
		}
	}
	if bytes > AppendBytesMax {
		return fmt.Errorf("%w: append of %d bytes to %q, at most %d are allowed", ErrInvalid, bytes, id, AppendBytesMax)
	}
	return nil
}
