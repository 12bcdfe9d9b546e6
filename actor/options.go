package actor

// SpawnOption is one of the options of a spawn: [Bounded], [Mailbox],
// [StashMax], [Supervise].
type SpawnOption interface{ applySpawn(*spec) }

// spec is everything that is fixed when an actor is spawned.
type spec struct {
	factory    func() Actor
	supervise  Supervise
	mailboxMax int
	mailbox    *Mailbox
	stashMax   int
	group      *Group
}

// stashMaxDefault bounds the stash of an actor without a StashMax.
const stashMaxDefault = 10_000

// Bounded limits the mailbox of an actor to that many messages. A message that
// finds it full becomes a dead letter with the reason MailboxFull, and
// [Ref.TryTell] says so. Zero or less means no limit. What the runtime itself
// puts into a mailbox (timers, Terminated) is not counted against the limit.
type Bounded int

func (b Bounded) applySpawn(s *spec) { s.mailboxMax = int(b) }

// StashMax limits the stash of an actor; without it the limit is 10 000
// messages. [Context.Stash] beyond it fails and makes the message a dead letter.
type StashMax int

func (m StashMax) applySpawn(s *spec) { s.stashMax = int(m) }

func (s Supervise) applySpawn(sp *spec) { sp.supervise = s }

func newSpec(factory func() Actor, opts []SpawnOption) spec {
	s := spec{factory: factory, stashMax: stashMaxDefault}
	for _, o := range opts {
		o.applySpawn(&s)
	}
	return s
}
