package singleton

// phase is where the manager of a node stands. What a node does depends on
// what it knows of the members that are older than itself, so the phases are
// computed from that and not stepped through by messages alone:
//
//	start        → younger | becomingOldest | oldest   this node is Up
//	younger      → becomingOldest | oldest             no older host is Up any more
//	becomingOldest → oldest                            every older host has handed over, or is gone for the margin
//	becomingOldest → younger                           an older host is Up after all
//	oldest       → wasOldest                           this node is leaving
//	oldest | wasOldest → handingOver                   it is about to go: proxies pause, the instance stops
//	oldest       → reverted                            an older host that never handed over is back
//	reverted     → younger | becomingOldest            the instance has stopped
//	handingOver  → ended                               the instance has stopped, everybody is told
//	start | younger | becomingOldest → ended           this node is leaving or declared dead
//	oldest | wasOldest | handingOver | reverted → stopping   this node is declared dead
//	stopping     → ended                               the instance has stopped
type phase uint8

const (
	phaseStart phase = iota
	phaseYounger
	phaseBecomingOldest
	phaseOldest
	phaseWasOldest
	phaseHandingOver
	phaseReverted
	phaseStopping
	phaseEnded
)

// transitions is the table above; a test walks all histories against it.
var transitions = map[phase][]phase{
	phaseStart:          {phaseYounger, phaseBecomingOldest, phaseOldest, phaseEnded},
	phaseYounger:        {phaseBecomingOldest, phaseOldest, phaseEnded},
	phaseBecomingOldest: {phaseYounger, phaseOldest, phaseEnded},
	phaseOldest:         {phaseWasOldest, phaseHandingOver, phaseReverted, phaseStopping, phaseEnded},
	phaseWasOldest:      {phaseHandingOver, phaseStopping, phaseEnded},
	phaseHandingOver:    {phaseStopping, phaseEnded},
	phaseReverted:       {phaseYounger, phaseBecomingOldest, phaseOldest, phaseHandingOver, phaseStopping, phaseEnded},
	phaseStopping:       {phaseEnded},
	phaseEnded:          {},
}

var phaseNames = map[phase]string{
	phaseStart: "start", phaseYounger: "younger", phaseBecomingOldest: "becoming oldest", phaseOldest: "oldest",
	phaseWasOldest: "was oldest", phaseHandingOver: "handing over", phaseReverted: "reverted",
	phaseStopping: "stopping", phaseEnded: "ended",
}

// String returns the name of the phase.
func (p phase) String() string { return phaseNames[p] }

// mayBecome reports whether the table allows the step.
func (p phase) mayBecome(next phase) bool {
	for _, t := range transitions[p] {
		if t == next {
			return true
		}
	}
	return false
}
