package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/testkit"
)

type nodes interface{ find(key uint64) int }

var hashes = map[string]func(names []string) nodes{
	"ring":  func(names []string) nodes { return newRing(names, virtualNodesDefault) },
	"ranks": func(names []string) nodes { return newRanks(names) },
}

const keys = 10_000

// owners says by name who gets each of many keys.
func owners(make func([]string) nodes, names []string) []string {
	n := make(names)
	out := []string(nil)
	for k := range keys {
		out = append(out, names[n.find(xxhash.Sum64String("key-"+strconv.Itoa(k)))])
	}
	return out
}

func nodeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("10.0.0.%d:2551/user/worker", i+1)
	}
	return names
}

// A296: stable with changes. Exactly the keys move that have to.
func TestOnlyTheKeysMoveThatHaveTo(t *testing.T) {
	for title, hash := range hashes {
		t.Run(title, func(t *testing.T) {
			for n := 1; n <= 20; n++ {
				few, many := nodeNames(n), nodeNames(n+1)
				added := many[n]
				before, after := owners(hash, few), owners(hash, many)
				moved := 0
				for k := range keys {
					if before[k] != after[k] {
						require.Equal(t, added, after[k], "a key moved between old nodes")
						moved++
					}
				}
				share := keys / (n + 1)
				require.InDelta(t, share, moved, float64(share)*0.4, "%d nodes", n+1)
			}
		})
	}
}

func TestSharesAreAboutEqual(t *testing.T) {
	for title, hash := range hashes {
		t.Run(title, func(t *testing.T) {
			counts := map[string]int{}
			for _, owner := range owners(hash, nodeNames(10)) {
				counts[owner]++
			}
			require.Len(t, counts, 10)
			for name, n := range counts {
				require.InDelta(t, keys/10, n, keys/10*0.35, name)
			}
		})
	}
}

// R069: routers on all nodes agree, in whatever order they learn of routees.
func TestTheOrderOfNodesDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for title, hash := range hashes {
		t.Run(title, func(t *testing.T) {
			names := nodeNames(7)
			want := owners(hash, names)
			for range 5 {
				shuffled := slices.Clone(names)
				random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				require.Equal(t, want, owners(hash, shuffled))
			}
		})
	}
}

// The twins look at everything.
func TestHashesLikeTheirTwins(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		names := nodeNames(1 + random.IntN(6))
		r := newRing(names, 1+random.IntN(4))
		key := random.Uint64()
		if random.IntN(4) == 0 {
			key = r[random.IntN(len(r))].at // right on a point
		}
		best := point{}
		for _, p := range r { // the nearest one on the way up, around the end
			if best == (point{}) || p.at-key < best.at-key {
				best = p
			}
		}
		require.Equal(t, best.node, r.find(key))

		ranked := newRanks(names)
		highest := slices.MaxFunc(names, func(a, b string) int {
			x, y := mix(key^xxhash.Sum64String(a)), mix(key^xxhash.Sum64String(b))
			if x < y {
				return -1
			}
			return 1
		})
		require.Equal(t, highest, names[ranked.find(key)])
	}
}

type order struct{ customer string }

func (o order) HashKey() string { return o.customer }

func TestWhereKeysComeFrom(t *testing.T) {
	for _, test := range []struct {
		title string
		logic ConsistentHash
		msg   any
		want  string
	}{
		{"the function", ConsistentHash{Key: KeyOf(func(s string) string { return "k" + s })}, "m", "km"},
		{"the function before the message", ConsistentHash{Key: func(any) string { return "f" }}, order{"o"}, "f"},
		{"the message when the function has none", ConsistentHash{Key: func(any) string { return "" }}, order{"o"}, "o"},
		{"the message when the function is for others", ConsistentHash{Key: KeyOf(func(s string) string { return s })}, order{"o"}, "o"},
		{"the message alone", ConsistentHash{}, order{"o"}, "o"},
		{"what is around the message first", ConsistentHash{Key: func(any) string { return "f" }}, Keyed{"k", order{"o"}}, "k"},
		{"the message within, when there is no key around it", ConsistentHash{}, Keyed{"", order{"o"}}, "o"},
		{"none", ConsistentHash{}, 17, ""},
		{"none: the function panics", ConsistentHash{Key: func(m any) string { return m.(string) }}, 17, ""},
	} {
		t.Run(test.title, func(t *testing.T) {
			refs, _ := standIns(testkit.New(t), 3)
			p := test.logic.over(refs, nil, nil).(*hashed)
			require.Equal(t, test.want, p.keyOf(test.msg))
			if test.want == "" {
				require.Equal(t, -1, p.Pick(test.msg))
			} else {
				require.Equal(t, p.Pick(Keyed{Key: test.want}), p.Pick(test.msg))
			}
		})
	}
}

func TestNamesOfRouteesAreTheSameOnEveryNode(t *testing.T) {
	sys := testkit.New(t)
	pid := testkit.Must(sys.Spawn("worker", newEcho))
	require.Equal(t, []string{"/user/worker", "/user/worker"}, namesOf(append(Paths(sys, "/user/worker"), pid)))
}
