// Command lighthouse is a bare member of a cluster, at an address that doesn't
// change: others join through it, and nothing else runs on it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/examples/internal/node"
)

func main() {
	flags := node.Flags{Cluster: "cluster", Listen: "127.0.0.1:2551"}
	flags.Define(flag.CommandLine)
	flag.Parse()
	runner, err := flags.Runner()
	if err != nil {
		log.Fatal(err)
	}
	runner.Cluster.Roles = []string{"lighthouse"}
	runner.Up = func(_ context.Context, cl *cluster.Cluster) error {
		fmt.Printf("lighthouse of cluster %s at %s\n", cl.Name(), cl.Self().Addr)
		return nil
	}
	node.Main(runner)
}
