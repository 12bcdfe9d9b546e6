package codec

import "fmt"

// Right is what a type of message may demand of whoever sends it from another
// node, as an option of [Register]. Rights are bits and add up. Package remote
// gives every node the rights of its class; bytes from one that lacks a right
// aren't decoded, wherever in a message they are nested.
type Right uint8

// The rights.
const (
	// RightMember: the sender is a full member, no client and no observer. For
	// messages of the program's own machinery that clients have no business with.
	RightMember Right = 1 << iota
	// RightStop: the sender may stop actors or make them fail.
	RightStop
	// RightSelect: the sender may reach actors by the pattern of their paths.
	RightSelect
	// RightSpawn: the sender may start actors.
	RightSpawn

	rightsAll = RightMember | RightStop | RightSelect | RightSpawn
)

// String names the rights.
func (r Right) String() string {
	if r == 0 {
		return "none"
	}
	s := ""
	for i, name := range [...]string{"member", "stop", "select", "spawn"} {
		if r&(1<<i) != 0 {
			if s != "" {
				s += "+"
			}
			s += name
		}
	}
	return s
}

func (r Right) apply(t *Type) error {
	if r == 0 || r&^rightsAll != 0 {
		return fmt.Errorf("right %d is unknown", uint8(r))
	}
	t.demands |= r
	return nil
}
