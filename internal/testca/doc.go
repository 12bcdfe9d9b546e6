// Package testca is a certificate authority for tests and benchmarks: it issues the
// certificates of nodes, good ones and such as must be refused, and writes them to the
// files that nodes read.
//
// Guarantees:
//
//   - What [Authority.Issue] returns without an [Option] holds at both ends of a
//     connection, for the names that were given to [New], from an hour ago until a day
//     from now. An option changes what it names and nothing else.
//   - Authorities have the same subject and different keys, as when an operator replaces
//     one: only signatures tell them apart.
//   - A file of a [Dir] is replaced at once: whoever reads it sees all of the old one or
//     all of the new one. Nobody else may read it.
//
// Duties of the caller: use it for nothing that is to last or to be trusted, since nobody
// guards the key of an authority; give names and options that can stand in a certificate.
// A name that can't is a mistake in the test itself, and panics.
//
// Reading order: authority.go, option.go, dir.go.
package testca
