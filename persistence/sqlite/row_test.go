package sqlite

import (
	"database/sql"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/persistence"
)

// yield lets other goroutines run while a test waits for a queue that
// it can only look at.
func yield() { runtime.Gosched() }

// Whatever is in a row, decoding it is an error or yields an event that would
// be stored as the same row.
func FuzzEventRow(f *testing.F) {
	good := persistence.Event{
		PersistenceID: "x", Seq: 3, Epoch: actor.Epoch{Cluster: 1, Node: 2, Count: 3},
		Name: "n", Payload: []byte("p"), Time: time.Unix(5, 6), Tags: []string{"a", "b"},
	}
	f.Add(int64(3), encodeEpoch(good.Epoch), "n", []byte("p"), good.Time.UnixNano(), true, `["a","b"]`, true, int64(good.Checksum()))
	f.Add(int64(-1), []byte{}, "", []byte(nil), int64(0), false, "null", true, int64(0))
	f.Add(int64(1), make([]byte, 24), "", []byte(nil), int64(0), false, `[["deep"]]`, true, int64(-1))
	f.Fuzz(func(t *testing.T, seq int64, epoch []byte, name string, payload []byte, at int64, hasAt bool, tags string, hasTags bool, crc int64) {
		c := eventColumns{
			seq:   sql.NullInt64{Int64: seq, Valid: true},
			epoch: epoch, payload: payload,
			name: sql.NullString{String: name, Valid: true},
			at:   sql.NullInt64{Int64: at, Valid: hasAt},
			tags: sql.NullString{String: tags, Valid: hasTags},
			crc:  sql.NullInt64{Int64: crc, Valid: true},
		}
		e, err := c.event("x")
		if err != nil {
			require.ErrorIs(t, err, persistence.ErrCorrupt)
			return
		}
		rows, _, err := eventRows("x", e.Epoch, []persistence.Event{e})
		require.NoError(t, err)
		require.Equal(t, seq, rows[0][1])
		require.Equal(t, epoch, rows[0][2])
		require.Equal(t, name, rows[0][3])
		require.Equal(t, blob(payload), rows[0][4])
		require.Equal(t, crc, rows[0][7])
	})
}
