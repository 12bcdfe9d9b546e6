// Package node has the flags that the nodes of the cluster examples share, and
// makes a [cluster.Runner] of them.
//
// A node without flags listens on this machine only, at a free port, and is its
// own seed. Beyond this machine it needs a secret or certificates.
//
// [Flags.Define] adds the flags to a set, [Flags.Runner] reads what they name,
// and [Main] is the rest of a main function: it runs the node until it has left
// and ends the process with a code that says why.
package node
