package bound_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/internal/bound"
)

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

var sink []byte

func TestAllocation(t *testing.T) {
	for title, c := range map[string]struct {
		input, allocates int
		failed           bool
	}{
		"nothing":                {0, 0, false},
		"in proportion":          {100 << 10, 200 << 10, false},
		"within the slack":       {1, 60 << 10, false},
		"out of proportion":      {100 << 10, 400 << 10, true},
		"much for a short input": {1, 80 << 10, true},
	} {
		t.Run(title, func(t *testing.T) {
			r := &recorder{TB: t}
			bound.Allocation(r, c.input, func() { sink = make([]byte, c.allocates) })
			require.Equal(t, c.failed, r.failed)
		})
	}
}
