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
	// ErrFailed: the actor that runs the membership of this node failed.
	ErrFailed = errors.New("membership failed")
)

var reasonErrors = map[membership.Reason]error{
	membership.Left: ErrLeft, membership.Downed: ErrDowned, membership.Evicted: ErrEvicted,
	membership.Incompatible: ErrIncompatible, membership.Failed: ErrFailed,
}

// endError is the error of a node that has ended.
func endError(self membership.Node, e membership.Ended) error {
	err := fmt.Errorf("node %v: %w", self, reasonErrors[e.Reason])
	if e.Detail != "" {
		err = fmt.Errorf("%w: %s", err, e.Detail)
	}
	return err
}
