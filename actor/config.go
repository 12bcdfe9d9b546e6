package actor

import (
	"cmp"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/codec"
)

// Config is what a system is built from. The zero value is for production. What makes
// no sense, such as a negative number where none is spoken of, is an error of [NewSystem].
type Config struct {
	// AskTimeout is how long an ask waits whose context has no deadline.
	// Default 5 s. Larger values hide slow actors longer, smaller ones give
	// up on them earlier.
	AskTimeout time.Duration
	// StopTimeout is how long [System.Stop] lets actors stop before it gives
	// up waiting. Default 10 s. It bounds a shutdown that somebody's PostStop
	// or Receive blocks.
	StopTimeout time.Duration
	// Shutdown changes phases of the coordinated shutdown, or adds some.
	Shutdown map[Phase]PhaseConfig
	// TurnMax is how many messages an actor handles at most before others get
	// their turn. Default 2048. Lower values make actors alternate more often
	// and cost throughput.
	TurnMax int
	// SlowTurn is how long an actor's turn may last before it is reported as a
	// [SlowTurn] and logged. Default 1 s; negative: never. Lower values find
	// more of what blocks, and report what merely is busy. It needs the
	// system's own executor.
	SlowTurn time.Duration
	// MailboxBytes bounds the bytes that wait in all mailboxes together, as
	// estimated from a message's type, or said by a [Sizer]. What would exceed it
	// becomes a dead letter with the reason DropOverBudget. Default: a quarter of
	// the limit that Memory has (GOMEMLIMIT) when the system starts; where there
	// is none, or for less than 0, no bound. Raised, slow actors may
	// fall further behind before messages are lost. It makes every mailbox count,
	// which costs some 100 ns a message.
	MailboxBytes int64
	// MessageAges notes when messages came, for ActorInfo.Oldest. It costs what
	// MailboxBytes costs.
	MessageAges bool
	// ProfileLabels marks what actors do in CPU and goroutine profiles with
	// "actor", the type of the actor. It costs some 200 ns a turn.
	ProfileLabels bool
	// Logger takes what the system and its actors log: a *slog.Logger, a
	// *zerolog.Logger or a zerolog.Logger; anything else is an error of [NewSystem].
	// Default: readable lines on standard error from level info up, in colour
	// on a terminal.
	Logger any
	// Registry knows the types that leave the process. Default: a new one.
	Registry *codec.Registry

	// Observer looks on at what the system does. Default nil: nobody, which
	// costs nothing.
	Observer *Observer
	// Clock is the system's time. Default: the machine's.
	Clock Clock
	// Memory says how much memory there is. Default: what Go's runtime says of the
	// process, with GOMEMLIMIT as the limit.
	Memory Memory
	// Executor runs the system's actors. Default: one of its own.
	Executor Executor
	// Seed fixes the system's random choices. 0 means an unpredictable one.
	Seed uint64
	// UID is the incarnation of the system. 0 means a random one; set it
	// only where runs have to be repeatable.
	UID uint64
}

// validate says what makes no sense, with the name of the field.
func (c Config) validate() error {
	for _, door := range []struct {
		name string
		v    any
	}{{"Clock", c.Clock}, {"Executor", c.Executor}, {"Memory", c.Memory}} {
		if door.v != nil && isNil(door.v) {
			return fmt.Errorf("Config.%s is a nil %T: leave it out for the default", door.name, door.v)
		}
	}
	if err := checkLogger(c.Logger); err != nil {
		return err
	}
	return notNegative(length("Config.AskTimeout", c.AskTimeout), length("Config.StopTimeout", c.StopTimeout), setting{"Config.TurnMax", int64(c.TurnMax)})
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	c.AskTimeout = cmp.Or(c.AskTimeout, 5*time.Second)
	c.StopTimeout = cmp.Or(c.StopTimeout, 10*time.Second)
	c.SlowTurn = cmp.Or(c.SlowTurn, time.Second)
	c.TurnMax = cmp.Or(c.TurnMax, 2048)
	if c.Memory == nil {
		c.Memory = &processMemory{}
	}
	if c.Clock == nil {
		c.Clock = RealClock{}
	}
	if c.Registry == nil {
		c.Registry = codec.NewRegistry()
	}
	for c.UID == 0 {
		c.UID = unpredictable()
	}
	return c
}

// mailboxBytes is the budget of all mailboxes where there is such a limit of
// memory; 0: none.
func (c Config) mailboxBytes(limit int64) int64 {
	if c.MailboxBytes == 0 {
		return limit / 4
	}
	return max(c.MailboxBytes, 0)
}
