package remote

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

// Class is what kind of node another one is, and so what it may do here. What a
// class may do is a closed table; see [Access].
type Class uint8

// The classes, from the one that may most to the one that may least.
const (
	// Member is a node of one's own: it may send to and watch every actor.
	Member Class = iota
	// Client is somebody else's program: it may send to and watch the actors
	// that Access.Exported names, and answer what it was asked.
	Client
	// Observer may watch the actors that Access.Exported names, and answer what
	// it was asked. It sends nothing of its own.
	Observer

	classCount = 3
)

// String returns the name of the class.
func (c Class) String() string {
	if c < classCount {
		return [...]string{"member", "client", "observer"}[c]
	}
	return fmt.Sprintf("class %d", uint8(c))
}

// Access says of which class other nodes are, and what each class may do here. The
// zero value: whoever is let in is a member, and nobody may stop actors of this
// node, reach them by patterns, or start them from elsewhere.
//
// What decides the class of a node is its certificate, by Certificates, and the
// secret by which it has proved itself; if they disagree, the class that may less.
type Access struct {
	// Default is the class of nodes of which neither certificate nor secret says
	// one. Default Member.
	Default Class
	// Certificates give classes by the names in certificates; the first that
	// matches counts. TLS.Allow, if set, must let these nodes in besides.
	Certificates []CertificateClass
	// ClientSecrets and ObserverSecrets make clients and observers of those who
	// prove themselves by one of them, as Config.Secrets make members. The node
	// of a client has its secret as Config.Secrets. At most two each; they need
	// Config.Secrets to be set. See [Remote.SetSecretsOf].
	ClientSecrets, ObserverSecrets []Secret
	// Exported are the paths of the actors that clients may send to and watch:
	// "/user/api" is one, "/user/api/*" are its children, "/user/api/**" all
	// below it. Not bounded to /user, but think twice. At most 64; default none.
	Exported []string
	// Stop are the classes whose nodes may stop the actors that they may send to,
	// by PoisonPill, Kill or StopActor, and have them be stopped by messages of a
	// type registered with codec.RightStop. Default none.
	Stop []Class
	// Select are the classes whose nodes may send to selections
	// (actor.System.Select). It lets a node reach every actor here, whatever
	// Exported says. Default none.
	Select []Class
	// Spawn are the classes whose nodes may start the actors that [Remote.Offer]
	// has named. Default none.
	Spawn []Class
}

// CertificateClass gives a class to nodes by a name in their certificates.
type CertificateClass struct {
	// Name is a pattern as in TLS.Allow.
	Name  string
	Class Class
}

// check says what is wrong.
func (a Access) check(secrets int) error {
	if a.Default >= classCount {
		return fmt.Errorf("Default: there is no %v", a.Default)
	}
	for _, c := range a.Certificates {
		if c.Class >= classCount {
			return fmt.Errorf("Certificates: %q as %v: there is no such class", c.Name, c.Class)
		}
		if err := checkName(c.Name); err != nil {
			return fmt.Errorf("Certificates: %w", err)
		}
	}
	if err := checkPatterns(a.Exported); err != nil {
		return fmt.Errorf("Exported: %w", err)
	}
	for _, s := range [][]Secret{a.ClientSecrets, a.ObserverSecrets} {
		if err := checkSecrets(s); err != nil {
			return err
		}
		if len(s) > 0 && secrets == 0 {
			return errors.New("ClientSecrets or ObserverSecrets without Config.Secrets: members would need none")
		}
	}
	for _, list := range [][]Class{a.Stop, a.Select, a.Spawn} {
		if slices.ContainsFunc(list, func(c Class) bool { return c >= classCount }) {
			return errors.New("Stop, Select or Spawn names a class that there isn't")
		}
	}
	return nil
}

