package cluster

import "github.com/troupe-go/troupe/cluster/membership"

// DownTogether lets a node do what the one that decides for a side does: declare
// several members dead, itself among them.
func DownTogether(by *Cluster, who ...*Cluster) {
	var nodes []membership.Node
	for _, c := range who {
		nodes = append(nodes, c.self)
	}
	by.daemon.Tell(membership.DownNodes{Nodes: nodes})
}
