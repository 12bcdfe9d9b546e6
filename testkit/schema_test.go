package testkit

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// recorded is a test that doesn't end the test it runs in.
type recorded struct {
	testing.TB
	said   string
	failed bool
}

func (r *recorded) Helper()                      {}
func (r *recorded) Logf(f string, args ...any)   { r.said += fmt.Sprintf(f, args...) }
func (r *recorded) Errorf(f string, args ...any) { r.failed = true; r.Logf(f, args...) }
func (r *recorded) Fatalf(f string, args ...any) { r.Errorf(f, args...); panic(r) }
func (r *recorded) run(f func()) (ended *recorded) {
	defer func() {
		if v := recover(); v != nil && v != any(r) {
			panic(v)
		}
	}()
	f()
	return r
}

type orderOld struct {
	ID   int
	Note string
}

type orderNew struct {
	ID    string
	Lines []string
}

func TestSchemaShowsWhatHasChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "testdata", "messages.schema")
	old, young := codec.NewRegistry(), codec.NewRegistry()
	require.NoError(t, codec.Register[orderOld](old, "order.v1"))
	require.NoError(t, codec.Register[orderNew](young, "order.v1"))

	r := &recorded{TB: t}
	r.run(func() { schemaFile(r, old, file, false) })
	require.True(t, r.failed)
	require.Contains(t, r.said, "-schema.update")

	r = &recorded{TB: t}
	r.run(func() { schemaFile(r, old, file, true) })
	require.False(t, r.failed, r.said)
	r.run(func() { schemaFile(r, old, file, false) })
	require.False(t, r.failed, r.said)

	r.run(func() { schemaFile(r, young, file, false) })
	require.True(t, r.failed)
	require.Contains(t, r.said, "! order.v1: ID: string, was int")
	require.Contains(t, r.said, "+ order.v1: Lines: new, slice")
	require.Contains(t, r.said, "- order.v1: Note: gone")

	r = &recorded{TB: t}
	r.run(func() { schemaFile(r, young, file, true) })
	require.False(t, r.failed)
	require.Contains(t, r.said, "! order.v1: ID")
	r = &recorded{TB: t}
	r.run(func() { schemaFile(r, young, file, false) })
	require.False(t, r.failed, r.said)
}
