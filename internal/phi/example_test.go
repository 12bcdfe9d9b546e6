package phi_test

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/internal/phi"
)

func Example() {
	start := time.Unix(0, 0)
	d := phi.New(phi.Settings{})
	for second := range 10 {
		d.Heartbeat(start.Add(time.Duration(second) * time.Second))
	}
	for _, second := range []int{10, 13, 14, 20} {
		now := start.Add(time.Duration(second) * time.Second)
		fmt.Printf("after %2ds: available %v\n", second, d.Available(now))
	}
	// Output:
	// after 10s: available true
	// after 13s: available true
	// after 14s: available false
	// after 20s: available false
}
