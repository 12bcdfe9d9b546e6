package testkit_test

import (
	"fmt"
	"time"

	"github.com/troupe-go/troupe/testkit"
)

func ExampleClock() {
	clock := testkit.NewClock()
	clock.AfterFunc(time.Hour, func() { fmt.Println("an hour has passed") })
	clock.Advance(59 * time.Minute)
	fmt.Println("not yet")
	clock.Advance(time.Minute)
	// Output:
	// not yet
	// an hour has passed
}
