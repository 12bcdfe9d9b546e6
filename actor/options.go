package actor

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// SpawnOption is one of the options of a spawn: [Bounded], [Mailbox],
// [StashMax], [Supervise], [Intercept], [Lifetime], [Dedicated], [Pinned]. Of several
// of a kind the last counts, but for Intercept. Options that make no sense, or
// contradict each other, are an error of the spawn.
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
// [Ref.TryTell] says so. Zero means no limit; less is an error of the spawn. What the
// runtime itself puts into a mailbox (timers, Terminated) is not counted against the
// limit. A [Mailbox] has a bound of its own.
type Bounded int

func (b Bounded) applySpawn(o *options) { o.mailboxMax = int(b) }

// StashMax limits the stash of an actor; without it the limit is 10 000
// messages. [Context.Stash] beyond it fails and makes the message a dead letter. Zero
// means that nothing can be stashed; less is an error of the spawn.
type StashMax int

func (m StashMax) applySpawn(o *options) { o.stashMax = int(m) }

func (s Supervise) applySpawn(o *options) { o.supervise = s }

// newSpec puts together what a spawn says, or says what is wrong with it.
func newSpec(factory func() Actor, opts []SpawnOption) (spec, error) {
	if factory == nil {
		return spec{}, errors.New("the factory is nil: give a function that makes the actor")
	}
	if len(opts) == 0 {
		return spec{factory: factory, options: noOptions}, nil
	}
	s := spec{factory: factory, options: &options{stashMax: stashMaxDefault}}
	for i, o := range opts {
		if isNil(o) {
			return spec{}, fmt.Errorf("option %d is nil", i+1)
		}
		o.applySpawn(s.options)
	}
	return s, s.validate()
}

// CheckOptions says what is wrong with options of a spawn to come, if anything: the
// spawn would fail with that.
func CheckOptions(opts ...SpawnOption) error {
	_, err := newSpec(func() Actor { return nil }, opts)
	return err
}

// isNil reports whether v is nil, or a pointer or function that is.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	}
	return false
}

// setting is a number with its name.
type setting struct {
	name string
	v    int64
}

func length(name string, d time.Duration) setting { return setting{name, int64(d)} }

// notNegative says which of the settings is below zero, if any.
func notNegative(settings ...setting) error {
	for _, s := range settings {
		if s.v < 0 {
			return fmt.Errorf("%s must not be negative", s.name)
		}
	}
	return nil
}

// validate says what makes no sense.
func (o *options) validate() error {
	switch {
	case o.dedicated != nil && o.pinned:
		return errors.New("Dedicated and Pinned contradict each other: an actor runs on the goroutines of a class or on a thread of its own")
	case o.mailboxMax != 0 && o.mailbox != nil:
		return errors.New("Bounded and Mailbox contradict each other: Mailbox.Max is the bound of a Mailbox")
	case o.group == nil && o.supervise.Scope == AllForOne:
		return errors.New("Supervise.Scope is AllForOne, which needs a Context.Group to say who all are")
	}
	if err := notNegative(setting{"Bounded", int64(o.mailboxMax)}, setting{"StashMax", int64(o.stashMax)}, length("Lifetime", o.lifetime)); err != nil {
		return err
	}
	if o.mailbox != nil {
		if err := o.mailbox.validate(); err != nil {
			return err
		}
	}
	if o.dedicated != nil && o.dedicated.Goroutines < 0 {
		return errors.New("Dedicated.Goroutines must not be negative")
	}
	return o.supervise.validate()
}

func (m Mailbox) validate() error {
	switch {
	case m.Overflow > BlockSender:
		return fmt.Errorf("Mailbox.Overflow is %d, which is unknown", m.Overflow)
	case m.Max == 0 && m.Overflow != DropNewest:
		return errors.New("Mailbox.Overflow says what happens beyond Mailbox.Max, which is not set")
	}
	return notNegative(setting{"Mailbox.Max", int64(m.Max)}, length("Mailbox.Wait", m.Wait))
}

func (s Supervise) validate() error {
	if s.Scope > AllForOne {
		return fmt.Errorf("Supervise.Scope is %d, which is unknown", s.Scope)
	}
	return cmp.Or(notNegative(length("Supervise.Within", s.Within)), s.Backoff.validate("Supervise.Backoff"))
}

func (b Backoff) validate(name string) error {
	switch {
	case b.Max != 0 && b.Max < b.Min:
		return fmt.Errorf("%s.Max is %v, less than Min, which is %v", name, b.Max, b.Min)
	case b.Max > 0 && b.Min == 0:
		return fmt.Errorf("%s.Max is %v, and there is no Min to begin with", name, b.Max)
	}
	return notNegative(length(name+".Min", b.Min), length(name+".Max", b.Max))
}
