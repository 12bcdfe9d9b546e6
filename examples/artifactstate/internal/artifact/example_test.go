package artifact_test

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

func Example() {
	pair := artifact.Pair{User: "Michael", Artifact: 1}
	fmt.Println(pair.ID())

	var state artifact.State
	for _, c := range []artifact.Command{artifact.MarkRead{}, artifact.AddToFeed{}, artifact.MarkRead{}} {
		events, err := artifact.Decide(time.Now(), state, c)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range events {
			state = state.Evolve(e)
		}
		fmt.Println(len(events), state)
	}
	// Output:
	// 1-Michael
	// 1 {true false}
	// 1 {true true}
	// 0 {true true}
}
