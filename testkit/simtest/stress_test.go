package simtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/testkit/simtest"
)

// C50: ten nodes join one by one and several at once, two are cut off and
// replaced, then they leave one by one and two at once; after each step all agree.
func TestALifeOfTenNodes(t *testing.T) {
	simtest.Run(t, 4, func(w *simtest.World) {
		program := simtest.Clustered{Seeds: []string{"a", "b", "c"}}
		var nodes []*simtest.Node
		add := func(names ...string) {
			for _, name := range names {
				nodes = append(nodes, w.Node(name, program, simtest.Relaunch(time.Hour)))
			}
			w.Until("all up", 30*time.Second, w.AllUp(nodes...))
		}
		add("a", "b", "c")
		for _, name := range []string{"d", "e", "f"} {
			add(name)
		}
		add("g", "h", "i", "j")
		w.Run(10 * time.Second)
		w.Partition(w.Side(nodes[8:]...), w.Side(nodes[:8]...))
		nodes = nodes[:8]
		w.Until("the rest goes on", 30*time.Second, w.AllUp(nodes...))
		leave := func(n int) {
			for _, node := range nodes[len(nodes)-n:] {
				sys := node.System()
				node.Go(func() { _ = sys.Stop(context.Background()) })
			}
			nodes = nodes[:len(nodes)-n]
			w.Until("they have left", 30*time.Second, w.AllUp(nodes...))
		}
		leave(1)
		leave(2)
		leave(1)
		leave(1)
		for _, n := range nodes {
			require.Equal(w.T(), 1, n.Process(), "%v", n)
		}
	})
}
