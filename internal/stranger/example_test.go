package stranger_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/stranger"
	"github.com/troupe-go/troupe/remote"
)

// Knock at a node as somebody who knows the secret, and as somebody who doesn't.
func Example() {
	quiet := zerolog.Nop()
	sys, err := actor.NewSystem("town", actor.Config{Logger: &quiet})
	if err != nil {
		panic(err)
	}
	defer sys.Stop(context.Background()) //nolint:errcheck // nobody can stop the stopping
	secret, err := remote.NewSecret([]byte("what all nodes of the town know"))
	if err != nil {
		panic(err)
	}
	node, err := remote.Start(sys, remote.Config{Secrets: []remote.Secret{secret}})
	if err != nil {
		panic(err)
	}

	for _, words := range []string{"what all nodes of the town know", "what somebody thinks that they know"} {
		conn, err := net.DialTimeout("tcp", node.Addr(), 10*time.Second)
		if err != nil {
			panic(err)
		}
		kind, err := stranger.Prove(conn, stranger.Greeting{
			Version: 3, Stream: 1, System: "town", Addr: "127.0.0.1:1", To: node.Addr(), UID: 7, Features: 1,
		}, words)
		fmt.Println(kind == stranger.KindWelcome, kind == stranger.KindRefusal, err)
		_ = conn.Close()
	}
	// Output:
	// true false <nil>
	// false true <nil>
}
