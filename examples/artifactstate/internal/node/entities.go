package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/sharding"
)

// entities is the way from HTTP to the entities. Requests may come before there
// is sharding; they are told that there is no answer.
type entities struct {
	shards atomic.Pointer[sharding.Sharding[artifact.Command]]
}

// Ask sends a command to the entity of p, wherever it lives, and waits for its
// answer.
func (e *entities) Ask(ctx context.Context, p artifact.Pair, c artifact.Command) (httpapi.Answer, error) {
	shards := e.shards.Load()
	if shards == nil {
		return httpapi.Answer{}, fmt.Errorf("the node is not in the cluster yet: %w", httpapi.ErrNoAnswer)
	}
	reply, err := actor.Ask[artifact.Command, artifact.Reply](ctx, shards.Ref(p.ID()), c)
	var wrongType *actor.ReplyTypeError
	switch {
	case errors.As(err, &wrongType):
		return httpapi.Answer{}, err
	case err != nil:
		// Timeouts, moving shards, a journal that is busy, a node that died: the
		// asker can't do anything else about them than ask again.
		return httpapi.Answer{}, fmt.Errorf("%w: %w", httpapi.ErrNoAnswer, err)
	case reply.TooLate:
		return httpapi.Answer{}, artifact.ErrTooLate
	}
	return httpapi.Answer{State: reply.State, Host: reply.Host}, nil
}
