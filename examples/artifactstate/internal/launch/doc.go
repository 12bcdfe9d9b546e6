// Package launch runs the nodes of the example as child processes of one parent.
//
// What it guarantees:
//
//   - A node that can't start for want of a port or of its data file is found out
//     before any node is started, and the error says which and what to do.
//   - Every line that a node writes comes out whole, on one stream, with the
//     node's name before it.
//   - Children don't outlive the parent, however it ends: each holds one end of a
//     pipe whose other end is the parent's, and leaves the cluster when it closes.
//   - The nodes are ended in the order that is asked for, and by force when the
//     time is up.
//   - A node that was downed, or that crashed, is started anew, later each time
//     that it does not last. One that left, or that says that it is set up
//     wrongly, is not.
//
// What it asks of its users: children that leave when their standard input ends,
// ignore the interrupt that a terminal sends to them as well, and end with the
// exit codes of this package.
//
// The tour: [CheckListen] and [CheckFile] look before the leap, [Launcher.Run]
// does the rest.
//
// Reading order: check.go, process.go, launcher.go, banner.go.
package launch
