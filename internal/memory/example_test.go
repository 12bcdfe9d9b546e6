package memory_test

import (
	"fmt"
	"runtime"

	"github.com/troupe-go/troupe/internal/memory"
)

func Example() {
	meter := memory.NewMeter()
	runtime.GC()
	needed, collections := meter.Needed()
	fmt.Println("is alive:", needed > 0, "by a collection:", collections > 0)
	if limit := memory.Limit(); limit > 0 && needed > limit-limit/10 {
		fmt.Println("less than a tenth is left")
	}
	// Output: is alive: true by a collection: true
}
