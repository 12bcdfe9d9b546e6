package load_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/load"
)

// forgetful is a service that says yes to every set and keeps nothing.
type forgetful struct{}

func (forgetful) Ask(context.Context, artifact.Pair, artifact.Command) (httpapi.Answer, error) {
	return httpapi.Answer{}, nil
}

func Example() {
	server := httptest.NewServer(httpapi.New(httpapi.Config{Entities: forgetful{}}))
	defer server.Close()

	g, err := load.New(load.Config{Targets: []string{server.URL}, Users: 10, Duration: 200 * time.Millisecond, Rate: 2000})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer g.Close()
	result := g.Run(context.Background())
	fmt.Println("failed:", result.Failed())
	fmt.Println("found out:", result.WrongAnswers() > 0)
	// Output:
	// failed: 0
	// found out: true
}
