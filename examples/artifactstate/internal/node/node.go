package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/persistence"
	"github.com/troupe-go/troupe/persistence/sqlite"
	"github.com/troupe-go/troupe/sharding"
)

// ErrRemoved: the node was removed from the cluster, or replaced as the owner of
// its entities. A new process can join as a new member.
var ErrRemoved = errors.New("removed from the cluster")

const (
	// systemName is that of the actor systems, and so of the cluster.
	systemName = "artifactstate"
	// entityName is the type of the entities, and the kind of their persistence ids.
	entityName = "artifactstate"
	// snapshotEvery keeps recoveries short for pairs whose user can't decide.
	snapshotEvery = 200
	// rebalanceEvery gives a node that has joined its share soon: this is a
	// cluster to look at.
	rebalanceEvery = 2 * time.Second
	// stopWithin bounds the end of a node after its HTTP, all phases together.
	stopWithin = 30 * time.Second
	// unbindMargin is what the end of HTTP takes besides the waits that are
	// configured.
	unbindMargin = 5 * time.Second
)

// running is a node while it runs.
type running struct {
	config   Config
	sys      *actor.System
	cluster  *cluster.Cluster
	store    *sqlite.Store // nil on endpoints
	stamp    uint64        // the newest cluster that the store had seen at the start
	stores   stores        // those of the cluster
	fenced   chan error    // a write was refused by its epoch
	entities *entities
	server   *httpapi.Server // nil when nothing is served
	serving  <-chan error
}

// Run is the life of a node: it joins, works until ctx is done, and leaves. It
// returns nil when it left, an error that wraps ErrRemoved when a new process
// should take its place, and another when it could not start.
func Run(ctx context.Context, config Config) (err error) {
	if err := config.Validate(); err != nil {
		return err
	}
	n := &running{config: config, entities: &entities{}, fenced: make(chan error, 1)}
	config.Log.Info().Int("pid", os.Getpid()).Str("role", config.Role).Str("listen", config.Listen).Strs("seeds", config.Seeds).Msg("starting")
	if config.Role == RoleEntity {
		if n.store, err = OpenData(config.Data, config.Seeds, config.TakeOverFrom, config.Log); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.store.Close()) }()
		if n.stamp, err = n.store.Stamp(ctx); err != nil {
			return err
		}
	}
	if err := n.open(); err != nil {
		return err
	}
	working := n.work(ctx)
	// It waits for writes in progress, too: the file is closed after them.
	stopped, cancel := context.WithTimeout(context.Background(), config.Drain+config.AskTimeout+stopWithin)
	defer cancel()
	return n.verdict(working, n.sys.Stop(stopped))
}

// open starts the system, HTTP and the way into the cluster, in this order: a
// port that is taken must be found out before others hear of this node.
func (n *running) open() error {
	registry := codec.NewRegistry()
	if err := errors.Join(artifact.Register(registry), registerStore(registry), sharding.Register(registry)); err != nil {
		return err
	}
	var err error
	n.sys, err = actor.NewSystem(systemName, actor.Config{
		Logger: &n.config.Log, Registry: registry,
		// The end of HTTP takes the pause, and then as long as the slowest request.
		Shutdown: map[actor.Phase]actor.PhaseConfig{
			actor.PhaseServiceUnbind: {Timeout: n.config.Drain + n.config.AskTimeout + unbindMargin},
		},
	})
	if err != nil {
		return err
	}
	if n.config.HTTP != "" {
		api := httpapi.New(httpapi.Config{
			Entities: n.entities, AskTimeout: n.config.AskTimeout, Drain: n.config.Drain, Ready: n.ready, Members: n.members, Log: n.config.Log,
		})
		if n.server, err = httpapi.Listen(n.config.HTTP, api); err == nil {
			err = n.sys.OnStop(actor.PhaseServiceUnbind, "stop HTTP", n.server.Shutdown)
		}
	}
	if err == nil {
		err = n.join()
	}
	if err != nil {
		return errors.Join(err, n.sys.Stop(context.Background()))
	}
	if n.server != nil {
		n.serving = n.server.Start()
	}
	return nil
}

