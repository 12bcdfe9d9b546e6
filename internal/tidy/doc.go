// Package tidy holds the rules of this house as ordinary tests: go test
// ./internal/tidy reads every Go file of the repository and fails with the
// place, the reason and what to do instead. There is nothing to import here.
//
// What it keeps:
//
//   - A package imports only strictly lower floors, and floor 0 (floors_test.go).
//   - Time, chance, goroutines and the machine enter the core packages through
//     the five doors and nowhere else; the doors are a list of files, each with
//     its reason (doors_test.go, calls_test.go).
//   - The order of a map or of ready channels decides nothing (order_test.go).
//     A loop over a map whose order can't be seen carries the comment
//     "//det:ok" with the reason.
//   - Pure packages import nothing that could do input or output (floors_test.go).
//   - Every scenario of the acceptance list for actors is quoted by a test or
//     listed as one without a meaning here (scenarios_test.go).
//   - Every function of actor and router has an Example (verbs_test.go).
//   - Every package's tests look for goroutines that they left (leaks_test.go).
//   - Sizes, documentation and what must not be in the tree (shape_test.go).
//
// Each rule is a function from parsed files to findings. It is tested on small
// sources that break it (rules_test.go) and then run on the tree (tree_test.go).
// An exception is an entry in a table beside the rule, with its reason; an entry
// that is no longer used is a finding too.
package tidy
