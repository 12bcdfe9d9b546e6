package launch_test

import (
	"fmt"
	"os"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
)

func Example() {
	nodes := []launch.Node{
		{Name: "entity-1", Role: "entity", Listen: "127.0.0.1:2551"},
		{Name: "endpoint-1", Role: "endpoint", Listen: "127.0.0.1:2554", HTTP: "127.0.0.1:8082"},
	}
	members := []httpapi.Member{
		{Address: "127.0.0.1:2551", Status: "up", Reachable: true},
		{Address: "127.0.0.1:2554", Status: "joining", Reachable: true},
	}
	if err := launch.WriteTable(os.Stdout, nodes, members); err != nil {
		fmt.Println(err)
	}
	// Output:
	//   node         role       status    address          http
	//   entity-1     entity     up        127.0.0.1:2551   –
	//   endpoint-1   endpoint   joining   127.0.0.1:2554   http://127.0.0.1:8082
}
