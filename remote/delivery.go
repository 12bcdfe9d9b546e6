package remote

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// cacheMax is how many names and senders a connection remembers.
const cacheMax = 4096

// delivery is what an inbound connection knows of the messages that come on it. It is
// touched by Data only.
type delivery struct {
	paths   map[string]string
	types   map[string]*codec.Decoding
	senders map[string]actor.PID

	tally *tally // nil: indexes are not offered on this stream
	table *recvTable
	next  *recvTable // offered; the other end has not taken it yet
	key   []byte     // scratch
	batch actor.Batch

	delivered uint64 // messages, since the peer's instruments were told
	sampling  sampling
}

// recvTable is a table at the end that offers it: what its indexes lead to.
type recvTable struct {
	send    *sendTable // its keys
	targets []*actor.Destination
	senders []actor.PID
	types   []*codec.Decoding // nil: not registered
}

// user delivers a message of an old version.
func (i *inbound) user(body []byte) error {
	e, err := readUser(body)
	if err == nil {
		i.arrived()
		i.deliver(e)
	}
	return err
}

func (i *inbound) arrived() { i.got++ }

// message delivers a message of version 3.
func (i *inbound) message(body []byte) error {
	if (i.got+1)%pauseCount == 0 && i.lane.stream() == streamOrdinary {
		i.pause()
	}
	if i.tally != nil && i.tally.due() {
		i.offer()
	}
	if i.indexed(body) {
		return nil
	}
	var m message
	if err := m.read(body); err != nil {
		return err
	}
	i.arrived()
	if m.Flags&bodyS2 != 0 {
		var err error
		if m.Body, err = i.unpack(m.Body); err != nil {
			return err
		}
	}
	// What indexed wouldn't deliver has something unusual about it already.
	if i.table != nil && m.Flags&nameIndex != 0 && !i.refusing && !isAllIndexed(body) && i.quick(&m) {
		return nil
	}
	return i.slow(&m)
}

// indexed delivers a message of which everything is among the first of the table, as most
// is once there is one. It is quick for less: taking a message apart costs more than that.
func (i *inbound) indexed(b []byte) bool {
	t := i.table
	if t == nil || i.refusing || !isAllIndexed(b) {
		return false
	}
	to, from, name := int(b[1]), int(b[2]), int(b[3])
	if to >= len(t.targets) || from >= len(t.senders) || name >= len(t.types) {
		return false
	}
	typ := t.types[name]
	if typ == nil || typ.Type().Demands() != 0 {
		return false
	}
	msg, err := i.decode(typ, b[4:])
	if err != nil {
		return false
	}
	i.arrived()
	i.delivered++
	u := &i.tally.used
	u[tableTargets][to]++
	u[tableSenders][from]++
	u[tableNames][name]++
	i.remote.port.DeliverIn(&i.batch, t.targets[to], msg, t.senders[from])
	return true
}

// slow goes the long way, which looks at everything and says what is wrong.
func (i *inbound) slow(m *message) error {
	i.handOver()
	var table *sendTable
	if i.table != nil {
		table = i.table.send
	}
	counted := *m
	if err := table.literal(m); err != nil {
		return err
	}
	e, err := m.envelope()
	if err == nil && i.deliver(e) && i.tally != nil {
		i.tell(&counted, e.Path, e.From.Path)
	}
	return err
}

// handOver delivers what has been held back so as to be delivered together.
func (i *inbound) handOver() { i.remote.port.DeliverAll(&i.batch) }

func (i *inbound) unpack(body []byte) ([]byte, error) {
	if i.who.Can.Features&featureS2 == 0 {
		return nil, fmt.Errorf("%w: a compressed body, which was not agreed on", errFrame)
	}
	return unpack(body, max(i.remote.self.FrameMax, i.remote.self.Can.LargeMax))
}

