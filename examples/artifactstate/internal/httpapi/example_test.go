package httpapi_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
	"github.com/troupe-go/troupe/examples/artifactstate/internal/httpapi"
)

// everybodyHasReadIt stands for the entities.
type everybodyHasReadIt struct{}

func (everybodyHasReadIt) Ask(context.Context, artifact.Pair, artifact.Command) (httpapi.Answer, error) {
	return httpapi.Answer{State: artifact.State{Read: true}}, nil
}

func Example() {
	api := httpapi.New(httpapi.Config{Entities: everybodyHasReadIt{}})
	for _, target := range []string{
		"/artifactState/getAllStates?artifactId=1&userId=Michael",
		"/artifactState/getAllStates?artifactId=one&userId=Michael",
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 {"artifactId":1,"userId":"Michael","artifactRead":true,"artifactInUserFeed":false}
	// 400 {"type":"about:blank","title":"Bad Request","status":400,"detail":"artifactId must be a whole number from 0 to 9223372036854775807, not \"one\"","field":"artifactId"}
}