// join begins to join the cluster. What a node with a store knows of earlier
// clusters makes the epochs of one that it forms newer than theirs, whatever its
// clock says; and one with another journal is not let in.
func (n *running) join() (err error) {
	var members membership.Config
	if n.store != nil {
		members.CreatedAfter = int64(min(n.stamp, math.MaxInt64))
		members.Settings = []membership.Setting{{Key: settingJournal, Value: n.store.ID()}}
		if _, err := actor.SpawnTyped(n.sys, storeName, func() actor.Receiver[storeQuery] { return storeActor{n.store} }); err != nil {
			return err
		}
	}
	n.cluster, err = cluster.Open(n.sys, cluster.Config{
		Listen: n.config.Listen, Seeds: n.config.Seeds, Roles: []string{n.config.Role}, Remote: n.config.Remote, Membership: members,
	})
	return err
}

// work waits until the node is up, and then until ctx is done or it can't go on.
func (n *running) work(ctx context.Context) error {
	// Sharding comes before the node is up: as soon as it is, it is asked for
	// its region.
	if err := n.share(); err != nil {
		return err
	}
	select {
	case <-n.cluster.Up().Done():
	case <-n.cluster.Done():
		return nil
	case err := <-n.serving:
		return err
	case <-ctx.Done():
		return nil
	}
	if err := n.checkStamp(); err != nil {
		return err
	}
	n.config.Log.Info().Str("incarnation", fmt.Sprint(n.cluster.Self())).Msg("up")
	select {
	case <-ctx.Done():
		n.config.Log.Info().Msg("leaving")
		return nil
	case <-n.cluster.Done():
		return nil
	case err := <-n.serving:
		return err
	case <-n.fenced:
		// Somebody else was given our entities, so the others have removed us,
		// whether we have heard of it or not. Declaring ourselves dead stops all
		// entities at once, before another of them answers from the past.
		n.cluster.Down(n.cluster.Self().Addr)
		<-n.cluster.Done()
		return ErrRemoved
	}
}

// share starts the sharding: hosting on entity nodes, sending everywhere.
func (n *running) share() error {
	permits := persistence.NewPermits(persistence.PermitsDefault)
	events := &journal{Journal: n.store, log: n.config.Log, fenced: n.fenced}
	self := entity{now: n.sys.Clock().Now, host: n.cluster.Self().Addr}
	shards, err := sharding.Start(n.cluster, sharding.Config[artifact.Command]{
		Name:           entityName,
		Role:           RoleEntity,
		ProxyOnly:      n.config.Role != RoleEntity,
		RebalanceEvery: rebalanceEvery,
		New: func(e *sharding.Entity) actor.Receiver[artifact.Command] {
			return persistence.New(self, persistence.Config[artifact.State]{
				ID:            entityName + "/" + e.ID(),
				Journal:       events,
				Epoch:         e.Epoch(),
				Snapshots:     n.store,
				SnapshotEvery: snapshotEvery,
				VerifyOwner:   n.config.VerifyReads,
				Permits:       permits,
			})
		},
	})
	if err != nil {
		return err
	}
	n.entities.shards.Store(shards)
	return nil
}

// verdict says what the end of the node means.
func (n *running) verdict(working, stopping error) error {
	cause := n.cluster.Err()
	switch {
	case errors.Is(working, ErrRemoved) || errors.Is(cause, cluster.ErrDowned) || errors.Is(cause, cluster.ErrEvicted) || errors.Is(cause, cluster.ErrFailed):
		return fmt.Errorf("%w: %w", ErrRemoved, cause)
	case errors.Is(cause, cluster.ErrLeft) || cause == nil:
		return errors.Join(working, stopping)
	}
	return errors.Join(cause, working, stopping)
}

// ready says why the node can't serve yet.
func (n *running) ready() error {
	if s := n.cluster.State().SelfMember().Status; s != membership.Up {
		return fmt.Errorf("the node is %v, not up", s)
	}
	shards := n.entities.shards.Load()
	if shards == nil {
		return errors.New("sharding has not started yet")
	}
	if _, known := shards.Coordinator(); !known {
		return errors.New("the shard coordinator has not been found yet")
	}
	return n.storesReady()
}

// members tells who is in the cluster, in the order of their ages.
func (n *running) members() []httpapi.Member {
	view := n.cluster.State()
	unreachable := map[membership.Node]bool{}
	for _, m := range view.Unreachable() {
		unreachable[m.Node] = true
	}
	members := []httpapi.Member{}
	for _, m := range view.Members() {
		members = append(members, httpapi.Member{
			Address: m.Addr, Roles: m.Roles, Status: m.Status.String(), Reachable: !unreachable[m.Node],
			Incarnation: strconv.FormatUint(m.UID, 16), Age: m.UpNumber, Self: m.Node == view.Self,
		})
	}
	return members
}
