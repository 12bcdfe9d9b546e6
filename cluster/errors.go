package cluster

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/cluster/membership"
)

// Why a node is in no cluster any more, to be tested with errors.Is on what
// [Cluster.Err] returns.
var (
	// ErrLeft: it was asked to leave and did.
	ErrLeft = errors.New("left the cluster")
	// ErrDowned: it was declared dead, by itself or by others. Start the
	// process anew: it joins as another incarnation.
	ErrDowned = errors.New("declared dead")
	// ErrEvicted: the others removed it while it couldn't hear them. Start the
	// process anew.
	ErrEvicted = errors.New("removed by the other members")
	// ErrIncompatible: the cluster won't have it; the error says why.
	ErrIncompatible = errors.New("incompatible with the cluster")
	// ErrNotJoined: it found no cluster in the time of
	// [membership.Config.GiveUpAfter]; the error says what it heard of the seeds.
	ErrNotJoined = errors.New("found no cluster")
	// ErrSuperseded: its cluster has met an older one of the same name and has given
	// way; see [membership.Config.YieldFor]. Start the process anew: it joins the
	// older one.
	ErrSuperseded = errors.New("gave way to an older cluster of the same name")
	// ErrFailed: the actor that runs the membership of this node failed.
	ErrFailed = errors.New("membership failed")
)

// ErrNoMember says that an order is about a node that is no member.
var ErrNoMember = errors.New("no such member")

// The exit codes that [ExitCode] knows.
const (
	// ExitLeft: the node has left in order, or nothing went wrong at all.
	ExitLeft = 0
	// ExitError: any error that isn't about the membership, or [ErrFailed].
	ExitError = 1
	// ExitDowned: [ErrDowned], [ErrEvicted] or [ErrSuperseded]. Start the process
	// anew.
	ExitDowned = 3
	// ExitIncompatible: [ErrIncompatible]. Starting anew doesn't help; the
	// configuration has to change.
	ExitIncompatible = 4
	// ExitNotJoined: [ErrNotJoined]. Start the process anew, later.
	ExitNotJoined = 5
)

// ExitCode returns the code with which a process should end whose node ended
// with err, so that whoever runs it can tell what to do. Nothing here exits.
func ExitCode(err error) int {
	switch {
	case err == nil || errors.Is(err, ErrLeft):
		return ExitLeft
	case errors.Is(err, ErrDowned) || errors.Is(err, ErrEvicted) || errors.Is(err, ErrSuperseded):
		return ExitDowned
	case errors.Is(err, ErrIncompatible):
		return ExitIncompatible
	case errors.Is(err, ErrNotJoined):
		return ExitNotJoined
	}
	return ExitError
}

var reasonErrors = map[membership.Reason]error{
	membership.Left: ErrLeft, membership.Downed: ErrDowned, membership.Evicted: ErrEvicted,
	membership.Incompatible: ErrIncompatible, membership.Failed: ErrFailed,
	membership.NotJoined: ErrNotJoined, membership.Superseded: ErrSuperseded,
}

// endError is the error of a node that has ended.
func endError(self membership.Node, e membership.Ended) error {
	err := fmt.Errorf("node %v: %w", self, reasonErrors[e.Reason])
	if e.Detail != "" {
		err = fmt.Errorf("%w: %s", err, e.Detail)
	}
	return err
}
