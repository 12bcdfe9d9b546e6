package bound_test

import (
	"fmt"
	"testing"

	"github.com/troupe-go/troupe/internal/bound"
)

func Example() {
	decode := func(b []byte) string { return string(b) }
	t := &recorder{TB: &testing.T{}}
	bound.Allocation(t, 5, func() { fmt.Println(decode([]byte("hello"))) })
	fmt.Println(t.failed)
	// Output:
	// hello
	// false
}
