package actor

import (
	"runtime"
	"sync"

	"github.com/troupe-go/troupe/internal/memory"
)

// Memory is the door through which a system learns how much memory there is: it decides
// by it what to take on. Production asks Go's runtime; tests and the simulator bring
// their own. Its methods are safe for concurrent use.
type Memory interface {
	// Limit returns the bytes that the process may have; 0: there is no limit.
	Limit() int64
	// Needed returns the bytes in use that a garbage collection would not give back,
	// as far as the last one has shown. It neither blocks nor allocates.
	Needed() int64
	// Collect sees to it that what has become garbage shows in Needed. It may take
	// a second, and is for whoever waits for memory to come back.
	Collect()
}

// processMemory is the memory of the process.
type processMemory struct {
	mu        sync.Mutex
	meter     *memory.Meter
	collected uint64 // collections when Collect was last called
}

func (m *processMemory) Limit() int64 { return memory.Limit() }

func (m *processMemory) Needed() int64 {
	needed, _ := m.read()
	return needed
}

func (m *processMemory) read() (needed int64, collections uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.meter == nil {
		m.meter = memory.NewMeter()
	}
	return m.meter.Needed()
}

// Collect leaves it to the runtime where that collects by itself.
func (m *processMemory) Collect() {
	_, collections := m.read()
	m.mu.Lock()
	idle := m.collected == collections
	m.collected = collections
	m.mu.Unlock()
	if idle {
		runtime.GC()
	}
}
