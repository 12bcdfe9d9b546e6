package membership

import "fmt"

// Input is what happens to a [Core]; it is one of the types below.
type Input interface{ input() }

type (
	// Tick says that time has passed; see [Core.Next].
	Tick struct{}
	// Start begins to join through the seeds of the config. Without seeds it
	// does nothing.
	Start struct{}
	// JoinNode joins through the member at Addr, which is asked until it lets
	// this node in; this node's own address forms a cluster at once. Other
	// seeds are forgotten. It is ignored once the node has joined.
	JoinNode struct{ Addr string }
	// JoinSeeds joins through other seeds than those of the config. It is
	// ignored once the node has joined.
	JoinSeeds struct{ Addrs []string }
	// SetVersion sets the version of the application. It is ignored once the
	// node has begun to join.
	SetVersion struct{ AppVersion string }
	// Received is a message of another core.
	Received struct{ Message Message }
	// NoAnswer says that the node at Addr could not be connected to. It counts for
	// seeds only.
	NoAnswer struct {
		Addr string
		UID  uint64 // of the incarnation there, 0 if that isn't known
		// Why is what it does instead, in words: "refuses the connection".
		Why string
		// Refused says that nothing runs there, Self that it is this node, which is
		// known by another address, Gone that it holds this incarnation for dead.
		Refused, Self, Gone bool
	}
	// Lost says that a connection to the node at Addr has ended that was open.
	Lost struct{ Addr string }
	// Met says that this incarnation has answered at its address.
	Met struct{ Node Node }
	// Observed is the word of this node's failure detector. Nodes that
	// aren't members are skipped.
	Observed struct{ Unreachable, Reachable []Node }
	// Quarantined says that this node will hear no more of Node.
	Quarantined struct{ Node Node }
	// QuarantinedBy says that Node wants to hear no more of this node. If it
	// is a member, this node downs itself: the others have gone on without. A
	// node on its way into the cluster ends.
	QuarantinedBy struct{ Node Node }
	// Leave asks the member at Addr, often this node itself, to leave.
	Leave struct{ Addr string }
	// PrepareShutdown says that the whole cluster is about to be shut down.
	PrepareShutdown struct{}
	// DownAt declares the member at Addr dead, of whichever incarnation.
	DownAt struct{ Addr string }
	// DownNodes declares members dead, all in one change.
	DownNodes struct{ Nodes []Node }
	// ExitDone says that this node has done what it does when it exits.
	ExitDone struct{}
)

func (Tick) input()            {}
func (Start) input()           {}
func (JoinNode) input()        {}
func (JoinSeeds) input()       {}
func (SetVersion) input()      {}
func (Received) input()        {}
func (NoAnswer) input()        {}
func (Lost) input()            {}
func (Met) input()             {}
func (Observed) input()        {}
func (Quarantined) input()     {}
func (QuarantinedBy) input()   {}
func (Leave) input()           {}
func (DownAt) input()          {}
func (PrepareShutdown) input() {}
func (DownNodes) input()       {}
func (ExitDone) input()        {}

// Effect is what the owner of a [Core] must carry out, in the order given; it
// is one of the types below.
type Effect interface{ effect() }

type (
	// Send sends a message to the core of a node. UID 0 in To means
	// whichever incarnation is there.
	Send struct {
		To      Node
		Message Message
	}
	// Changed says that the view has changed; Events may be empty.
	Changed struct {
		View   View
		Events []Event
	}
	// Joined says that this node was let into a cluster, or formed one. It
	// must begin to send heartbeats now.
	Joined struct{}
	// ExitStarted says that this node is Exiting: it must hand over what is
	// left and then say [ExitDone].
	ExitStarted struct{}
	// Shutdown is the last effect of a core: the node is in no cluster any
	// more and must stop its work.
	Shutdown struct {
		Reason Reason
		// Detail explains the reason in words; may be empty.
		Detail string
	}
	// Look asks who is at an address: the answer is [Met] for an incarnation that
	// was not known yet, [NoAnswer] if nobody is there.
	Look struct{ Addr string }
	// Warning is for the log.
	Warning struct{ Text string }
	// Note is for the log, too, and nothing to worry about.
	Note struct{ Text string }
)

func (Send) effect()        {}
func (Changed) effect()     {}
func (Joined) effect()      {}
func (ExitStarted) effect() {}
func (Shutdown) effect()    {}
func (Look) effect()        {}
func (Warning) effect()     {}
func (Note) effect()        {}

// Reason says why a node is in no cluster any more.
type Reason uint8

// The reasons.
const (
	// Left: it was asked to leave and did.
	Left Reason = iota + 1
	// Downed: it was declared dead, by itself or by others.
	Downed
	// Evicted: the others removed it; it learned so afterwards.
	Evicted
	// Incompatible: the cluster won't have it, see the detail.
	Incompatible
	// NotJoined: it found no cluster to join in the time it had for that, see
	// the detail.
	NotJoined
	// Failed: what ran its membership failed. A [Core] never tells this; its
	// owner may.
	Failed
	// Superseded: its cluster has met an older one of the same name, see the detail.
	Superseded
)

// String returns the reason in lower case.
func (r Reason) String() string {
	switch r {
	case Left:
		return "left"
	case Downed:
		return "downed"
	case Evicted:
		return "removed by the others"
	case Incompatible:
		return "incompatible with the cluster"
	case NotJoined:
		return "found no cluster"
	case Failed:
		return "failed"
	case Superseded:
		return "gave way to an older cluster"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}
