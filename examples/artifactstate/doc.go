// Command artifactstate is the main example of Troupe: an HTTP service whose
// state lives in sharded, event-sourced entities on a cluster of five processes.
//
// Started without flags it launches the five processes itself; with -node it is
// one of them. README.md tells what to do with it and what it survives.
package main