// classOf finds the class of a node: certificate is what it has shown, if any;
// bySecret that of the secret by which it has proved itself, if proved.
func (a Access) classOf(certificate *x509.Certificate, proved bool, bySecret Class) Class {
	class, known := a.Default, false
	if certificate != nil && len(a.Certificates) > 0 {
		known = true
		for _, c := range a.Certificates {
			if matches(c.Name, certificate) {
				class = c.Class
				break
			}
		}
	}
	switch {
	case proved && known:
		return max(class, bySecret)
	case proved:
		return bySecret
	}
	return class
}

// denied are the rights that a class lacks, for decoding.
func (a Access) denied(class Class) codec.Right {
	var d codec.Right
	if class != Member {
		d |= codec.RightMember
	}
	for right, granted := range map[codec.Right][]Class{codec.RightStop: a.Stop, codec.RightSelect: a.Select, codec.RightSpawn: a.Spawn} { //det:ok bits add up in any order
		if !slices.Contains(granted, class) {
			d |= right
		}
	}
	return d
}

// operation is one of the things that a node can want of an actor here.
type operation uint8

const (
	opTell operation = iota
	opWatch
	opUnwatch
	opTerminated // an actor of its own has ended that somebody here watches
	opStop
	operationCount
)

func (o operation) String() string {
	return [...]string{"send to", "watch", "unwatch", "report an end to", "stop"}[o]
}

// zone is where an actor is, as far as permissions go.
type zone uint8

const (
	zoneExported zone = iota // Access.Exported names it
	zoneReply                // somebody waits for an answer there
	zoneUser                 // the users' actors
	zoneGuardian             // takes what is for selections, and orders to spawn: their types demand rights
	zoneInternal             // the runtime's own, and everything else
	zoneCount
)

func (z zone) String() string {
	return [...]string{"exported", "reply", "user", "guardian", "internal"}[z]
}

// replyPrefix begins the paths of those that wait for an answer, or for an end.
const replyPrefix = "/temp/"

// zoneOf tells the zone of a path. What is no canonical path is internal, so that
// no way of writing one gets around the table.
func (a Access) zoneOf(path string) zone {
	switch {
	case !strings.HasPrefix(path, "/"), strings.Contains(path, "//"), strings.HasSuffix(path, "/"):
		return zoneInternal
	case path == "/user", path == spawnedPath:
		return zoneGuardian
	case matchesAny(a.Exported, path):
		return zoneExported
	case strings.HasPrefix(path, replyPrefix):
		return zoneReply
	case strings.HasPrefix(path, "/user/"):
		return zoneUser
	}
	return zoneInternal
}

// ruling is a cell of the table.
type ruling uint8

const (
	never ruling = iota
	always
	granted // if the class is in the list of the operation
)

// rules is the table: what is not in it is not allowed.
var rules = [operationCount][zoneCount][classCount]ruling{
	opTell: {
		zoneExported: {Member: always, Client: always, Observer: never},
		zoneReply:    {Member: always, Client: always, Observer: always},
		zoneUser:     {Member: always},
		zoneGuardian: {Member: always, Client: always, Observer: never},
		zoneInternal: {Member: always},
	},
	opWatch: {
		zoneExported: {Member: always, Client: always, Observer: always},
		zoneReply:    {Member: always, Client: always, Observer: always},
		zoneUser:     {Member: always},
		zoneGuardian: {Member: always},
		zoneInternal: {Member: always},
	},
	opUnwatch: {
		zoneExported: {Member: always, Client: always, Observer: always},
		zoneReply:    {Member: always, Client: always, Observer: always},
		zoneUser:     {Member: always, Client: always, Observer: always},
		zoneGuardian: {Member: always, Client: always, Observer: always},
		zoneInternal: {Member: always, Client: always, Observer: always},
	},
	opTerminated: {
		zoneExported: {Member: always, Client: always, Observer: always},
		zoneReply:    {Member: always, Client: always, Observer: always},
		zoneUser:     {Member: always, Client: always, Observer: always},
		zoneGuardian: {Member: always, Client: always, Observer: always},
		zoneInternal: {Member: always, Client: always, Observer: always},
	},
	opStop: {
		zoneExported: {Member: granted, Client: granted},
		zoneUser:     {Member: granted},
	},
}

