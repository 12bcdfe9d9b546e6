// Package router spreads messages over routees: pools, which spawn and supervise
// theirs, and groups, which find them.
//
// # Guarantees
//
//   - A router is a ref like any other. What is told to it reaches a routee as it
//     is and with its sender, on the sender's own way there: there is no hop
//     between, and routing allocates nothing. The logics that ask
//     ([ScatterGather], [TailChopping]) go through the router's actor.
//   - Messages of one sender that go to the same routee keep their order, also
//     when the router begins to route, or is restarted, between them.
//   - A message that leads to no routee is a dead letter with the reason NoRoutee,
//     and the sender that looks ([actor.Ref.TryTell]) gets [ErrNoRoutee] or
//     [ErrNoKey].
//   - A routee that has stopped is taken out. A pool without routees stops, but
//     for [KeepEmpty] and a [Resizer]; a group goes on.
//   - With a [Resizer] a pool doesn't grow beyond the bounds, and is filled up to
//     the lower one: at most once a second, and after up to 30 s when those that come die
//     again and again.
//   - Random choices come from the system's seed, time from its clock, and routers
//     on different nodes with the same routees agree about keys.
//
// # Duties
//
//   - Say how routees are supervised, with [RouteeOptions]. If nothing is said,
//     the failure of one is the failure of the router, which is restarted with
//     fresh routees.
//   - Key functions and [Picker] run on the senders' goroutines: they neither
//     block nor keep state without a lock.
//   - Don't make a circle of routers.
//
// # Tour
//
// [Pool] and [PoolTyped] take a factory and a number, [Group] and [GroupTyped] a
// [Source]. The logic is a value: [RoundRobin], [Random], [SmallestMailbox],
// [ConsistentHash], [Rendezvous], [FanOut], [ScatterGather], [TailChopping],
// [Balancing], [Custom]. Options are values too: [RouteeOptions], [HeadOptions],
// [KeepEmpty], [PreferLocal], [BroadcastIf], and the resizers [Resize] and
// [Explore].
//
// Some messages are for the router itself: [GetRoutees], [AddRoutee],
// [RemoveRoutee], [AdjustPoolSize]; so are [actor.PoisonPill] and [actor.Kill],
// which end it with the routees it has spawned. [Broadcast] goes to all routees,
// and [Keyed] carries a key to route by.
//
// Read the files in this order: pick, hash, router, pool, group, front, head,
// message, gather, balance, resize, explore, random.
package router
