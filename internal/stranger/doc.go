// Package stranger writes the wire of remoting by hand, after docs/reference/wire.md and
// without a line of the product: for tests and benchmarks that knock at a node's port as
// strangers, impostors and broken peers do. What is wrong here or there is found when a
// node doesn't let in whoever keeps to the page.
package stranger
