package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/remote"
)

// The roles of nodes.
const (
	// RoleEndpoint is a node that serves HTTP and hosts nothing.
	RoleEndpoint = "endpoint"
	// RoleEntity is a node that hosts entities.
	RoleEntity = "entity"
)

// Config is what a node is started with. Role, Listen and Seeds are needed, and
// Data where entities are hosted.
type Config struct {
	// Role is RoleEndpoint or RoleEntity.
	Role string
	// Listen is the address in the cluster, host:port, by which the other nodes
	// know this one.
	Listen string
	// Seeds are the addresses to join through, the same on all nodes. The first
	// may form the cluster.
	Seeds []string
	// Remote says how the nodes know each other: secrets, TLS. Its zero value
	// does for nodes of one machine.
	Remote remote.Config
	// HTTP is the address to serve on, host:port; empty serves nothing.
	HTTP string
	// Data is the SQLite file of an entity node.
	Data string
	// TakeOverFrom is the cluster whose data file this one takes over, by the name
	// that the refusal of the file says; empty takes nothing over.
	TakeOverFrom string
	// VerifyReads makes entities ask the journal whether this node still owns
	// them before they answer questions. Without it a node that was frozen and
	// replaced may answer from the past until it notices.
	VerifyReads bool
	// AskTimeout is how long a request waits for its entity; 3 s by default.
	// Raised, it rides out longer moves of a shard; but beyond the ten seconds or
	// so that it takes to remove a frozen node, an answer of that node may be out
	// of date when it wakes.
	AskTimeout time.Duration
	// Drain is for how long the node goes on to answer HTTP, when it is asked to
	// leave, after it has said that it isn't ready; 0 ends at once.
	Drain time.Duration
	// Log takes what the node logs.
	Log zerolog.Logger
}

// Validate returns all that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Role != RoleEndpoint && c.Role != RoleEntity {
		errs = append(errs, fmt.Errorf("role %q: choose %s or %s", c.Role, RoleEndpoint, RoleEntity))
	}
	if c.Listen == "" {
		errs = append(errs, errors.New("no address to listen on"))
	}
	if len(c.Seeds) == 0 {
		errs = append(errs, errors.New("no seeds: name the nodes to join through"))
	}
	if c.Role == RoleEntity && c.Data == "" {
		errs = append(errs, errors.New("no data file: an entity node needs one"))
	}
	if c.Role != RoleEntity && (c.TakeOverFrom != "" || c.VerifyReads) {
		errs = append(errs, errors.New("taking a data file over and verifying reads is for entity nodes"))
	}
	if c.AskTimeout < 0 {
		errs = append(errs, fmt.Errorf("ask timeout %v: it can't be negative", c.AskTimeout))
	}
	if c.Drain < 0 {
		errs = append(errs, fmt.Errorf("drain %v: it can't be negative", c.Drain))
	}
	return errors.Join(errs...)
}
