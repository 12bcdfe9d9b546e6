package actor

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"weak"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// remoteTarget is an actor of another node.
type remoteTarget struct {
	process
	loc  Location
	link Link
	ask  bool // it is no actor but an ask
}

func (t *remoteTarget) deliver(env envelope) error {
	t.answer()
	return t.link.Send(env.msg, PID{p: env.from}, false)
}

// answer takes note that an ask gets its answer.
func (t *remoteTarget) answer() {
	if t.ask {
		t.sys.remoteRefs.answered(&t.loc)
	}
}

// tell is deliver for a sender that rather waits a moment than loses the message.
// It waits as long as the other node takes what is sent; w runs the sender's turn,
// if it is one.
func (t *remoteTarget) tell(env envelope, w *worker) error {
	t.answer()
	for {
		err := t.link.Send(env.msg, PID{p: env.from}, true)
		full, ok := err.(*NoRoom)
		if !ok {
			return err
		}
		if w != nil && !full.Room.IsOpen() {
			w.blocking()
		}
		t.sys.exec.Wait(full.Room)
	}
}

func (t *remoteTarget) signal(s signal) {
	m := SystemMessage{To: PID{p: &t.process}, From: PID{p: s.from}}
	key := nodeKey{t.loc.Addr, t.loc.UID}
	switch s.kind {
	case signalWatch:
		m.Kind = SystemWatch
		t.sys.remoteWatches.add(true, key, pair{watcher: s.from, watched: &t.process})
	case signalUnwatch:
		m.Kind = SystemUnwatch
		t.sys.remoteWatches.remove(true, key, pair{watcher: s.from, watched: &t.process})
	case signalTerminated:
		m.Kind = SystemTerminated
		t.sys.remoteWatches.remove(false, key, pair{watcher: &t.process, watched: s.from})
	case signalStop:
		m.Kind = SystemStop
	default:
		return
	}
	t.link.SendSystem(m)
}

func (t *remoteTarget) location() Location { return t.loc }

// deliverSystem hands a system message of another node to a cell.
func (s *System) deliverSystem(m SystemMessage) {
	to, from := m.To.p, m.From.p
	if to == nil || from == nil {
		return
	}
	there := from.t.location()
	key := nodeKey{there.Addr, there.UID}
	switch m.Kind {
	case SystemWatch:
		s.remoteWatches.add(false, key, pair{watcher: from, watched: to})
		to.t.signal(signal{kind: signalWatch, from: from, as: to})
	case SystemUnwatch:
		s.remoteWatches.remove(false, key, pair{watcher: from, watched: to})
		to.t.signal(signal{kind: signalUnwatch, from: from, as: to})
	case SystemTerminated:
		s.remoteWatches.remove(true, key, pair{watcher: to, watched: from})
		to.t.signal(signal{kind: signalTerminated, from: from})
	case SystemStop:
		to.t.signal(signal{kind: signalStop, from: from})
	}
}

// remoteRefs gives every actor of another node one process, so that refs to it
// are equal. It keeps none of them alive, but for asks that have no answer yet.
type remoteRefs struct {
	mu   sync.Mutex
	m    map[Location]weak.Pointer[process]
	self weak.Pointer[remoteRefs]

	// Asks of other nodes come in great number, and each gets one answer: most are over
	// before it would pay to watch whether somebody holds them. So they are held
	// here, until they are answered, or others need the place.
	asks heldAsks
	aged int // asks in m
}

// IsAsk reports whether a path is of an ask, which waits for one answer and is then gone:
// hardly worth remembering.
func IsAsk(path string) bool {
	return strings.HasPrefix(path, tempPrefix) && !strings.HasPrefix(path[len(tempPrefix):], lastingMark)
}

func (r *remoteRefs) intern(loc Location, make func() *process) *process {
	ask := IsAsk(loc.Path)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ask {
		if t := r.asks.find(&loc); t != nil {
			return &t.process
		}
	}
	if !ask || r.aged > 0 {
		if p := r.m[loc].Value(); p != nil {
			return p
		}
	}
	p := make()
	if t, ok := p.t.(*remoteTarget); ok && ask {
		r.asks.hold(t, r.age)
	} else {
		r.watch(loc, p)
	}
	return p
}

// age treats an ask like an actor from now on. The lock is held.
func (r *remoteRefs) age(t *remoteTarget) {
	r.watch(t.loc, &t.process)
	r.aged++
}

