// Command cluster-workers is a node of a cluster with two roles: front ends that
// have work, and back ends whose workers dial in to do it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/examples/internal/node"
)

// The roles.
const (
	frontend = "frontend"
	backend  = "backend"
)

func main() {
	flags := node.Flags{Cluster: "workers", Listen: "127.0.0.1:0", Quiet: true}
	flags.Define(flag.CommandLine)
	role := flag.String("role", backend, "what the node is for: frontend or backend")
	every := flag.Duration("every", time.Second, "with -role frontend: the time between two texts")
	flag.Parse()
	runner, err := flags.Runner()
	if err != nil {
		log.Fatal(err)
	}
	if *role != frontend && *role != backend {
		log.Fatalf("-role %q: want %s or %s", *role, frontend, backend)
	}
	runner.Prepare = register
	runner.Cluster.Roles = []string{*role}
	runner.Up = func(_ context.Context, cl *cluster.Cluster) error {
		fmt.Printf("%s at %s\n", *role, cl.Self().Addr)
		return start(cl, *role, *every)
	}
	node.Main(runner)
}

// start starts the one actor that a node of the role has.
func start(cl *cluster.Cluster, role string, every time.Duration) error {
	_, err := cl.System().Spawn(role, func() actor.Actor {
		if role == frontend {
			return &dispatcher{out: os.Stdout, every: every}
		}
		return &worker{cl: cl}
	})
	return err
}
