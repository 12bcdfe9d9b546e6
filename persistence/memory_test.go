package persistence_test

import (
	"testing"

	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/persistencetest"
)

func TestMemoryJournal(t *testing.T) {
	persistencetest.Journal(t, func(testing.TB) persistence.Journal { return persistence.NewMemory() })
}

func TestMemorySnapshots(t *testing.T) {
	persistencetest.Snapshots(t, func(testing.TB) persistence.SnapshotStore { return persistence.NewMemory() })
}
