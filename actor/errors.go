package actor

import (
	"errors"
	"fmt"
)

// Errors of this package, to be tested with errors.Is.
var (
	// ErrStopped: the actor or the system has stopped or is stopping.
	ErrStopped = errors.New("stopped")
	// ErrNameTaken: a living sibling has the name.
	ErrNameTaken = errors.New("name is taken")
	// ErrBadName: the name, or an element of the path, is empty, too long, . or .., or has
	// characters that a path can't hold.
	ErrBadName = errors.New("bad actor name")
	// ErrMailboxFull: the mailbox is bounded and full.
	ErrMailboxFull = errors.New("mailbox is full")
	// ErrTimeout: no answer came in time. It is context.DeadlineExceeded, too.
	ErrTimeout error = noAnswer{}
	// ErrDeadLetter: the message could not be delivered.
	ErrDeadLetter = errors.New("dead letter")
	// ErrBadAddress: it isn't the host:port of a node.
	ErrBadAddress = errors.New("bad address of a node")
	// ErrNoRemoting: the actor is on another node, and the system has no remoting.
	ErrNoRemoting = errors.New("the system has no remoting")
	// ErrNobody: the ref is the zero value.
	ErrNobody = errors.New("ref refers to nobody")
	// ErrStashFull: the stash has reached its bound.
	ErrStashFull = errors.New("stash is full")
	// ErrStashed: the message being handled has been stashed already.
	ErrStashed = errors.New("message is stashed already")
	// ErrAttached: a wire is attached to the system already.
	ErrAttached = errors.New("remoting is attached already")
	// ErrKilled: the actor was sent a [Kill].
	ErrKilled = errors.New("killed")
	// ErrCallCycle: actors that block in asks wait for each other.
	ErrCallCycle = errors.New("asks wait for each other")
	// ErrBackpressure: the connection to the actor's node has no room for more.
	ErrBackpressure = errors.New("outbound buffer is full")
	// ErrOverloaded: the actor's node is short of memory and takes nothing new of
	// other nodes at present. The message was not handled.
	ErrOverloaded = errors.New("node is short of memory and takes nothing new")
)

// PanicError is the failure of an actor that panicked.
type PanicError struct {
	// Value is what the handler panicked with.
	Value any
	// Stack is the stack of the panic.
	Stack []byte

	pc uintptr // of the panic; 0 if unknown
}

// Error says what the panic was; the stack is not part of it.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic when that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ReplyTypeError is returned by an ask whose answer has another type than the
// one that was asked for.
type ReplyTypeError struct {
	// Want names the type that was asked for.
	Want string
	// Got is the answer.
	Got any
}

// Error names both types.
func (e *ReplyTypeError) Error() string {
	return fmt.Sprintf("reply is a %T, not a %s", e.Got, e.Want)
}