// permits reports whether a class may do something with the actor at a path.
func (a Access) permits(class Class, op operation, path string) bool {
	if class >= classCount || op >= operationCount {
		return false
	}
	if class == Member && op != opStop {
		return true // every cell says so, and this is asked for each message
	}
	switch rules[op][a.zoneOf(path)][class] {
	case always:
		return true
	case granted:
		return op == opStop && slices.Contains(a.Stop, class)
	}
	return false
}

// lacking says what a class may not do with the actor at a path, and which setting of
// this node would let it.
func (a Access) lacking(class Class, op operation, path string) error {
	setting := "that node's Access.Exported would have to name it"
	switch z := a.zoneOf(path); {
	case class == Observer && op != opWatch:
		setting = "that node's Access.Default, Access.Certificates or secrets would have to make this one a client or a member"
	case op == opStop && z != zoneExported && z != zoneUser:
		setting = "it is the runtime's own, and no setting grants that"
	case op == opStop && (z == zoneExported || class == Member):
		setting = "that node's Access.Stop would have to list the class"
	case op == opStop:
		setting = "that node's Access.Exported would have to name it, and Access.Stop to list the class"
	}
	return fmt.Errorf("%w: a node of the class %v may not %v %.100q; %s", codec.ErrDenied, class, op, path, setting)
}

// withSetting adds to the error of a message whose type demands a right which setting of
// this node grants it.
func withSetting(class Class, err error) error {
	denied, ok := errors.AsType[*codec.DeniedError](err)
	if !ok {
		return err
	}
	var settings []string
	for _, s := range []struct {
		right codec.Right
		name  string
	}{{codec.RightStop, "Stop"}, {codec.RightSelect, "Select"}, {codec.RightSpawn, "Spawn"}} {
		if denied.Lacking&s.right != 0 {
			settings = append(settings, "Access."+s.name)
		}
	}
	if denied.Lacking&codec.RightMember != 0 {
		return fmt.Errorf("%w; that node's Access.Default, Access.Certificates or secrets would have to make this one a member", err)
	}
	return fmt.Errorf("%w; that node's %s would have to list the class %v", err, strings.Join(settings, " and "), class)
}

// operationOf names what a system message wants.
func operationOf(kind actor.SystemKind) (operation, bool) {
	switch kind {
	case actor.SystemWatch:
		return opWatch, true
	case actor.SystemUnwatch:
		return opUnwatch, true
	case actor.SystemTerminated:
		return opTerminated, true
	case actor.SystemStop:
		return opStop, true
	}
	return 0, false
}

// secretTable has the secrets by which nodes prove of which class they are.
type secretTable [classCount][]Secret

func (c Config) secretTable() *secretTable {
	return &secretTable{Member: slices.Clone(c.Secrets), Client: slices.Clone(c.Access.ClientSecrets), Observer: slices.Clone(c.Access.ObserverSecrets)}
}

// prove finds the secret by which a dialer has proved itself, and its class. All
// are tried, so that the time taken says nothing.
func (t *secretTable) prove(said transcript, proof []byte) (found *session, class Class) {
	for c, secrets := range t {
		if s, ok := accepts(secrets, said, proof); ok && found == nil {
			found, class = s, Class(c)
		}
	}
	return found, class
}

// admitted is the class by which an incarnation of a peer has been let in.
type admitted struct {
	uid   uint64
	class Class
}

// bars reports whether what is known of who was let in keeps an incarnation from coming
// in as a class: somebody who shares only a lesser secret must not pass for one that has
// proved a better one.
func (a *admitted) bars(uid uint64, class Class) bool {
	return a != nil && a.uid == uid && a.class < class
}

