package persistence

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
)

func summed() Event {
	return Event{
		PersistenceID: "account|alice", Seq: 7, Epoch: actor.Epoch{Cluster: 1, Node: 2, Count: 3},
		Name: "bank.Deposited.v1", Payload: []byte{1, 2, 3},
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Tags: []string{"a", "b"},
	}
}

// The sums are in the databases of users.
func TestChecksumNeverChanges(t *testing.T) {
	require.Equal(t, uint32(0xaae41b81), summed().Checksum())
	require.Equal(t, uint32(0xb50d17c1), Event{}.Checksum())
	require.Equal(t, uint32(0xef287855), Snapshot{PersistenceID: "x", Seq: 1, Name: "n", Payload: []byte("p")}.Checksum())
}

func TestChecksumCoversEveryField(t *testing.T) {
	for name, change := range map[string]func(e *Event){
		"id":            func(e *Event) { e.PersistenceID += "x" },
		"seq":           func(e *Event) { e.Seq++ },
		"epoch cluster": func(e *Event) { e.Epoch.Cluster++ },
		"epoch node":    func(e *Event) { e.Epoch.Node++ },
		"epoch count":   func(e *Event) { e.Epoch.Count++ },
		"name":          func(e *Event) { e.Name += "x" },
		"payload":       func(e *Event) { e.Payload[2]++ },
		"time":          func(e *Event) { e.Time = e.Time.Add(1) },
		"no time":       func(e *Event) { e.Time = time.Time{} },
		"tag":           func(e *Event) { e.Tags[1] = "c" },
		"tag count":     func(e *Event) { e.Tags = e.Tags[:1] },
		"a byte moves from the name to the payload": func(e *Event) {
			e.Payload = append([]byte{e.Name[len(e.Name)-1]}, e.Payload...)
			e.Name = e.Name[:len(e.Name)-1]
		},
	} {
		e := summed()
		change(&e)
		require.NotEqual(t, summed().Checksum(), e.Checksum(), name)
	}
	zoned := summed()
	zoned.Time = zoned.Time.In(time.FixedZone("X", 3600))
	require.Equal(t, summed().Checksum(), zoned.Checksum(), "the zone is not stored")
}

func TestHead(t *testing.T) {
	old, now := actor.Epoch{Cluster: 1, Count: 1}, actor.Epoch{Cluster: 1, Count: 2}
	at5 := Head{Highest: 5, DeletedTo: 2, Fence: now}
	events := func(first, last uint64) (events []Event) {
		for seq := first; seq <= last; seq++ {
			events = append(events, Event{Seq: seq})
		}
		return events
	}
	for name, c := range map[string]struct {
		do   func() (Head, error)
		want Head
		err  error
	}{
		"claim by the owner":            {func() (Head, error) { return at5.Claim("x", now) }, at5, nil},
		"claim by an older one":         {func() (Head, error) { return at5.Claim("x", old) }, at5, ErrFenced},
		"claim by a newer one":          {func() (Head, error) { return at5.Claim("x", now.Next()) }, Head{5, 2, now.Next()}, nil},
		"claim without an epoch":        {func() (Head, error) { return at5.Claim("x", actor.Epoch{}) }, at5, ErrFenced},
		"append of the next two":        {func() (Head, error) { return at5.Append("x", now, events(6, 7)) }, Head{7, 2, now}, nil},
		"append with a gap":             {func() (Head, error) { return at5.Append("x", now, events(7, 7)) }, at5, ErrConflict},
		"append of an old number":       {func() (Head, error) { return at5.Append("x", now.Next(), events(5, 6)) }, at5, ErrConflict},
		"append by an older one":        {func() (Head, error) { return at5.Append("x", old, events(6, 6)) }, at5, ErrFenced},
		"append of nothing":             {func() (Head, error) { return at5.Append("x", now, nil) }, at5, nil},
		"append of nothing by an older": {func() (Head, error) { return at5.Append("x", old, nil) }, at5, ErrFenced},
		"delete to 4":                   {func() (Head, error) { return at5.Delete("x", now, 4) }, Head{5, 4, now}, nil},
		"delete to 1, already gone":     {func() (Head, error) { return at5.Delete("x", now, 1) }, at5, nil},
		"delete beyond the end":         {func() (Head, error) { return at5.Delete("x", now, 99) }, Head{5, 5, now}, nil},
		"delete by an older one":        {func() (Head, error) { return at5.Delete("x", old, 4) }, at5, ErrFenced},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.do()
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestErrorsSayWhoAndWhat(t *testing.T) {
	_, err := Head{Highest: 5}.Append("account|alice", actor.Epoch{}, []Event{{Seq: 9}})
	require.EqualError(t, err, `"account|alice": sequence number conflict: event 9 was to be appended, the journal is at 5`)
	require.ErrorContains(t, CheckAppend(strings.Repeat("x", IDMax+1), nil), "1025 bytes, at most 1024")
}
