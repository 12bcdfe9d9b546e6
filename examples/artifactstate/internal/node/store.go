package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/persistence/sqlite"
)

const (
	// storeName is the actor by which other nodes ask for the health of a store.
	storeName = "store"
	// storeTimeout is how long an endpoint waits for such an answer. A node that
	// doesn't answer is the failure detector's business.
	storeTimeout = 500 * time.Millisecond
	// storesFresh is for how long what was heard of the stores is taken for true:
	// orchestrators ask often.
	storesFresh = 200 * time.Millisecond
	// settingJournal keeps nodes with different journals out of one cluster.
	settingJournal = "artifactstate.journal"
)

// OpenData opens the data file at path for the cluster with the seeds, and takes it
// over from the cluster that takeOverFrom names, if it is that one's. A cluster
// goes by its name and its first seed: no other forms a cluster, so that no two
// that live have the same, and it stays when all nodes are stopped and started.
func OpenData(path string, seeds []string, takeOverFrom string, log zerolog.Logger) (*sqlite.Store, error) {
	store, err := sqlite.Open(path, sqlite.Config{
		Owner: systemName + "@" + seeds[0], TakeOverFrom: takeOverFrom,
		OnChange: func(err error) {
			if err == nil {
				log.Info().Msg("the data file can be written to again")
				return
			}
			log.Error().Err(err).Msg("the data file can't be written to; it is tried every second until it can")
		},
	})
	var owner *sqlite.OwnerError
	if errors.As(err, &owner) {
		return nil, fmt.Errorf("data file %s belongs to the cluster %s, and this is %s: use another file, with -data; "+
			"or, when nothing of that cluster runs any more, take it over, with -take-over-from %s", path, owner.Owner, owner.Caller, owner.Owner)
	}
	if err != nil {
		return nil, fmt.Errorf("open the data file: %w", err)
	}
	return store, nil
}

// storeQuery asks a node whether its store can be written to.
type storeQuery struct {
	actor.Returns[storeState]
}

// storeState is the answer.
type storeState struct {
	// Trouble says why it can't; empty when it can.
	Trouble string
}

func registerStore(reg *codec.Registry) error {
	return errors.Join(
		codec.Register[storeQuery](reg, "artifactstate.StoreQuery.v1"),
		codec.Register[storeState](reg, "artifactstate.StoreState.v1"),
	)
}

// storeActor answers for the store of this node.
type storeActor struct{ store *sqlite.Store }

func (a storeActor) Receive(ctx *actor.Context, q storeQuery) {
	var state storeState
	if err := a.store.Err(); err != nil {
		state.Trouble = err.Error()
	}
	actor.Reply(ctx, q, state)
}

// stores is what was heard of the stores of all entity nodes, and when.
type stores struct {
	mu   sync.Mutex // guards what follows
	at   time.Time
	last error
}

// storesReady returns what is wrong with the stores of the entity nodes. It waits
// for them, storeTimeout at most, unless somebody did so a moment ago.
func (n *running) storesReady() error {
	n.stores.mu.Lock()
	defer n.stores.mu.Unlock()
	if now := n.sys.Clock().Now(); n.stores.at.IsZero() || now.Sub(n.stores.at) > storesFresh {
		n.stores.last = n.askStores()
		n.stores.at = n.sys.Clock().Now()
	}
	return n.stores.last
}

// askStores asks all entity nodes for their stores.
func (n *running) askStores() error {
	view := n.cluster.State()
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var asked sync.WaitGroup
	for _, m := range view.Members() {
		if !m.HasRole(RoleEntity) || m.Status != membership.Up {
			continue
		}
		asked.Go(func() {
			ref := actor.Narrow[storeQuery](n.sys.RefAt(m.Addr, "/user/"+storeName))
			state, err := actor.Ask(ctx, ref, storeQuery{})
			if err != nil || state.Trouble == "" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("%s: %s", m.Addr, state.Trouble))
		})
	}
	asked.Wait()
	if len(errs) == 0 {
		return nil
	}
	return errors.New("entity nodes can't store anything: " + strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
}

// checkStamp says whether the cluster is older than what the journal has seen, so
// that all writes to entities of before would be refused.
func (n *running) checkStamp() error {
	created := n.cluster.State().Created
	if n.store == nil || n.stamp <= uint64(created) {
		return nil
	}
	behind := time.Duration(n.stamp - uint64(created))
	return fmt.Errorf("the stamp of this cluster is %v older than the newest that the data file has seen, so writes would be refused: "+
		"either the clock of the node that formed the cluster is behind and that node has no data file, "+
		"or a newer cluster uses the file; set the clock right, let an entity node be the first seed, and start all nodes again", behind)
}