// quick delivers a message of a type that is in the table, to an actor that is or to an
// ask, from an actor that is or that is of the sending node: what was allowed when they
// came by name is allowed. It reports whether it did; what is unusual in any way goes
// the long way.
func (i *inbound) quick(m *message) bool {
	t := i.table
	if m.NameAt >= uint64(len(t.types)) {
		return false
	}
	typ := t.types[m.NameAt]
	if typ == nil || typ.Type().Demands() != 0 {
		return false // whether it is allowed depends on more than each for itself
	}
	var to *actor.Destination
	var target envelope
	if m.Flags&targetForm != targetIndex {
		if target.readTarget(m) != nil || !i.simple(&target) {
			return false
		}
	} else if m.TargetAt < uint64(len(t.targets)) {
		to = t.targets[m.TargetAt]
	} else {
		return false
	}
	var from actor.PID
	var author sender
	switch m.Flags & senderForm {
	case senderNobody:
	case senderIndex:
		if m.SenderAt >= uint64(len(t.senders)) {
			return false
		}
		from = t.senders[m.SenderAt]
	case senderHere:
		if author.read(m) != nil {
			return false
		}
		from = i.sender(author)
	default:
		return false
	}
	msg, err := i.decode(typ, m.Body)
	if err != nil {
		return false
	}
	i.delivered++
	msg = withTrace(msg, m.Trace)
	i.tell(m, target.Path, author.Path)
	if to != nil {
		i.remote.port.DeliverIn(&i.batch, to, msg, from)
	} else if !i.remote.port.DeliverAnswer(target.ID, msg, from) {
		i.remote.port.Deliver(string(target.Path), target.ID, msg, from)
	}
	return true
}

// simple reports whether a message may be delivered where it goes by name, which is no
// actor, so that no other message for it has been held back.
func (i *inbound) simple(e *envelope) bool {
	r := i.remote
	return (e.TargetUID == 0 || e.TargetUID == r.self.UID) && actor.IsAsk(string(e.Path)) &&
		r.cfg.Access.permits(i.class, opTell, string(e.Path))
}

// tell tells the tally what the message names: by index, or by name if it will be named
// again. Of those that came by name, the paths are given.
func (i *inbound) tell(m *message, target, author []byte) {
	t := i.tally
	if m.Flags&targetForm == targetIndex {
		t.used[tableTargets][m.TargetAt]++
	} else if !actor.IsAsk(string(target)) {
		i.key = append(append(i.key[:0], m.Flags&targetForm), m.Target...)
		t.literal(tableTargets, i.key)
	}
	if m.Flags&senderForm == senderIndex {
		t.used[tableSenders][m.SenderAt]++
	} else if !actor.IsAsk(string(author)) {
		i.key = append(append(i.key[:0], m.Flags&senderForm), m.Sender...)
		t.literal(tableSenders, i.key)
	}
	if m.Flags&nameIndex != 0 {
		t.used[tableNames][m.NameAt]++
	} else {
		t.literal(tableNames, m.Name)
	}
}

// offer gives indexes to what came most often, if that is news.
func (i *inbound) offer() {
	if i.next != nil {
		return
	}
	keys, news := i.tally.choose()
	if !news {
		return
	}
	version := uint64(1)
	if i.table != nil {
		version = i.table.send.version + 1
	}
	if i.reply(appendTable(nil, version, keys)) {
		i.next = &recvTable{send: newSendTable(version, keys)}
	}
}

// taken says that the other end writes by the table that was offered.
func (i *inbound) taken(version uint64) error {
	t := i.next
	if t == nil || t.send.version != version {
		return fmt.Errorf("%w: table %d was not offered", errFrame, version)
	}
	for _, key := range t.send.keys[tableTargets] {
		m := message{Flags: key[0], Target: []byte(key[1:])}
		e, err := m.envelope()
		if err != nil {
			return err
		}
		t.targets = append(t.targets, i.remote.port.Destination(string(e.Path), e.ID))
	}
	for _, key := range t.send.keys[tableSenders] {
		m := message{Flags: key[0] | targetAny, Target: []byte{0, 0}, Sender: []byte(key[1:])}
		e, err := m.envelope()
		if err != nil {
			return err
		}
		t.senders = append(t.senders, i.remote.sys.RefOf(e.From.location(i.who)))
	}
	for _, name := range t.send.keys[tableNames] {
		var typ *codec.Decoding
		if known, err := i.remote.sys.Registry().Named(name); err == nil { // otherwise it is said when it is needed
			typ = known.Decoding()
		}
		t.types = append(t.types, typ)
	}
	i.table, i.next = t, nil
	i.tally.adopt(t.send.keys)
	return nil
}