// answered says that the other node is about to get the answer to an ask of it: nobody
// will hear of the ask again.
func (r *remoteRefs) answered(loc *Location) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asks.remove(loc)
}

// watch keeps a process as long as somebody holds it. The lock is held.
func (r *remoteRefs) watch(loc Location, p *process) {
	if r.m == nil {
		r.m, r.self = map[Location]weak.Pointer[process]{}, weak.Make(r)
	}
	r.m[loc] = weak.Make(p)
	// What a cleanup is given lives as long as what it waits for. The system
	// leads to its refs, so it must not be held: it would keep itself alive.
	runtime.AddCleanup(p, forgetRef, forgotten{r.self, loc})
}

// forgotten is a ref that nobody holds any more.
type forgotten struct {
	refs weak.Pointer[remoteRefs]
	loc  Location
}

func forgetRef(f forgotten) {
	if r := f.refs.Value(); r != nil {
		r.forget(f.loc)
	}
}

func (r *remoteRefs) forget(loc Location) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.m[loc]; ok && p.Value() == nil {
		delete(r.m, loc)
		if IsAsk(loc.Path) {
			r.aged--
		}
	}
}

// RefOf returns the ref to the actor at loc: here, on another node, or
// virtual. An ID of 0 means whichever incarnation has the path when a message
// arrives. An actor of this system that isn't there yields a ref whose
// messages become dead letters.
func (s *System) RefOf(loc Location) PID {
	if loc == (Location{}) {
		return PID{}
	}
	wiring := s.wire.Load()
	switch {
	case loc.Addr == "" && loc.UID == 0 && loc.ID == 0:
		if pid, ok := s.resolve(loc.Path); ok {
			return pid
		}
	case loc.Addr == s.Addr() && (loc.UID == s.uid || loc.UID == 0):
	case loc.Addr != "" && wiring != nil:
		return PID{p: s.remoteRefs.intern(loc, func() *process {
			t := &remoteTarget{loc: loc, link: wiring.remoting.Link(loc), ask: IsAsk(loc.Path)}
			t.process = process{sys: s, t: t}
			return &t.process
		})}
	case loc.Addr != "" && loc.Addr != s.Addr():
		return PID{p: s.unreachable(loc, fmt.Errorf("%w: %v is on another node; see remote.Start", ErrNoRemoting, loc))}
	default:
		return PID{p: s.dead(loc)}
	}
	if loc.ID != 0 {
		return PID{p: s.local(loc.Path, loc.ID)}
	}
	return PID{p: s.remoteRefs.intern(loc, func() *process {
		t := &pathTarget{loc: loc}
		t.process = process{sys: s, t: t}
		return &t.process
	})}
}

// RefAt returns the ref to whichever actor has the path, such as "/user/shop", on the
// node at addr, a "host:port"; an empty addr means this system. Where no actor can be,
// because of the address ([ErrBadAddress]), the path ([ErrBadName]), or because the system has no
// remoting ([ErrNoRemoting]), messages become dead letters: [Ref.TryTell] and asks say why.
func (s *System) RefAt(addr, path string) PID {
	err := checkPath(path)
	if addr == "" {
		addr = s.Addr()
	} else if addr != s.Addr() && err == nil {
		err = checkAddr(addr)
	}
	if err != nil {
		return PID{p: s.unreachable(Location{System: s.name, Addr: addr, Path: path}, err)}
	}
	return s.RefOf(Location{System: s.name, Addr: addr, Path: path, UID: s.uidFor(addr)})
}

// uidFor returns the own incarnation for the own address: it is known.
func (s *System) uidFor(addr string) uint64 {
	if addr == s.Addr() {
		return s.uid
	}
	return 0
}

func (s *System) dead(loc Location) *process {
	t := &deadTarget{loc: loc}
	t.process = process{sys: s, t: t}
	return &t.process
}

// unreachable returns what drops all messages because of err.
func (s *System) unreachable(loc Location, err error) *process {
	t := &deadTarget{loc: loc, err: err}
	t.process = process{sys: s, t: t}
	return &t.process
}

