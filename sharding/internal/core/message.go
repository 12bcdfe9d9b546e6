package core

import (
	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
)

// Node is an incarnation of a node; there is one region per node and type, so
// it names the region too.
type Node = membership.Node

// Grant is the right to host a shard.
type Grant struct {
	Shard uint32
	Epoch actor.Epoch
}

// Hosted is a grant in use.
type Hosted struct {
	Grant
	// Stopping: the entities are stopping, for a hand-off.
	Stopping bool
}

// Home says which region hosts a shard, and under which epoch.
type Home struct {
	Shard uint32
	Node  Node
	Epoch actor.Epoch
}

// Head begins every message between a region and a coordinator.
type Head struct {
	// From is the sender's node.
	From Node
	// Term is the coordinator's term; from a region the newest it knows.
	Term actor.Epoch
	// Seq grows with every message of one sender (of a coordinator: in its
	// term). What comes late is dropped, so that only loss has to be dealt
	// with.
	Seq uint64
}

// Messages of a region to the coordinator.
type (
	// Register says what the region is and hosts. It is repeated, and sent
	// at once when a coordinator asks.
	Register struct {
		Head
		// Shards is the number of shards it knows of; all must have the same.
		Shards uint32
		// Proxy: the region hosts nothing, ever.
		Proxy bool
		// Leaving: its shards are to be handed over.
		Leaving bool
		Hosted  []Hosted
	}
	// GetHomes asks where shards are; messages wait for the answer.
	GetHomes struct {
		Head
		Shards []uint32
	}
	// Started says that the region hosts the shard under the grant.
	Started struct {
		Head
		Grant Grant
	}
	// Stopped says that it doesn't (any more).
	Stopped struct {
		Head
		Grant Grant
	}
	// Held says, from the owner, that everything Region sent to the shard
	// before it began to hold messages back has arrived.
	Held struct {
		Head
		Grant  Grant
		Region Node
	}
)

// Messages of the coordinator to a region.
type (
	// Query asks the region to register.
	Query struct{ Head }
	// Registered answers a Register.
	Registered struct{ Head }
	// Homes says where shards are.
	Homes struct {
		Head
		Homes []Home
	}
	// Host grants a shard.
	Host struct {
		Head
		Grant Grant
	}
	// BeginHandOff asks a region to hold back messages for a shard.
	BeginHandOff struct {
		Head
		Grant Grant
		Owner Node
	}
	// HandOff asks the owner to stop the shard.
	HandOff struct {
		Head
		Grant Grant
	}
	// Released tells a leaving region that nothing is its any more.
	Released struct{ Head }
)

// Messages between regions.
type (
	// LastSent is the marker behind the last message that a region sent to
	// the owner of a shard. It travels with them.
	LastSent struct {
		Head
		Grant Grant
	}
	// Retired promises that the region hosts nothing and never will again.
	Retired struct{ From Node }
)

// Effect is something for the shell to carry out, in order.
type Effect interface{ isEffect() }

type (
	// Send sends a protocol message to the region (or to the coordinator
	// beside it) of a node.
	Send struct {
		To  Node
		Msg any
	}
	// Hold keeps messages for the shard that come from this node's actors.
	Hold struct{ Shard uint32 }
	// Open sends what was held to the node, in order, and then everything
	// straight on.
	Open struct {
		Shard uint32
		Node  Node
	}
	// Close drops what is held for the shard and whatever comes for it: this
	// node has ended, or leaves when nobody is left who could take it.
	Close struct{ Shard uint32 }
	// StartShard begins to host the shard; at once.
	StartShard struct{ Grant Grant }
	// StopShard stops its entities; the shell answers with ShardStopped.
	// Now means without handling what waits in their mailboxes.
	StopShard struct {
		Shard uint32
		Now   bool
	}
	// LeaveDone says that the region has nothing left to hand over.
	LeaveDone struct{}
	// Note is an event for the log.
	Note struct {
		Warn bool
		Text string
		Node Node
		// Shard is -1 when the note is not about one.
		Shard int
	}
)

func (Send) isEffect()       {}
func (Hold) isEffect()       {}
func (Open) isEffect()       {}
func (Close) isEffect()      {}
func (StartShard) isEffect() {}
func (StopShard) isEffect()  {}
func (LeaveDone) isEffect()  {}
func (Note) isEffect()       {}
