// Command mutants examines the proof instead of the code: it plants one small
// mistake at a time in the protocols, of the kind that somebody makes on a tired
// afternoon, runs the tests that ought to notice, and prints who did.
//
//	make mutants                  every mutant
//	make mutants MUTANTS=sharding those whose name matches a regular expression
//
// A mutant is an entry of a list: a file, a piece of its text that occurs there
// once, what stands there instead, what that breaks, and the checks that should
// catch it, the cheapest first. It is planted by an overlay of the go command, so
// the tree is never touched and the build cache stays warm. A mutant that doesn't
// compile, or whose text isn't in its file any more, is a mistake in the list and
// fails the run; an ordinary test says so as soon as code moves.
//
// Before anything is planted the checks run on the code as it is: what fails there
// would catch everything.
//
// The lists are in the files named after what they break: membership.go,
// heartbeat.go, downing.go, lease.go, remote.go, codec.go, actor.go, router.go,
// singleton.go, sharding.go, persistence.go. Whoever writes tests does better not
// to read them first.
package main
