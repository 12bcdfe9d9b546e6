package actor

// signalKind is the kind of a signal.
type signalKind uint8

const (
	signalStart      signalKind = iota // create the actor
	signalStop                         // stop, after the children
	signalWatch                        // from wants to know when the cell stops
	signalUnwatch                      // from no longer wants to
	signalTerminated                   // from, which is watched, has stopped
	signalFailed                       // the child from failed with err
	signalChildGone                    // the child from has stopped
	signalRestart                      // replace the actor because of err
	signalResume                       // go on after a failure
	signalContinue                     // run fn as a turn
	signalInspect                      // answer the inspection in then
	signalSuspend                      // an ancestor has failed
	signalRelease                      // an ancestor goes on after its failure
)

// signal is a message of the runtime to a cell. Signals go before user
// messages.
type signal struct {
	kind signalKind
	from *process
	// as is the ref that a watcher used for the watched actor: what its
	// Terminated has to name.
	as   *process
	err  error
	then *continuation
}

// continuation is a function that runs as a turn, unless the incarnation that
// ordered it is gone by then.
type continuation struct {
	incarnation uint32
	fn          func()
	await       bool // messages wait for it
	msg         any
	from        *process
}
