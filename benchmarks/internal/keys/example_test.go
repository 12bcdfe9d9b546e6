package keys_test

import (
	"fmt"
	"os"

	"github.com/troupe-go/troupe/benchmarks/internal/keys"
)

func Example() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system does, some day
	if err := keys.Make(dir); err != nil {
		panic(err)
	}
	tcp, err := keys.Transport(dir)
	fmt.Println(err, tcp.Secure())
	_, err = keys.Transport(dir + "/elsewhere")
	fmt.Println(err != nil)
	// Output:
	// <nil> true
	// true
}
