package actor

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Identify is answered by every actor with an [ActorIdentity], without its
// seeing it.
type Identify struct {
	// ID comes back in the answer.
	ID uint64
}

// ActorIdentity answers an [Identify].
type ActorIdentity struct {
	// ID is that of the question.
	ID uint64
	// Ref is who answers; nobody when a selection has matched no actor.
	Ref PID
}

func (c *cell) identify(env envelope) {
	m := env.msg.(Identify)
	c.ctx.send(PID{p: env.from}, ActorIdentity{ID: m.ID, Ref: PID{p: &c.process}}, &c.process)
}

// selectionMax bounds the length of a selection, in bytes.
const selectionMax = 4096

// Selection is all actors whose paths match a pattern at the moment of a send.
// The elements of the pattern may have the wildcards * (any characters) and ?
// (any one). It can be told messages and asked like a ref, through its
// [Selection.PID], and is safe for concurrent use. Selections are equal with ==
// when their patterns and systems are.
type Selection struct {
	sys     *System
	addr    string // empty: this system
	pattern string // absolute, without . and ..
}

// Select returns the selection for an absolute path such as "/user/shop-*/till",
// or "troupe://system@host:port/user/…" for actors of another node. It fails for
// a path that no actor can have ([ErrBadName]) and for an address that no node can have
// ([ErrBadAddress]).
func (s *System) Select(pattern string) (Selection, error) { return s.selection("/", pattern) }

// Select returns the selection for a path, which unless it begins with / is
// relative to the actor's own: "child", "../sibling", "../*".
func (c *Context) Select(pattern string) (Selection, error) {
	return c.cell.sys.selection(c.cell.path(), pattern)
}

func (s *System) selection(base, pattern string) (Selection, error) {
	bad := func(why string) (Selection, error) {
		return Selection{}, fmt.Errorf("select %.100q: %w: %s", pattern, ErrBadName, why)
	}
	sel, elements := Selection{sys: s}, pattern
	if rest, remote := strings.CutPrefix(pattern, "troupe://"); remote {
		authority, tail, ok := strings.Cut(rest, "/")
		if !ok {
			return bad("no path behind the address")
		}
		name, addr, _ := strings.Cut(authority, "@")
		if err := checkSystemName(name); err != nil {
			return Selection{}, fmt.Errorf("select %.100q: %w", pattern, err)
		}
		if addr != s.Addr() {
			if err := checkAddr(addr); err != nil {
				return Selection{}, fmt.Errorf("select %.100q: %w", pattern, err)
			}
			sel.addr = addr
		} else if name != s.name {
			return bad("that is another system's address")
		}
		elements = "/" + tail
	}
	switch {
	case elements == "":
		return bad("it is empty")
	case len(elements) > selectionMax:
		return bad("it is too long")
	case elements[0] != '/':
		elements = base + "/" + elements
	}
	elements, _, _ = strings.Cut(elements, "#") // the incarnation doesn't count
	for e := range strings.SplitSeq(elements, "/") {
		if err := checkPattern(e); err != nil {
			return Selection{}, fmt.Errorf("select %.100q: %w", pattern, err)
		}
	}
	sel.pattern = path.Clean(elements)
	return sel, nil
}

// checkPattern says whether an element of a selection could match any actor.
func checkPattern(element string) error {
	switch plain := strings.Trim(element, "*?"); plain {
	case "", ".", "..": // all, or nothing, or another place
		return nil
	}
	return checkElement(strings.TrimPrefix(strings.NewReplacer("*", "a", "?", "a").Replace(element), "$"))
}

// String returns the pattern in the form that [System.Select] takes.
func (s Selection) String() string {
	return Location{System: s.sys.name, Addr: s.addr, Path: s.pattern}.String()
}

// PID returns a virtual ref that leads to the selection: what is sent to it goes
// to every match, with its sender, or becomes a dead letter when there is none. It
// has no end that could be watched and means nothing on another node; send
// [Selection.String] there.
func (s Selection) PID() PID { return s.sys.NewRef(s.pattern, s) }