// deliver hands a message over, or makes a dead letter of it. It reports whether it
// was fit to be handed over.
func (i *inbound) deliver(e envelope) bool {
	r := i.remote
	if e.TargetUID != 0 && e.TargetUID != r.self.UID {
		i.drop(e, e.TargetUID, actor.DropRefused, errIncarnation)
		return false
	}
	path := i.path(e.Path)
	if !r.cfg.Access.permits(i.class, opTell, path) {
		why := r.cfg.Access.lacking(i.class, opTell, path)
		r.deny(i.who, i.class, "send to actors", string(e.Path), why)
		i.refused(e, why)
		return false
	}
	if e.From.forgedBy(i.who) || i.class != Member && e.From.Flags&flagSenderElse != 0 {
		r.stats.forged.Add(1)
		r.warnOnce("forged "+i.who.Addr, func() {
			r.log.Warn().Str("peer", printable(i.who.Addr)).Str("from", i.conn.Peer()).Msg("message dropped: its sender is said to live on a third node, which is the peer's own; said once for each peer")
		})
		e.From = sender{}
		i.refused(e, errForged)
		return false
	}
	if i.refusing && !i.vital(path, e.Name) {
		i.drop(e, r.self.UID, actor.DropOverloaded, errMemory)
		return false
	}
	msg, err := i.named(e)
	if errors.Is(err, codec.ErrDenied) {
		err = withSetting(i.class, err)
		r.deny(i.who, i.class, "send "+printable(string(e.Name)), string(e.Path), err)
		i.refused(e, err)
		return false
	}
	if err != nil {
		r.stats.undecodable.Add(1)
		r.warnOnce("decode "+printable(string(e.Name)), func() {
			r.log.Warn().Str("peer", i.who.Addr).Str("to", printable(string(e.Path))).Str("error", printable(err.Error())).Msg("message can't be decoded")
		})
		i.drop(e, r.self.UID, actor.DropDecode, err)
		i.garbled(err)
		return false
	}
	i.delivered++
	r.port.Deliver(path, e.ID, withTrace(msg, e.Trace), i.sender(e.From))
	return true
}

var (
	errIncarnation = errors.New("the ref is of another incarnation of that node; look the actor up again")
	errForged      = errors.New("its sender is said to live on a node where it can't")
	errMemory      = errors.New("that node is short of memory; see Config.MemoryMax")
)

// refused makes a dead letter of what is not allowed.
func (i *inbound) refused(e envelope, cause error) {
	i.drop(e, i.remote.self.UID, actor.DropRefused, cause)
}

// drop makes a dead letter of a message for the incarnation uid of this node.
func (i *inbound) drop(e envelope, uid uint64, reason actor.DropReason, cause error) {
	r := i.remote
	i.peer.instruments.drop(reason)
	r.deadLetter(actor.Location{System: r.self.System, Addr: r.self.Addr, UID: uid, Path: string(e.Path), ID: e.ID}, e, i.who, reason, cause)
}

func (i *inbound) named(e envelope) (any, error) {
	t, ok := i.types[string(e.Name)]
	if !ok {
		typ, err := i.remote.sys.Registry().Named(string(e.Name))
		if err != nil {
			return nil, err
		}
		t = typ.Decoding()
		i.types = remember(i.types, string(e.Name), t)
	}
	if t.Type().Demands()&codec.RightStop != 0 && !i.remote.cfg.Access.permits(i.class, opStop, i.path(e.Path)) {
		return nil, i.remote.cfg.Access.lacking(i.class, opStop, i.path(e.Path))
	}
	return i.decode(t, e.Body)
}

func (i *inbound) decode(t *codec.Decoding, body []byte) (any, error) {
	scope := i.remote.scope
	scope.Denied = i.denied
	if !i.sampling.due() {
		return t.Decode(scope, body)
	}
	from := i.remote.clock.Now()
	msg, err := t.Decode(scope, body)
	i.peer.instruments.decoding.add(i.remote.clock.Now().Sub(from))
	return msg, err
}

// path is the string of a path, made once per connection for those that come again.
func (i *inbound) path(b []byte) string {
	if s, ok := i.paths[string(b)]; ok {
		return s
	}
	s := string(b)
	if !actor.IsAsk(s) {
		i.paths = remember(i.paths, s, s)
	}
	return s
}

// sender is the ref of a sender, made once per connection for those that come again.
func (i *inbound) sender(s sender) actor.PID {
	if s.Flags != flagSenderHere || actor.IsAsk(string(s.Path)) {
		return i.remote.sys.RefOf(s.location(i.who))
	}
	if pid, ok := i.senders[string(s.Raw)]; ok {
		return pid
	}
	pid := i.remote.sys.RefOf(s.location(i.who))
	i.senders = remember(i.senders, string(s.Raw), pid)
	return pid
}

// remember adds to a cache, which starts anew when it is full.
func remember[V any](m map[string]V, k string, v V) map[string]V {
	if m == nil || len(m) >= cacheMax {
		m = map[string]V{}
	}
	m[k] = v
	return m
}
