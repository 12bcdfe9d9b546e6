// Command cluster-simple is a member of a cluster that prints what happens to
// the others.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/cluster/membership"
	"github.com/troupe-go/troupe/examples/internal/node"
)

func main() {
	flags := node.Flags{Cluster: "simple", Listen: "127.0.0.1:0", Quiet: true}
	flags.Define(flag.CommandLine)
	flag.Parse()
	runner, err := flags.Runner()
	if err != nil {
		log.Fatal(err)
	}
	runner.Up = listen
	node.Main(runner)
}

// listen prints events until the node is in no cluster any more. It begins with
// those that led to the present state.
func listen(_ context.Context, cl *cluster.Cluster) error {
	for e := range cl.Events(context.Background(), cluster.InitialEvents{}) {
		switch e := e.(type) {
		case membership.MemberUp:
			fmt.Printf("up:          %s%s\n", e.Member.Addr, mine(cl, e.Member))
		case membership.UnreachableMember:
			fmt.Printf("unreachable: %s\n", e.Member.Addr)
		case membership.ReachableMember:
			fmt.Printf("reachable:   %s\n", e.Member.Addr)
		case membership.MemberRemoved:
			fmt.Printf("removed:     %s, it was %v\n", e.Member.Addr, e.Before)
		case membership.LeaderChanged:
			fmt.Printf("leader:      %s\n", e.Leader.Addr)
		case membership.Ended:
			fmt.Println(e)
		}
	}
	return nil
}

func mine(cl *cluster.Cluster, m membership.Member) string {
	if m.Node == cl.Self() {
		return " (this node)"
	}
	return ""
}
