package membership

// past is a value that a state had.
type past struct {
	hash  uint64
	state State // its seen table says who is known to have held the value
}

// trail is the last values that this node told others of: what it has in
// common with them, so that a difference is enough to bring them up to date.
type trail struct {
	values []past // the newest last
}

// trailMax bounds the values kept. Who is further behind gets the whole state.
const trailMax = 16

// add keeps a value; one that is there already only gains witnesses.
func (h *trail) add(hash uint64, s State) {
	if i := h.find(hash); i >= 0 {
		s.seen = mergeSorted(s.seen, h.values[i].state.seen, compareNodes, keepFirst)
		h.values[i].state = s
		return
	}
	if len(h.values) == trailMax {
		copy(h.values, h.values[1:])
		h.values = h.values[:trailMax-1]
	}
	h.values = append(h.values, past{hash, s})
}

// find returns the place of a value, -1 when it isn't kept.
func (h *trail) find(hash uint64) int {
	for i := len(h.values) - 1; i >= 0; i-- {
		if h.values[i].hash == hash {
			return i
		}
	}
	return -1
}

// held notes that n has held the value with the hash.
func (h *trail) held(hash uint64, n Node) {
	if i := h.find(hash); i >= 0 {
		h.values[i].state = h.values[i].state.seenBy(n)
	}
}

// latestOf returns the newest value that n is known to have held.
func (h *trail) latestOf(n Node) (past, bool) {
	for i := len(h.values) - 1; i >= 0; i-- {
		if h.values[i].state.Seen(n) {
			return h.values[i], true
		}
	}
	return past{}, false
}
