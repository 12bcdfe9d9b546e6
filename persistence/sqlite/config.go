package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Durability says what an acknowledged write survives.
type Durability uint8

const (
	// PowerLoss: an acknowledged write survives a kill -9, a crash of the
	// operating system and the loss of power, as far as the disk keeps its
	// word. Every commit waits for the disk once (synchronous=FULL).
	PowerLoss Durability = iota
	// ProcessCrash: an acknowledged write survives a kill -9 and any other
	// end of the process. When the operating system or the power fails, the
	// last writes may be gone, though the file stays sound and no write is
	// kept without all the earlier ones (synchronous=NORMAL).
	ProcessCrash
)

// String returns the name of the constant.
func (d Durability) String() string {
	switch d {
	case PowerLoss:
		return "PowerLoss"
	case ProcessCrash:
		return "ProcessCrash"
	}
	return fmt.Sprintf("Durability(%d)", uint8(d))
}

// Config is how a [Store] works. The zero value is for production.
type Config struct {
	// Durability says what an acknowledged write survives; PowerLoss by
	// default. ProcessCrash makes a commit several times faster on most
	// disks, which matters to a single writer more than to a hundred, since
	// those share their commits anyway.
	Durability Durability
	// BusyTimeout is for how long a write waits while another process
	// writes; 5 s by default. After it the call fails with
	// persistence.ErrUnavailable. Raised, a stuck process holds up its
	// neighbours for longer; lowered, a burst of writes of one process makes
	// those of the others fail. A call's own context can end its wait sooner.
	BusyTimeout time.Duration
	// QueueMax is how many writes may wait for the writer; 4096 by default.
	// Beyond it callers wait for room as long as their context lets them.
	// Raised, more memory is held by waiting events; lowered, callers block
	// sooner.
	QueueMax int
	// BatchMax is how many writes one transaction takes at most; 512 by
	// default. Raised, throughput grows a little and so does the time for
	// which other processes are locked out; 1 gives every write its own
	// transaction.
	BatchMax int
	// Readers is how many connections read at the same time; 4 by default.
	// Raised, more recoveries run side by side, for about 2 MiB of memory
	// each; lowered, they queue.
	Readers int
	// Owner is who the file belongs to: a text that stays the same for the life of a
	// cluster, through all its restarts, and that no other cluster has, such as its
	// name with the address of its first seed. The first owner that opens the
	// file gets it, and from then on nobody else can open it as an owner or write
	// to it. Default empty: the caller is nobody in particular, may read every file
	// and write to those that have no owner.
	Owner string
	// TakeOverFrom is the owner from whom Owner takes the file over; empty takes
	// nothing over. All that still runs of the former owner fails with its next
	// write. It does nothing to a file that has another owner, or has Owner
	// already, so it can stay set.
	TakeOverFrom string
	// OnChange is called with the error when the store begins to fail, and with
	// nil when it works again, at most twice a second; nil calls nothing. It
	// keeps the writer waiting, so it must be quick and not use the store.
	OnChange func(err error)
}

// ownerMax is the longest owner in bytes.
const ownerMax = 1024

// batchBytesMax bounds the payloads of one transaction, so that the lock is
// not held for long and the write-ahead log stays small. One write may exceed it.
const batchBytesMax = 8 << 20

func (c Config) busyTimeout() time.Duration { return cmp.Or(c.BusyTimeout, 5*time.Second) }
func (c Config) queueMax() int              { return cmp.Or(c.QueueMax, 4096) }
func (c Config) batchMax() int              { return cmp.Or(c.BatchMax, 512) }
func (c Config) readers() int               { return cmp.Or(c.Readers, 4) }

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	switch {
	case c.Durability > ProcessCrash:
		return fmt.Errorf("Durability is %v; choose PowerLoss or ProcessCrash", c.Durability)
	case c.BusyTimeout < 0:
		return fmt.Errorf("BusyTimeout is %v; it can't be negative", c.BusyTimeout)
	case c.QueueMax < 0 || c.QueueMax > 1<<20:
		return fmt.Errorf("QueueMax is %d; choose 1 to %d, or 0 for the default", c.QueueMax, 1<<20)
	case c.BatchMax < 0 || c.BatchMax > 1<<16:
		return fmt.Errorf("BatchMax is %d; choose 1 to %d, or 0 for the default", c.BatchMax, 1<<16)
	case c.Readers < 0 || c.Readers > 1024:
		return fmt.Errorf("Readers is %d; choose 1 to 1024, or 0 for the default", c.Readers)
	case len(c.Owner) > ownerMax || !utf8.ValidString(c.Owner):
		return fmt.Errorf("Owner has %d bytes; choose a text of at most %d", len(c.Owner), ownerMax)
	case c.TakeOverFrom != "" && c.Owner == "":
		return errors.New("TakeOverFrom is set without Owner; say who takes the file over")
	}
	return nil
}