// admit notes the class of an incarnation that is let in, and reports whether it may
// be. It is not asked of those who only knock: they may not be who they say. If the same
// one was let in as a class that may less, that was the impostor, whose connections end.
func (p *peer) admit(uid uint64, class Class) bool {
	for {
		was := p.admitted.Load()
		same := was != nil && was.uid == uid
		switch {
		case was.bars(uid, class):
			return false
		case same && was.class == class:
			return true
		case p.admitted.CompareAndSwap(was, &admitted{uid: uid, class: class}):
			if same {
				p.remote.endLesser(p.addr, uid, class)
			}
			return true
		}
	}
}

// classOf is the class of an incarnation, the least if it never came in.
func (p *peer) classOf(uid uint64) Class {
	if a := p.admitted.Load(); a != nil && a.uid == uid {
		return a.class
	}
	return Observer
}

// secret is the one to prove this node with to the peer: for a node that came in
// as a client, that of the clients.
func (p *peer) secret(kind laneKind) (Secret, Class) {
	table := p.remote.secrets.Load()
	class := Member
	if a := p.admitted.Load(); a != nil {
		class = a.class
	}
	if kind == laneProbe {
		class = p.probeAs(class)
	}
	if len(table[class]) == 0 {
		class = Member
	}
	if len(table[class]) == 0 {
		return Secret{}, Member
	}
	return table[class][0], class
}

// disproved reports whether what was said at the door of the node at this address is not
// so: who answers, as a class that may less was expected to, is another one, and the one
// that was let in has never answered there. It may have claimed the address of a member,
// which is to be met as one.
func (p *peer) disproved(o *outbound, answers uint64) bool {
	a := p.admitted.Load()
	return o.kind != laneProbe && o.class != Member && a != nil && a.class != Member && a.uid != answers && a.uid != p.answered &&
		p.admitted.CompareAndSwap(a, nil)
}

// probeAs is the class as which to ask the address who is there, when somebody knocks
// whose class may not be that of who was there before: at first the best of them, so that
// a member answers whoever has claimed its address, then by turns that of who knocks.
func (p *peer) probeAs(class Class) Class {
	p.probes++
	for _, w := range p.assoc.waiting {
		switch i := p.remote.inboundOf(w.conn); {
		case i == nil:
		case p.probes%2 == 0:
			class = i.class
		default:
			class = min(class, i.class)
		}
	}
	return class
}

// endLesser ends the connections of an incarnation that were let in as a class
// that may less.
func (r *Remote) endLesser(addr string, uid uint64, class Class) {
	for _, i := range r.sortedConns() {
		if i.open.Load() && i.who.Addr == addr && i.who.UID == uid && i.class > class {
			i.kill()
		}
	}
}

// deny counts and says what a node was not allowed to do, once for each node and
// thing.
func (r *Remote) deny(who identity, class Class, what string, path string, why error) {
	r.stats.denied.Add(1)
	r.sys.Publish(Denied{Addr: who.Addr, UID: who.UID, Class: class, What: what, Path: printable(path)})
	r.warnOnce("denied "+who.Addr+" "+what, func() {
		r.log.Warn().Str("peer", printable(who.Addr)).Stringer("class", class).Str("path", printable(path)).
			Str("error", printable(why.Error())).Msg("not allowed to " + what + "; said once for each peer")
	})
}

// denySystem is deny for a system message. Who waits for the end of an actor that it may
// not watch is told.
func (r *Remote) denySystem(e effect, class Class, op operation) {
	m := e.system
	why := r.cfg.Access.lacking(class, op, m.ToPath)
	r.deny(e.peer, class, op.String()+" actors", m.ToPath, why)
	if op == opWatch && strings.HasPrefix(m.FromPath, replyPrefix) {
		from := actor.Location{System: e.peer.System, Addr: e.peer.Addr, UID: e.uid, Path: m.FromPath, ID: m.FromID}
		r.sys.RefOf(from).Tell(actor.Failure{Err: &actor.DeadLetterError{Reason: actor.DropRefused, Cause: why}})
	}
}
