package actor

import "time"

// SpawnOption is one of the options of a spawn: [Bounded], [Mailbox],
// [StashMax], [Supervise], [Intercept], [Lifetime], [Dedicated], [Pinned].
type SpawnOption interface{ applySpawn(*options) }

// spec is everything that is fixed when an actor is spawned.
type spec struct {
	factory func() Actor
	*options
}

// options are what the options of a spawn say. Actors without any share one.
type options struct {
	supervise  Supervise
	mailboxMax int
	mailbox    *Mailbox
	stashMax   int
	group      *Group
	intercept  []Intercept
	lifetime   time.Duration
	dedicated  *Dedicated
	pinned     bool
}

var noOptions = &options{stashMax: stashMaxDefault}

// stashMaxDefault bounds the stash of an actor without a StashMax.
const stashMaxDefault = 10_000

// Bounded limits the mailbox of an actor to that many messages. A message that
// finds it full becomes a dead letter with the reason MailboxFull, and
// [Ref.TryTell] says so. Zero or less means no limit. What the runtime itself
// puts into a mailbox (timers, Terminated) is not counted against the limit.
type Bounded int

func (b Bounded) applySpawn(o *options) { o.mailboxMax = int(b) }

// StashMax limits the stash of an actor; without it the limit is 10 000
// messages. [Context.Stash] beyond it fails and makes the message a dead letter.
type StashMax int

func (m StashMax) applySpawn(o *options) { o.stashMax = int(m) }

func (s Supervise) applySpawn(o *options) { o.supervise = s }

func newSpec(factory func() Actor, opts []SpawnOption) spec {
	if len(opts) == 0 {
		return spec{factory: factory, options: noOptions}
	}
	s := spec{factory: factory, options: &options{stashMax: stashMaxDefault}}
	for _, o := range opts {
		o.applySpawn(s.options)
	}
	return s
}
