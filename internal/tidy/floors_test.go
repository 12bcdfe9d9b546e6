package tidy

import (
	"slices"
	"strconv"
	"strings"
)

// floors: a package belongs to the longest entry that it lies within, and
// imports only entries of a strictly lower floor, floor 0, and its own entry.
// Packages that don't exist yet have their place already.
var floors = map[string]int{
	"codec":    0,
	"internal": 0,

	"actor":              1,
	"cluster/membership": 1,

	"remote":          2,
	"router":          2,
	"persistence":     2,
	"testkit":         2,
	"cluster/downing": 2,
	"cluster/lease":   2,

	"cluster":            3,
	"persistence/sqlite": 3,

	"singleton": 4,
	"ddata":     4,

	"sharding":     5,
	"pubsub":       5,
	"receptionist": 5,

	"delivery":          6,
	"cluster/bootstrap": 6,

	"examples":          7,
	"cmd":               7,
	"management":        7,
	"testkit/simtest":   7,
	"testkit/multinode": 7,

	"benchmarks": 8, // they measure in simulation, too
}

// floorEntry finds the entry of a package folder.
func floorEntry(dir string) (entry string, ok bool) {
	for e := range floors {
		if within(dir, e) && len(e) > len(entry) {
			entry, ok = e, true
		}
	}
	return entry, ok
}

// checkFloors looks at what each non-test file imports from this repository.
// Tests may look up: they are no part of what a user pulls in.
func checkFloors(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if s.isTest() {
			continue
		}
		mine, ok := floorEntry(s.dir())
		if !ok && s.dir() != "." {
			out = append(out, s.found(s.ast.Name, "package folder %s has no floor: give it one in internal/tidy/floors_test.go", s.dir()))
			continue
		}
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			dir, ours := strings.CutPrefix(p, module+"/")
			if !ours {
				continue
			}
			theirs, ok := floorEntry(dir)
			switch {
			case !ok:
				out = append(out, s.found(spec, "import of %s, which has no floor", p))
			case theirs == mine || floors[theirs] == 0 || floors[theirs] < floors[mine]:
			default:
				out = append(out, s.found(spec, "%s (floor %d) imports %s (floor %d): only lower floors; put an interface where it is used, or move the noun down",
					mine, floors[mine], theirs, floors[theirs]))
			}
		}
	}
	return out
}

// pure packages are values and functions: what they need of the world comes in
// as an argument.
func pure(dir string) bool {
	return within(dir, "cluster/membership") || within(dir, "cluster/downing") ||
		within(dir, "internal/phi") || within(dir, "internal/wire") ||
		strings.HasSuffix(dir, "/internal/core") || strings.Contains(dir, "/internal/core/")
}

// impure packages of the standard library and elsewhere, with everything below.
var impure = []string{
	"net", "os", "io/fs", "io/ioutil", "log", "sync", "syscall", "runtime", "unsafe", "C", "context", "crypto/rand",
	"hash/maphash", "math/rand", "database/sql", "testing", "github.com/rs/zerolog",
}

func checkPure(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if s.isTest() || !pure(s.dir()) {
			continue
		}
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if p != "math/rand/v2" && slices.ContainsFunc(impure, func(i string) bool { return within(p, i) }) {
				out = append(out, s.found(spec, "pure package imports %s: pass the value in, and let the actor around it do the rest", p))
			}
		}
	}
	return out
}

// foreign modules, and the folders that may use them outside of tests. Whoever
// imports our packages pulls these in, so the list is short and stays so.
var foreign = map[string][]string{
	"github.com/vmihailenco/msgpack/v5":    {"codec", "actor"},
	"github.com/rs/zerolog":                {"actor", "remote", "cluster", "singleton", "sharding", "persistence", "router", "testkit", "examples", "benchmarks", "cmd", "management"},
	"github.com/hashicorp/golang-lru/v2":   {"sharding", "remote", "persistence"},
	"github.com/cespare/xxhash/v2":         {"codec", "actor", "remote", "sharding", "router", "cluster", "internal", "testkit"},
	"github.com/stretchr/testify":          {"testkit", "persistence/persistencetest", "cluster/lease", "examples/internal/process"},
	"go.uber.org/goleak":                   {"testkit"},
	"github.com/klauspost/compress":        {"remote"},
	"modernc.org/sqlite":                   {"persistence/sqlite", "examples"},
	"golang.org/x/sys":                     {"examples/artifactstate/internal/httpapi"}, // a filter of the kernel, in place of deprecated calls of package syscall
	"google.golang.org/protobuf":           {"codec/protobuf"},
	"github.com/HdrHistogram/hdrhistogram": {"examples"},
	"github.com/mattn/go-isatty":           {"examples"},
}

func checkForeign(all []*source) []finding {
	var out []finding
	for _, s := range all {
		if s.isTest() {
			continue
		}
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") || within(p, module) {
				continue
			}
			allowed := false
			for mod, dirs := range foreign {
				if strings.HasPrefix(p, mod) {
					allowed = slices.ContainsFunc(dirs, func(d string) bool { return within(s.dir(), d) })
				}
			}
			if !allowed {
				out = append(out, s.found(spec, "import of %s in %s: users would pull it in; do without it, or put the folder into the table in internal/tidy/floors_test.go with a decision record", p, s.dir()))
			}
		}
	}
	return out
}
