package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/node"
)

// runAll starts the five processes and stays until they have left.
func runAll(o options, stdout, stderr io.Writer) int {
	data, err := filepath.Abs(o.data)
	if err == nil {
		err = checkAll(o, data)
	}
	if err != nil {
		fmt.Fprintln(stderr, "artifactstate:", err)
		return launch.ExitConfig
	}
	binary, err := os.Executable()
	if err != nil {
		fmt.Fprintln(stderr, "artifactstate: can't find the own program to start it five times:", err)
		return launch.ExitConfig
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends us at once; the nodes notice and leave

	nodes := nodesOf(o, data)
	err = launch.New(launch.Config{
		Binary: binary,
		Nodes:  nodes,
		// The endpoints first, so that no request finds its entity gone. Then the
		// entity nodes from the youngest to the oldest: the oldest has the
		// coordinator, which would have to move otherwise.
		LeaveOrder: [][]string{{"endpoint-1", "endpoint-2"}, {"entity-3"}, {"entity-2"}, {"entity-1"}},
		Out:        stdout,
		// What it takes without, and the pause of the endpoints.
		LeaveWithin: 13*time.Second + o.drain,
		Color:       stdout == os.Stdout && isatty.IsTerminal(os.Stdout.Fd()),
		Formed: func(w io.Writer, took time.Duration, members []httpapi.Member) {
			writeWelcome(w, nodes, data, took, members)
		},
	}).Run(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "artifactstate:", err)
		return launch.ExitConfig
	}
	return launch.ExitLeft
}

// checkAll finds out what would keep a node from starting.
func checkAll(o options, data string) error {
	var errs []error
	for _, a := range o.listen {
		errs = append(errs, launch.CheckListen(a, "-listen"))
	}
	for _, a := range o.http {
		errs = append(errs, launch.CheckListen(a, "-http"))
	}
	errs = append(errs, launch.CheckFile(data, "-data"))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Opening it makes the tables, before three processes do so at once. And it is
	// taken over once: a node that is started again must not do so again.
	store, err := node.OpenData(data, o.seeds, o.takeOverFrom, zerolog.Nop())
	if err != nil {
		return fmt.Errorf("data file not usable: %w; choose another with -data", err)
	}
	return store.Close()
}

// nodesOf returns the five nodes.
func nodesOf(o options, data string) []launch.Node {
	var nodes []launch.Node
	for i, listen := range o.listen {
		n := launch.Node{Name: fmt.Sprintf("entity-%d", i+1), Role: roleEntity, Listen: listen}
		args := []string{"-data", data, fmt.Sprintf("-verify-reads=%t", o.verifyReads)}
		if i >= 3 {
			n = launch.Node{Name: fmt.Sprintf("endpoint-%d", i-2), Role: roleEndpoint, Listen: listen, HTTP: o.http[i-3]}
			args = []string{"-http", n.HTTP, "-ask-timeout", o.askTimeout.String(), "-drain", o.drain.String()}
		}
		n.Args = append([]string{"-node", n.Role, "-name", n.Name, "-listen", listen, "-seeds", strings.Join(o.seeds, ","), "-log", o.level.String(), "-supervised"}, append(args, o.trust.args()...)...)
		nodes = append(nodes, n)
	}
	return nodes
}

// writeWelcome tells a newcomer what there is and what to do with it.
func writeWelcome(w io.Writer, nodes []launch.Node, data string, took time.Duration, members []httpapi.Member) {
	first, second := "http://"+nodes[3].HTTP, "http://"+nodes[4].HTTP
	fmt.Fprintf(w, "\nThe cluster formed in %.1f s.\n\n", took.Seconds())
	_ = launch.WriteTable(w, nodes, members) // w takes everything
	fmt.Fprintf(w, "\n  data file %s (remove it to begin with nothing)\n", data)
	fmt.Fprintf(w, "\nTo try it:\n\n")
	const body = `'{"artifactId":1,"userId":"Michael"}'`
	for _, route := range []string{"setArtifactReadByUser", "setArtifactAddedToUserFeed", "isArtifactReadByUser", "isArtifactInUserFeed", "setArtifactRemovedFromUserFeed"} {
		fmt.Fprintf(w, "  curl -H 'Content-Type: application/json' -d %s %s/artifactState/%s\n", body, first, route)
	}
	fmt.Fprintf(w, "  curl '%s/artifactState/getAllStates?artifactId=1&userId=Michael'\n", second)
	fmt.Fprintf(w, "  curl %s/members\n", second)
	fmt.Fprintf(w, "\nTo drive it (in another terminal):\n\n  go run ./examples/artifactstate/load -users 1000 -duration 60s -targets %s,%s\n", first, second)
	fmt.Fprintf(w, "\nCtrl-C makes all of them leave.\n\n")
}