// Tell sends msg, without a sender, to every match.
func (s Selection) Tell(msg any) {
	plain, t := TraceOf(msg)
	_ = s.DeliverTraced(plain, PID{}, t)
}

// Deliver implements [Handler].
func (s Selection) Deliver(msg any, from PID) error { return s.DeliverTraced(msg, from, "") }

// DeliverTraced implements [TraceHandler].
func (s Selection) DeliverTraced(msg any, from PID, t Trace) error {
	if s.addr != "" {
		return s.sys.RefAt(s.addr, "/user").TellFrom(WithTrace(selected{pattern: s.pattern, msg: msg}, t), from)
	}
	return s.sys.deliverSelected(selected{pattern: s.pattern, msg: msg}, from, t)
}

// Matches returns the actors of this system that match now, parents before
// children and siblings in the order of their birth; none for another node.
func (s Selection) Matches() []PID {
	if s.addr != "" {
		return nil
	}
	var pids []PID
	for _, c := range s.sys.matching(s.pattern) {
		pids = append(pids, PID{p: &c.process})
	}
	return pids
}

// Resolve asks the selection who it is and returns the first who answers. It
// waits like an [Ask]; [ErrNobody] means that nobody matches.
func (s Selection) Resolve(ctx context.Context) (PID, error) {
	id, err := AskAs[ActorIdentity](ctx, s.PID(), any(Identify{}))
	if err != nil {
		return PID{}, fmt.Errorf("resolve %v: %w", s, err)
	}
	if id.Ref.IsZero() {
		return PID{}, fmt.Errorf("resolve %v: %w", s, ErrNobody)
	}
	return id.Ref, nil
}

// selected is a message to a selection of another node; its guardian of the
// users' actors passes it on.
type selected struct {
	pattern string
	msg     any
}

// deliverSelected hands a message to all that match.
func (s *System) deliverSelected(m selected, from PID, t Trace) error {
	env := envelope{msg: WithTrace(m.msg, t), from: from.p}
	cells := s.matching(m.pattern)
	if len(cells) == 0 && !strings.ContainsAny(m.pattern, "*?") {
		switch p := s.local(m.pattern, 0); p.t.(type) {
		case *deadTarget, *cell: // a cell here is one that is just ending
		default: // a reply, or virtual
			return p.t.deliver(env)
		}
	}
	for _, c := range cells {
		_ = c.deliver(env)
	}
	if len(cells) > 0 {
		return nil
	}
	if i, ok := m.msg.(Identify); ok {
		return from.TryTell(ActorIdentity{ID: i.ID})
	}
	s.drop(s.RefAt("", m.pattern), m.msg, from, DropStopped)
	return ErrStopped
}

// matching returns the living cells whose path matches the pattern.
func (s *System) matching(pattern string) []*cell {
	level := []*cell{s.root}
	for _, element := range strings.Split(strings.Trim(pattern, "/"), "/") {
		var next []*cell
		for _, c := range level {
			next = c.matchingChildren(next, element)
		}
		level = next
	}
	return slices.DeleteFunc(level, func(c *cell) bool { return c.mailbox.isClosed() })
}

func (c *cell) matchingChildren(found []*cell, element string) []*cell {
	if !strings.ContainsAny(element, "*?") {
		if child := c.children().get(element); child != nil {
			found = append(found, child)
		}
		return found
	}
	for _, child := range c.children().all() {
		if ok, _ := path.Match(element, child.label()); ok {
			found = append(found, child)
		}
	}
	return found
}

// guardianActor is the actor above the users' actors, or above the extensions'.
type guardianActor struct{}

func (guardianActor) Receive(ctx *Context) {
	if m, ok := ctx.Message().(selected); ok {
		_ = ctx.cell.sys.deliverSelected(m, ctx.Sender(), ctx.Trace())
		return
	}
	ctx.cell.sys.unhandled(ctx)
}
