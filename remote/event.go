package remote

import "time"

// Connected is published when it is known which incarnation is at an address.
type Connected struct {
	Addr string
	UID  uint64
}

// TypesDiffer is published behind Connected when that node had other message types in its
// registry when its remoting was started than this one. During an upgrade node by node
// that is so, and afterwards it should be over; nodes with different tasks may differ for
// good. What can't be decoded is dropped, and logged with its name the first time.
type TypesDiffer struct {
	Addr string
	UID  uint64
}

// Gone is published when an incarnation of another node will never be heard of
// again, once for each: it was replaced, it stopped, it was found or declared
// dead. Whoever watched an actor of it has got its Terminated.
type Gone struct {
	Addr   string
	UID    uint64
	Reason string
}

// DeclaredDead is published when another node has turned this one away because it
// has declared this incarnation dead. Only a restart of this system helps.
type DeclaredDead struct {
	// By is the address of that node, UID its incarnation.
	By  string
	UID uint64
}

// ConnectionLost is published when a stream to another node broke, or ended with messages
// on it that were not read. Messages that had not left yet go out on the next stream, and
// system messages are repeated until they have arrived.
type ConnectionLost struct {
	Addr string
	UID  uint64
	// Control tells the stream for control messages from the ordinary one.
	Control bool
	// Lost is how many messages the other node has not read, as it has said itself: they
	// are counted as dropped for [actor.DropConnectionLost].
	Lost uint64
	// InDoubt is how many were sent of which it has not said that it has read them, where
	// it could not say more: each may have arrived or not.
	InDoubt uint64
}

// Overloaded is published when memory has become so short that new work of other nodes
// is refused, and when it is taken again; see Config.MemoryMax. It comes at most twice
// a second.
type Overloaded struct {
	// Refusing is whether it is refused from now on.
	Refusing bool
	// Needed is the memory in use that a garbage collection would not give back, Max
	// what there is, in bytes.
	Needed, Max int64
}

// Barred is published when a connection of another node was closed because more than
// 100 messages a second on it could not be decoded. Messages whose type isn't known here
// don't count: a newer release sends some.
type Barred struct {
	Addr string
	UID  uint64
	// Control tells the stream for control messages from the others.
	Control bool
	// For is how long that incarnation's stream isn't taken again: a second, and twice as
	// long each time, up to a minute, until it has behaved for a minute.
	For time.Duration
}

// Denied is published when another node wanted what its class is not allowed here;
// see [Access]. A program that is well configured sees none.
type Denied struct {
	Addr  string
	UID   uint64
	Class Class
	// What it wanted, and of the actor at which path, as that node has put it.
	What, Path string
}

// KeysLoaded is published when the files of Config.Keys had changed and were loaded
// again.
type KeysLoaded struct {
	// Expires is the end of the certificate now in use.
	Expires time.Time
	// Ended is how many connections were ended because the certificate of the other
	// end no longer holds.
	Ended int
}

// Renewed is published when a connection that this node had dialed has been replaced
// by a new one, as planned; see [Remote.Renew].
type Renewed struct {
	Addr string
	// Control tells the stream for control messages from the ordinary ones.
	Control bool
}
