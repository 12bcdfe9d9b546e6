package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

func TestEntity(t *testing.T) {
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	e := entity{now: func() time.Time { return noon }, host: "h:1"}
	read := artifact.State{Read: true}
	for title, c := range map[string]struct {
		state   artifact.State
		command artifact.Command
		events  []artifact.Event
		reply   artifact.Reply
	}{
		"a change is stored, then answered": {
			artifact.State{}, artifact.MarkRead{Until: noon.Add(1)}, []artifact.Event{artifact.ArtifactRead{}}, artifact.Reply{State: read, Host: "h:1"},
		},
		"what is so already is answered": {
			read, artifact.MarkRead{}, nil, artifact.Reply{State: read, Host: "h:1"},
		},
		"a question is answered": {
			read, artifact.GetState{}, nil, artifact.Reply{State: read, Host: "h:1"},
		},
		"what comes too late is refused": {
			read, artifact.AddToFeed{Until: noon}, nil, artifact.Reply{State: read, TooLate: true, Host: "h:1"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			effect := e.Decide(c.state, c.command)
			require.Equal(t, c.events, effect.Events())
			after := c.state
			for _, event := range effect.Events() {
				after = e.Evolve(after, event)
			}
			require.Equal(t, []any{c.reply}, effect.Replies(after))
			require.False(t, effect.Stops() || effect.Stashes() || effect.IsUnhandled())
		})
	}
}
