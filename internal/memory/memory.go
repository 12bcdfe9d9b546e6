package memory

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

// Limit returns the bytes to which Go's runtime keeps this process, by GOMEMLIMIT or
// debug.SetMemoryLimit; 0: there is no limit.
func Limit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return limit
	}
	return 0
}

// What the runtime measures. For the limit counts all that is not released.
const (
	total    = "/memory/classes/total:bytes"
	released = "/memory/classes/heap/released:bytes"
	free     = "/memory/classes/heap/free:bytes"
	unused   = "/memory/classes/heap/unused:bytes"
	objects  = "/memory/classes/heap/objects:bytes"
	live     = "/gc/heap/live:bytes"
	cycles   = "/gc/cycles/total:gc-cycles"
)

// Meter reads what the runtime measures. Make one with [NewMeter].
type Meter struct{ samples []metrics.Sample }

// NewMeter returns a meter.
func NewMeter() *Meter {
	m := &Meter{}
	for _, name := range []string{total, released, free, unused, objects, live, cycles} {
		m.samples = append(m.samples, metrics.Sample{Name: name})
	}
	return m
}

// Needed returns the bytes that a garbage collection would not give back, by what the
// last one has found alive, and how many there have been. What has become garbage or
// was allocated since doesn't show before the next. The size of the heap would say less:
// a process that is well lets it grow up to the limit before it collects.
func (m *Meter) Needed() (bytes int64, collections uint64) {
	metrics.Read(m.samples)
	at := func(i int) int64 {
		if v := m.samples[i].Value; v.Kind() == metrics.KindUint64 {
			return int64(min(v.Uint64(), math.MaxInt64))
		}
		return 0 // a runtime that doesn't know it any more
	}
	rest := at(0) - at(1) - at(2) - at(3) - at(4) // stacks, and the runtime's own
	return max(rest, 0) + at(5), uint64(at(6))
}
