package membership

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Bounds of what a node may send along when it asks to join.
const (
	settingsMax    = 128
	settingSizeMax = 1024
	nameMax        = 128
)

// Config is what a [Core] needs to know. Self, Cluster and Rand must be set;
// everything else has a default.
type Config struct {
	// Self is this node, with the address under which others reach it.
	Self Node
	// Cluster is the name of the cluster, 1 to 128 bytes. Nodes with
	// different names never get together.
	Cluster string
	// Roles of this node, at most 32 of at most 64 bytes.
	Roles []string
	// AppVersion is the version of the application on this node, for rolling
	// updates; see [CompareVersions] for its form. Default: none.
	AppVersion string
	// Seeds are the addresses to join through, this node's own among them
	// if it is one. The first in the list is special: only the node that has
	// that address ever forms a cluster by itself, so every node must list
	// the same one first. More seeds make joining and restarting safer.
	Seeds []string
	// Settings must suit those of the cluster: by default each key that both
	// have must have the same value. At most 128, of at most 1024 bytes.
	Settings []Setting
	// Checks replace that rule for single keys.
	Checks map[string]Check
	// Compatibility says what a node does that doesn't suit the cluster.
	// Default: [Enforce].
	Compatibility Compatibility
	// Minimum holds members back from becoming Up until enough are there.
	Minimum Minimum

	// ListenFor is how long the first seed listens, from its start on, before it
	// forms a cluster: members of a cluster that has lost its seeds look whether
	// they are back, many times in that time, and invite it. Default 300 ms;
	// negative: not at all. Raised, each first start takes longer; lowered, or
	// where looking takes longer, a second cluster may be formed: see YieldFor.
	ListenFor time.Duration
	// YieldFor is how long after it was formed a cluster gives way to an older one
	// of the same name that it meets: all its nodes end with [Superseded], and join
	// the older one when they are started anew. Default 10 s; negative: never; see
	// [Always]. Raised, two clusters are one again by themselves, and what the
	// younger one has done in the meantime is given up: entities that it has
	// written refuse to write in the older one until all nodes were stopped and a
	// cluster was formed anew. All nodes must have the same.
	YieldFor time.Duration
	// SeedTimeout is how long the first seed goes on asking the others once
	// enough of them (see FormQuorum) have said that they are in no cluster,
	// before it forms one. Default 2 s. It doesn't wait when every other seed
	// has said so or refused the connection. Raised, a start with dead seeds
	// takes longer; lowered, a seed that is slow to answer is overlooked.
	SeedTimeout time.Duration
	// FormQuorum is how many seeds, the first included, must say that they
	// are in no cluster before the first seed forms one without an answer of
	// the others. Default 0: all of them, so that seeds that restart in a
	// partition never form a second cluster beside members they can't reach.
	// Lowered, a cluster can be formed while the machine of a seed is dead,
	// and a second one while it is only cut off. 1 lets the first seed go
	// ahead alone.
	FormQuorum int
	// CreatedAfter is what State.Created of a cluster that this node forms must
	// be greater than: the largest such stamp that a journal has seen. Then
	// epochs of the new cluster are newer than all earlier ones, even when this
	// node's clock is behind. Default 0: the clock alone decides.
	CreatedAfter int64
	// AskEvery is the time between two rounds of questions to the seeds.
	// Default 500 ms. Raised, joining takes longer; lowered, more traffic
	// while the seeds don't answer.
	AskEvery time.Duration
	// JoinTimeout is how long a node waits to be welcomed by the member that
	// it chose (asking again every AskEvery) before it goes back to the seeds.
	// Default 5 s.
	JoinTimeout time.Duration

	// GiveUpAfter is how long a node tries to get into a cluster, counted from
	// its first attempt, before it ends. Default 0: it tries for ever. Lowered,
	// whoever starts processes learns sooner; nodes that are started before
	// their seeds end for nothing.
	GiveUpAfter time.Duration

	// GossipEvery is the time between two rounds of gossip while some members
	// haven't seen the state. It is twice as long when all have, and shorter
	// when most haven't. Default 500 ms. Raised, lost news is repaired later;
	// lowered, more idle traffic.
	GossipEvery time.Duration
	// PushEvery is the least time between two rounds of gossip when there is
	// news. Default 50 ms. Raised, news spreads more slowly; lowered, bursts
	// of changes cost more messages.
	PushEvery time.Duration
	// WeaklyUpAfter is how long the leader lets joining members wait for a
	// convergence that doesn't come before they become WeaklyUp. Default 7 s;
	// negative means that they wait for ever.
	WeaklyUpAfter time.Duration
	// TombstoneAfter is how old a tombstone gets before it may be cleared
	// away, which happens once every member has seen the removal. Default
	// 10 min. Raised, state grows under churn; lowered, a message that was
	// under way for longer could bring back a removed member.
	TombstoneAfter time.Duration
	// ExitTimeout is how long a node that is done exiting waits to hear that
	// it was removed. Default 3 s. Raised, a leave during trouble takes
	// longer; lowered, it is left to the failure detector more often.
	ExitTimeout time.Duration

	// Rand is the source of all chance in the core, which is its only user.
	Rand *rand.Rand
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// withDefaults returns a copy of c with every default filled in, or what is
// wrong with c.
func (c Config) withDefaults() (Config, error) {
	if err := c.Validate(); err != nil {
		return c, err
	}
	c.Roles, _ = validRoles(c.Roles)
	c.Seeds = slices.Clone(c.Seeds)
	c.Settings = slices.Clone(c.Settings)
	slices.SortFunc(c.Settings, compareSettings)
	c.ListenFor = max(orDefault(c.ListenFor, 300*time.Millisecond), 0)
	c.YieldFor = orDefault(c.YieldFor, 10*time.Second)
	c.SeedTimeout = orDefault(c.SeedTimeout, 2*time.Second)
	c.AskEvery = orDefault(c.AskEvery, 500*time.Millisecond)
	c.JoinTimeout = orDefault(c.JoinTimeout, 5*time.Second)
	c.GossipEvery = orDefault(c.GossipEvery, 500*time.Millisecond)
	c.PushEvery = orDefault(c.PushEvery, 50*time.Millisecond)
	c.WeaklyUpAfter = orDefault(c.WeaklyUpAfter, 7*time.Second)
	c.TombstoneAfter = orDefault(c.TombstoneAfter, 10*time.Minute)
	c.ExitTimeout = orDefault(c.ExitTimeout, 3*time.Second)
	return c, nil
}

// Validate says which field is out of range, and what it should be.
func (c Config) Validate() error {
	var errs []error
	if err := ValidAddr(c.Self.Addr); err != nil {
		errs = append(errs, fmt.Errorf("Self: %w", err))
	}
	if c.Self.UID == 0 {
		errs = append(errs, errors.New("Self: UID is 0: draw a random one for every start"))
	}
	if c.Cluster == "" || len(c.Cluster) > nameMax {
		errs = append(errs, fmt.Errorf("Cluster %q: want a name of 1 to %d bytes", c.Cluster, nameMax))
	}
	if _, err := validRoles(c.Roles); err != nil {
		errs = append(errs, fmt.Errorf("Roles: %w", err))
	}
	if err := ValidVersion(c.AppVersion); err != nil {
		errs = append(errs, fmt.Errorf("AppVersion: %w", err))
	}
	if err := ValidSeeds(c.Seeds); err != nil {
		errs = append(errs, fmt.Errorf("Seeds: %w", err))
	}
	if c.Compatibility > Ignore {
		errs = append(errs, fmt.Errorf("Compatibility %d: want Enforce, Warn or Ignore", c.Compatibility))
	}
	if len(c.Settings) > settingsMax {
		errs = append(errs, fmt.Errorf("Settings: %d of them, at most %d are allowed", len(c.Settings), settingsMax))
	}
	for _, s := range c.Settings {
		if s.Key == "" || len(s.Key)+len(s.Value) > settingSizeMax {
			errs = append(errs, fmt.Errorf("Settings: %q: want a key, and at most %d bytes", s.Key, settingSizeMax))
		}
	}
	if c.FormQuorum < 0 || c.FormQuorum > max(len(c.Seeds), 1) {
		errs = append(errs, fmt.Errorf("FormQuorum %d: want 0 to %d, the number of seeds", c.FormQuorum, len(c.Seeds)))
	}
	if c.CreatedAfter < 0 || c.CreatedAfter > createdMax {
		errs = append(errs, fmt.Errorf("CreatedAfter %d: want 0 to %d", c.CreatedAfter, int64(createdMax)))
	}
	if c.Rand == nil {
		errs = append(errs, errors.New("Rand is nil: hand in a source of chance"))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"SeedTimeout", c.SeedTimeout}, {"AskEvery", c.AskEvery}, {"JoinTimeout", c.JoinTimeout}, {"GiveUpAfter", c.GiveUpAfter},
		{"GossipEvery", c.GossipEvery}, {"PushEvery", c.PushEvery},
		{"TombstoneAfter", c.TombstoneAfter}, {"ExitTimeout", c.ExitTimeout},
	} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s %v: want a positive time, or 0 for the default", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// ValidSeeds says what is wrong with the addresses of seeds, or returns nil.
func ValidSeeds(seeds []string) error {
	var errs []error
	for i, s := range seeds {
		if err := ValidAddr(s); err != nil {
			errs = append(errs, err)
		}
		if slices.Contains(seeds[:i], s) {
			errs = append(errs, fmt.Errorf("%q is listed twice", s))
		}
	}
	return errors.Join(errs...)
}
