package sqlite

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

const epochBytes = 24

func encodeEpoch(e actor.Epoch) []byte {
	b := make([]byte, 0, epochBytes)
	b = binary.BigEndian.AppendUint64(b, e.Cluster)
	b = binary.BigEndian.AppendUint64(b, e.Node)
	return binary.BigEndian.AppendUint64(b, e.Count)
}

func decodeEpoch(b []byte) (actor.Epoch, error) {
	if len(b) != epochBytes {
		return actor.Epoch{}, fmt.Errorf("%w: epoch of %d bytes", persistence.ErrCorrupt, len(b))
	}
	return actor.Epoch{
		Cluster: binary.BigEndian.Uint64(b),
		Node:    binary.BigEndian.Uint64(b[8:]),
		Count:   binary.BigEndian.Uint64(b[16:]),
	}, nil
}

// encodeTime returns Unix nanoseconds, NULL for the zero time.
func encodeTime(t time.Time) sql.NullInt64 {
	if t.IsZero() {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixNano(), Valid: true}
}

func decodeTime(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return time.Unix(0, v.Int64).UTC()
}

// encodeTags returns a JSON array, NULL for no tags.
func encodeTags(tags []string) (sql.NullString, error) {
	if len(tags) == 0 {
		return sql.NullString{}, nil
	}
	b, err := json.Marshal(tags)
	return sql.NullString{String: string(b), Valid: true}, err
}

func decodeTags(v sql.NullString) ([]string, error) {
	if !v.Valid {
		return nil, nil
	}
	var tags []string
	if err := json.Unmarshal([]byte(v.String), &tags); err != nil {
		return nil, fmt.Errorf("%w: tags are not an array of strings", persistence.ErrCorrupt)
	}
	return tags, nil
}

// blob is p as a column that must not be NULL.
func blob(p []byte) []byte {
	if p == nil {
		return []byte{}
	}
	return p
}

// eventRows returns the columns of events after the head's key, and the bytes
// that they take.
func eventRows(id string, epoch actor.Epoch, events []persistence.Event) (rows [][]any, size int, err error) {
	fence := encodeEpoch(epoch)
	rows = make([][]any, len(events))
	for i, e := range events {
		e.PersistenceID, e.Epoch = id, epoch
		tags, err := encodeTags(e.Tags)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: tags: %w", persistence.ErrInvalid, err)
		}
		rows[i] = []any{nil, bounded(e.Seq), fence, e.Name, blob(e.Payload), encodeTime(e.Time), tags, int64(e.Checksum())}
		size += len(e.Payload)
	}
	return rows, size, nil
}

func snapshotRow(s persistence.Snapshot) []any {
	return []any{bounded(s.Seq), encodeEpoch(s.Epoch), s.Name, blob(s.Payload), encodeTime(s.Time), int64(s.Checksum())}
}

// eventColumns are the columns of one event as the database returns them; all
// may be NULL, because a head without matching events is one row too.
type eventColumns struct {
	seq     sql.NullInt64
	epoch   []byte
	name    sql.NullString
	payload []byte
	at      sql.NullInt64
	tags    sql.NullString
	crc     sql.NullInt64
}

func (c *eventColumns) into() []any {
	return []any{&c.seq, &c.epoch, &c.name, &c.payload, &c.at, &c.tags, &c.crc}
}

// event decodes the columns and compares the checksum.
func (c *eventColumns) event(id string) (persistence.Event, error) {
	fail := func(err error) (persistence.Event, error) {
		return persistence.Event{}, fmt.Errorf("event %d of %q: %w", c.seq.Int64, id, err)
	}
	if c.seq.Int64 <= 0 {
		return fail(fmt.Errorf("%w: no sequence number", persistence.ErrCorrupt))
	}
	epoch, err := decodeEpoch(c.epoch)
	if err != nil {
		return fail(err)
	}
	tags, err := decodeTags(c.tags)
	if err != nil {
		return fail(err)
	}
	e := persistence.Event{
		PersistenceID: id, Seq: uint64(c.seq.Int64), Epoch: epoch, Name: c.name.String,
		Payload: c.payload, Time: decodeTime(c.at), Tags: tags,
	}
	if sum := e.Checksum(); int64(sum) != c.crc.Int64 {
		return fail(fmt.Errorf("%w: checksum is %08x, stored is %08x", persistence.ErrCorrupt, sum, c.crc.Int64))
	}
	return e, nil
}

// snapshotColumns are the columns of one snapshot.
type snapshotColumns struct {
	seq     int64
	epoch   []byte
	name    string
	payload []byte
	at      sql.NullInt64
	crc     int64
}

func (c *snapshotColumns) into() []any {
	return []any{&c.seq, &c.epoch, &c.name, &c.payload, &c.at, &c.crc}
}

// snapshot decodes the columns and compares the checksum.
func (c *snapshotColumns) snapshot(id string) (persistence.Snapshot, error) {
	epoch, err := decodeEpoch(c.epoch)
	if err != nil {
		return persistence.Snapshot{}, err
	}
	s := persistence.Snapshot{
		PersistenceID: id, Seq: uint64(c.seq), Epoch: epoch, Name: c.name, Payload: c.payload, Time: decodeTime(c.at),
	}
	if int64(s.Checksum()) != c.crc {
		return persistence.Snapshot{}, fmt.Errorf("snapshot %d of %q: %w: checksum differs", c.seq, id, persistence.ErrCorrupt)
	}
	return s, nil
}
