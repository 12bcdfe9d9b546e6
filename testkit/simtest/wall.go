package simtest

import (
	"time"
	"unsafe"
)

// An instant as a machine tells it has two readings: that of the clock on the
// wall, which somebody may set, and that of one that only goes forward, by which
// times are compared. Only package time can make one, and only of the machine's
// own clocks; this is how it lays it out. TestInstants says when that changes.
type reading struct {
	wall uint64 // a mark, seconds since 1885 in 33 bits, nanoseconds in 30
	ran  int64  // nanoseconds of the clock that only goes forward
	_    *time.Location
}

// readsTwice is the mark of an instant with both readings.
const readsTwice = 1 << 63

var since1885 = time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()

// instant returns what a machine tells at once when its clock on the wall shows
// wall, and it has run for so long.
func instant(wall time.Time, ran time.Duration) time.Time {
	t := time.Time{}
	r := (*reading)(unsafe.Pointer(&t))
	r.wall = readsTwice | uint64(wall.Unix()-since1885)<<30 | uint64(wall.Nanosecond())
	r.ran = int64(ran)
	return t
}

// SetWall sets the clock on the wall of the node's machine forward by d, or back
// when d is less than 0, as somebody does by hand, or a time server. What is
// measured between two instants, and timers, don't depend on it.
func (w *World) SetWall(n *Node, d time.Duration) {
	w.Note("the clock on the wall of %s is set by %v", n.name, d)
	n.wall += d
}
