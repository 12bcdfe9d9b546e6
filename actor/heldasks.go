package actor

const (
	asksFirst  = 256  // places for asks of other nodes at first
	asksMax    = 8192 // at most
	asksNearby = 8    // places in which one may be
)

// heldAsks are asks of other nodes that wait for their answer. It is a hash table of the
// numbers of the asks, which are drawn at random where they come from. It isn't safe for
// concurrent use; the zero value is empty.
type heldAsks struct {
	places []*remoteTarget // as many as a power of two
}

// place is one of the places in which the ask of number id may be.
func (h *heldAsks) place(id uint64, nearby int) **remoteTarget {
	return &h.places[(id+uint64(nearby))&uint64(len(h.places)-1)]
}

// at returns the place of the ask at loc, nil if it isn't held.
func (h *heldAsks) at(loc *Location) **remoteTarget {
	if len(h.places) == 0 {
		return nil
	}
	for k := range asksNearby {
		// Another node may say that it is the same incarnation, so all of loc counts.
		if p := h.place(loc.ID, k); *p != nil && (*p).loc.ID == loc.ID && (*p).loc == *loc {
			return p
		}
	}
	return nil
}

// find returns the ask at loc, nil if it isn't held.
func (h *heldAsks) find(loc *Location) *remoteTarget {
	if p := h.at(loc); p != nil {
		return *p
	}
	return nil
}

func (h *heldAsks) remove(loc *Location) {
	if p := h.at(loc); p != nil {
		*p = nil
	}
}

// hold adds an ask that is not held. Those that have to give way are handed to giveWay.
func (h *heldAsks) hold(t *remoteTarget, giveWay func(*remoteTarget)) {
	for !h.put(t) {
		if len(h.places) == asksMax {
			p := h.place(t.loc.ID, 0)
			giveWay(*p)
			*p = t
			return
		}
		h.grow(giveWay)
	}
}

// put reports whether there was a place.
func (h *heldAsks) put(t *remoteTarget) bool {
	for k := range min(asksNearby, len(h.places)) {
		if p := h.place(t.loc.ID, k); *p == nil {
			*p = t
			return true
		}
	}
	return false
}

// grow doubles the places.
func (h *heldAsks) grow(giveWay func(*remoteTarget)) {
	old := h.places
	h.places = make([]*remoteTarget, max(2*len(old), asksFirst))
	for _, t := range old {
		if t != nil && !h.put(t) { // so unlucky are few
			giveWay(t)
		}
	}
}
