package router

import (
	"strconv"
	"testing"

	"github.com/troupe-go/troupe/testkit"
)

// What routing costs beside the delivery: routees are counters.
func BenchmarkRoute(b *testing.B) {
	sys := testkit.New(b)
	var msg any = order{"ada"}
	for _, logic := range []struct {
		name  string
		logic Logic
	}{
		{"RoundRobin", RoundRobin{}}, {"Random", Random{}}, {"SmallestMailbox", SmallestMailbox{}},
		{"ConsistentHash", ConsistentHash{}}, {"Rendezvous", Rendezvous{}},
	} {
		for _, n := range []int{4, 32} {
			b.Run(logic.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				refs, _ := standIns(sys, n)
				f := testkit.Must(spawn(sys, "", config{source: Refs(refs), logic: logic.logic}, nil))
				untilOpen(b, f.self, f)
				b.ReportAllocs()
				for b.Loop() {
					f.self.Tell(msg)
				}
			})
		}
	}
}
