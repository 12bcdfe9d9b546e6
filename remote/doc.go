// Package remote carries messages between actor systems.
//
// # Guarantees
//
//   - A message told to an actor of another node arrives at most once. Between one
//     sender and one receiver the messages that arrive keep their order, apart for
//     ordinary messages, control messages, and those so large that they travel in
//     parts ([Config.LargeMax]). While a connection lives nothing on it is
//     lost; when one ends with messages on it, [ConnectionLost] says how many were not
//     read, or may not have been. What never leaves becomes a
//     dead letter with its reason. Nothing is lost by sending too fast: Tell waits
//     for a node that goes on taking messages ([Config.Patience]).
//   - System messages (watch, unwatch, terminated, stop) arrive exactly once and in
//     order for each pair of incarnations, or one of the two is declared gone. A
//     Terminated comes after the messages that the actor had sent before.
//   - Every watcher gets exactly one Terminated for a watched incarnation, also
//     when its node dies, is restarted or is quarantined.
//   - An incarnation of a node is its uid. What was meant for one is never given
//     to its successor at the same address. Quarantine is per uid and for good; a
//     successor is welcome at once, and who lives at an address is decided by
//     asking the address, never by a late message.
//   - Control messages, system messages and heartbeats never queue behind ordinary
//     ones: they have a connection of their own. Neither do ordinary messages queue
//     behind large ones.
//   - Nothing that comes in at the port can make the process allocate more than
//     the frame limit and a read buffer of 256 KiB for each connection and four large
//     messages in all, panic, or stop taking others in.
//   - With [Config.Secrets] or [TCP.TLS] nothing of a stranger is read but a hello
//     and a proof, each of fixed layout and at most 4 KiB; whoever is let in has
//     proved it for this very connection, and so has who let it in.
//   - Memory is bounded for each peer: [Config.BufferMax] and
//     [Config.ControlBufferMax], twice, and four times at the most when a stream breaks
//     and what was written by short indexes is written anew; [Config.LargeBufferMax]; the
//     window of unacknowledged system messages, 20 000 and 8 MiB, whose overflow is a
//     quarantine. Peers that come and go are forgotten; see [Config.ForgetAfter].
//
// # Duties
//
//   - Register every message type with the system's registry on both nodes.
//   - Choose what keeps strangers out. By default nothing does, and then remoting
//     listens on the loopback interface only. [TCP.TLS] encrypts and makes both ends
//     prove who they are; [Config.Secrets] makes them prove that they know a secret
//     and encrypts nothing. The names of clusters keep friends apart, not enemies
//     out.
//   - Trust members: a node that is let in as one may send to every actor and name
//     any sender that lives on a third node. What is somebody else's program comes
//     in as a [Client] or an [Observer]; see [Access].
//   - Stop the system, or call [Remote.Close], so that others learn of the end from
//     a goodbye rather than from silence.
//   - With a cluster, let it judge failures: [Config.IgnoreFailures] and
//     [Remote.Quarantine].
//
// # Tour
//
// [Start] attaches remoting to a system. From then on refs have an address, travel
// inside messages and work where they arrive; actor.System.RefAt makes one from an
// address and a path. Each node dials a connection for control and one or more for
// ordinary messages to every peer it talks to, and one for large messages when there
// are any; the way back carries acknowledgements only. [Connected], [Gone], [DeclaredDead], [Refused] and
// [ConnectionLost] are published on the system's event stream.
//
// Everything is written to run on somebody else's threads: [Transport] is the seam
// below, with [TCP], [MemNet] and, in tests of whole clusters, a simulator. Only
// the files tcp and memnet start goroutines.
//
// Read the files in this order: association, deadline, disuse, effect, reliable, admission (what is
// decided, without any doing); frame, handshake, secret, access, nonce, gate, begun, conduct,
// envelope, message, extras, table, stream, route, assembly (bytes); peer, lane, room, large,
// parts, budget, delivery, outbound, inbound, link, accounting, unconnected, renew, spawn (doing it); remote,
// accept, close, config, validate, event, instruments; transport, tcp, tls, keys, memnet.
package remote