func (s *System) resolve(path string) (PID, bool) {
	s.resolversMu.Lock()
	var found func(string) (PID, bool)
	longest := -1
	for prefix, f := range s.resolvers { //det:ok the longest prefix is unique
		if len(prefix) > longest && strings.HasPrefix(path, prefix) {
			found, longest = f, len(prefix)
		}
	}
	s.resolversMu.Unlock()
	if found == nil {
		return PID{}, false
	}
	return found(path)
}

// local returns the actor of this system at path; id 0 means whichever
// incarnation has it. Where none is, the result is a process whose messages
// become dead letters.
func (s *System) local(path string, id uint64) *process {
	if rest, ok := strings.CutPrefix(path, tempPrefix); ok {
		if n, err := strconv.ParseUint(strings.TrimPrefix(rest, lastingMark), 36, 64); err == nil {
			if p := s.temps.get(n); p != nil {
				return p
			}
		}
	} else if c := s.find(path); c != nil && (id == 0 || c.id == id) {
		return &c.process
	} else if pid, ok := s.resolve(path); c == nil && ok {
		return pid.p
	}
	return s.dead(Location{System: s.name, Addr: s.Addr(), UID: s.uid, Path: path, ID: id})
}

// find walks down the tree.
func (s *System) find(path string) *cell {
	c := s.root
	for rest := strings.TrimPrefix(path, "/"); rest != "" && c != nil; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		c = c.children().get(name)
	}
	return c
}

// Append appends the wire form of the location. The zero Location takes one byte.
func (l Location) Append(b []byte) []byte {
	if l == (Location{}) {
		return append(b, 0)
	}
	b = append(b, 1)
	b = wire.AppendString(b, l.System)
	b = wire.AppendString(b, l.Addr)
	b = wire.AppendUint64(b, l.UID)
	b = wire.AppendString(b, l.Path)
	return wire.AppendUvarint(b, l.ID)
}

// ReadLocation reads what [Location.Append] wrote; errors stay in r.
func ReadLocation(r *wire.Reader) Location {
	switch kind := r.Byte(); {
	case r.Err() != nil || kind == 0:
		return Location{}
	case kind != 1:
		r.Fail("location of kind %d", kind)
		return Location{}
	}
	l := Location{System: r.String(), Addr: r.String(), UID: r.Uint64(), Path: r.String(), ID: r.Uvarint()}
	if r.Err() == nil && !strings.HasPrefix(l.Path, "/") {
		r.Fail("path %.40q is not absolute", l.Path)
	}
	return l
}

// ErrNoSystem: a ref was decoded where there is no system that could give it
// a meaning.
var ErrNoSystem = errors.New("no actor system to resolve the ref")

// AppendWire appends the ref for use by [codec].
func (r Ref[M]) AppendWire(_ codec.Scope, b []byte) ([]byte, error) {
	return r.Location().Append(b), nil
}

// DecodeWire reads what AppendWire wrote, as a ref of the scope's system.
func (r *Ref[M]) DecodeWire(s codec.Scope, b []byte) error {
	in := wire.NewReader(b)
	*r = ReadRef[M](s, in)
	return in.Done()
}

// ReadRef reads a ref that was appended to a larger message with AppendWire;
// errors stay in from.
func ReadRef[M any](s codec.Scope, from *wire.Reader) Ref[M] {
	loc := ReadLocation(from)
	sys, ok := s.System.(*System)
	if loc == (Location{}) || from.Err() != nil {
		return Ref[M]{}
	}
	if !ok {
		from.Fail("%v %v", ErrNoSystem, loc)
		return Ref[M]{}
	}
	return Ref[M](sys.RefOf(loc))
}

// EncodeMsgpack writes the ref as bytes.
func (r Ref[M]) EncodeMsgpack(enc *msgpack.Encoder) error {
	return enc.EncodeBytes(r.Location().Append(nil))
}

// Wide implements codec.Widener: in a field of type any a ref arrives as a PID.
func (r Ref[M]) Wide() any { return r.PID() }

// DecodeMsgpack reads what EncodeMsgpack wrote, as a ref of the system that
// decodes the message.
func (r *Ref[M]) DecodeMsgpack(dec *msgpack.Decoder) error {
	b, err := dec.DecodeBytes()
	if err != nil {
		return err
	}
	s, ok := codec.ScopeOfDecoder(dec)
	if !ok {
		return fmt.Errorf("decode ref: %w", ErrNoSystem)
	}
	return r.DecodeWire(s, b)
}
