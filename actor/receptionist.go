package actor

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// ServiceKey is the name under which actors that take messages of type M are
// found. Keys with the same name and different types are different.
//
//	const printers = actor.ServiceKey[PrintJob]("printers")
//
// Registrations are kept by the system's receptionist, in one process by one
// below /system; another may take its place, see [System.SetReceptionist].
type ServiceKey[M any] string

// Listing tells who is registered under a key at the moment.
type Listing[M any] struct {
	Key ServiceKey[M]
	// Refs are those registered, in the order in which they were.
	Refs []Ref[M]
}

// id is the key on the way to the receptionist.
func (k ServiceKey[M]) id() string {
	return "service " + string(k) + " " + reflect.TypeFor[M]().String()
}

// Register makes ref known under the key until it is deregistered or stops.
// Doing it again changes nothing. Whoever asks afterwards finds it. Nobody is an
// [ErrNobody].
func (k ServiceKey[M]) Register(s *System, ref Ref[M]) error {
	if ref.IsZero() {
		return fmt.Errorf("register under %q: %w", string(k), ErrNobody)
	}
	return s.reception(RegisterService{Key: k.id(), Ref: ref.PID()})
}

// Deregister ends a registration under this key; others of the actor stay.
func (k ServiceKey[M]) Deregister(s *System, ref Ref[M]) error {
	return s.reception(DeregisterService{Key: k.id(), Ref: ref.PID()})
}

// Find returns who is registered. It waits like an [Ask].
func (k ServiceKey[M]) Find(ctx context.Context, s *System) (Listing[M], error) {
	desk, err := s.Receptionist()
	if err != nil {
		return Listing[M]{}, err
	}
	pids, err := AskAs[[]PID](ctx, desk, any(FindService{Key: k.id()}))
	if err != nil {
		return Listing[M]{}, fmt.Errorf("find %q: %w", string(k), err)
	}
	return k.listing(pids), nil
}

// Subscribe makes who receive a [Listing] of the key now and after each change,
// until it unsubscribes or stops. Nobody is an [ErrNobody].
func (k ServiceKey[M]) Subscribe(s *System, who Addressable) error {
	p := processOf(who)
	if p == nil {
		return fmt.Errorf("subscribe to %q: %w", string(k), ErrNobody)
	}
	return s.reception(SubscribeService{
		Key: k.id(), Subscriber: PID{p: p}, Listing: func(refs []PID) any { return k.listing(refs) },
	})
}

// Unsubscribe ends a subscription.
func (k ServiceKey[M]) Unsubscribe(s *System, who Addressable) error {
	return s.reception(UnsubscribeService{Key: k.id(), Subscriber: PID{p: processOf(who)}})
}

func (k ServiceKey[M]) listing(pids []PID) Listing[M] {
	l := Listing[M]{Key: k}
	for _, p := range pids {
		l.Refs = append(l.Refs, Narrow[M](p))
	}
	return l
}

// Topic is the name of something to which messages of type M are published, for
// all who have subscribed to it at the moment. Delivery is at most once, in the
// publisher's order for each subscriber. Topics with the same name and different
// types are different.
type Topic[M any] string

func (t Topic[M]) id() string { return "topic " + string(t) + " " + reflect.TypeFor[M]().String() }

// Publish sends msg to all subscribers; without any it becomes a dead letter.
func (t Topic[M]) Publish(s *System, msg M) error {
	return s.reception(PublishTopic{Key: t.id(), Message: msg})
}

// Subscribe makes ref receive what is published, until it unsubscribes or stops.
// Nobody is an [ErrNobody].
func (t Topic[M]) Subscribe(s *System, ref Ref[M]) error {
	if ref.IsZero() {
		return fmt.Errorf("subscribe to topic %q: %w", string(t), ErrNobody)
	}
	return s.reception(RegisterService{Key: t.id(), Ref: ref.PID()})
}

// Unsubscribe ends a subscription.
func (t Topic[M]) Unsubscribe(s *System, ref Ref[M]) error {
	return s.reception(DeregisterService{Key: t.id(), Ref: ref.PID()})
}

// The protocol of a receptionist: what [ServiceKey] and [Topic] send to it.
// Programs use those; whoever writes a receptionist handles these.
type (
	// RegisterService makes Ref known under Key.
	RegisterService struct {
		Key string
		Ref PID
	}
	// DeregisterService ends that.
	DeregisterService struct {
		Key string
		Ref PID
	}
	// FindService is answered with the refs, a []PID.
	FindService struct{ Key string }
	// SubscribeService makes the Subscriber receive what Listing makes of the
	// refs, now and after each change. It doesn't leave the process.
	SubscribeService struct {
		Key        string
		Subscriber PID
		Listing    func(refs []PID) any
	}
	// UnsubscribeService ends that.
	UnsubscribeService struct {
		Key        string
		Subscriber PID
	}
	// PublishTopic sends Message to all who are registered under Key.
	PublishTopic struct {
		Key     string
		Message any
	}
)

// receptionDesk is the extension that holds the ref of the receptionist.
type receptionDesk struct{ pid PID }

// Receptionist returns the ref of the system's receptionist, which the first
// call starts.
func (s *System) Receptionist() (PID, error) {
	d, err := Extension(s, func(s *System) (receptionDesk, error) {
		pid, err := s.Internal().Spawn("receptionist", func() Actor { return &receptionist{} })
		return receptionDesk{pid}, err
	})
	return d.pid, err
}

// SetReceptionist makes another actor the system's receptionist, one that knows
// those of other nodes for example. It fails with [ErrNameTaken] when there is one
// already: do it before anything is registered.
func (s *System) SetReceptionist(pid PID) error {
	d, err := Extension(s, func(*System) (receptionDesk, error) { return receptionDesk{pid}, nil })
	if err == nil && d.pid != pid {
		return fmt.Errorf("set receptionist: %w: %v is at work", ErrNameTaken, d.pid)
	}
	return err
}

func (s *System) reception(msg any) error {
	desk, err := s.Receptionist()
	if err != nil {
		return err
	}
	return desk.TryTell(msg)
}

// receptionist is the one of a single process.
type receptionist struct{ directory }

func (r *receptionist) Receive(ctx *Context) {
	switch m := ctx.Message().(type) {
	case RegisterService:
		r.carryOut(ctx, r.register(m.Key, m.Ref))
	case DeregisterService:
		r.carryOut(ctx, r.deregister(m.Key, m.Ref))
	case SubscribeService:
		r.carryOut(ctx, r.subscribe(m))
	case UnsubscribeService:
		r.carryOut(ctx, r.unsubscribe(m.Key, m.Subscriber))
	case FindService:
		ctx.Reply(slices.Clone(r.services[m.Key]))
	case Terminated:
		r.carryOut(ctx, r.gone(m.Ref))
	case PublishTopic:
		refs := r.services[m.Key]
		if len(refs) == 0 {
			ctx.System().Drop(ctx.Self(), m.Message, ctx.Sender(), DropNobody)
		}
		for _, ref := range refs {
			_ = ref.TryTell(m.Message)
		}
	default:
		ctx.Unhandled()
	}
}

func (r *receptionist) carryOut(ctx *Context, effects []directoryEffect) {
	for _, e := range effects {
		switch {
		case e.tell != nil:
			ctx.Tell(e.who, e.tell)
		case e.watch:
			ctx.Watch(e.who)
		default:
			ctx.Unwatch(e.who)
		}
	}
}

// directory is what a receptionist knows, as a value.
type directory struct {
	services    map[string][]PID
	subscribers map[string][]SubscribeService
	uses        map[PID]int // entries of an actor; who has any is watched
}

// directoryEffect is what has to be done: tell, watch or unwatch somebody.
type directoryEffect struct {
	who   PID
	tell  any
	watch bool
}

func (d *directory) register(key string, ref PID) []directoryEffect {
	if ref.IsZero() || slices.Contains(d.services[key], ref) {
		return nil
	}
	if d.services == nil {
		d.services = map[string][]PID{}
	}
	d.services[key] = append(d.services[key], ref)
	return append(d.use(ref), d.announce(key)...)
}

func (d *directory) deregister(key string, ref PID) []directoryEffect {
	i := slices.Index(d.services[key], ref)
	if i < 0 {
		return nil
	}
	if d.services[key] = slices.Delete(d.services[key], i, i+1); len(d.services[key]) == 0 {
		delete(d.services, key)
	}
	return append(d.unuse(ref), d.announce(key)...)
}

func (d *directory) subscribe(m SubscribeService) []directoryEffect {
	if m.Subscriber.IsZero() || m.Listing == nil {
		return nil
	}
	listing := directoryEffect{who: m.Subscriber, tell: m.Listing(slices.Clone(d.services[m.Key]))}
	if d.subscriber(m.Key, m.Subscriber) >= 0 {
		return []directoryEffect{listing}
	}
	if d.subscribers == nil {
		d.subscribers = map[string][]SubscribeService{}
	}
	d.subscribers[m.Key] = append(d.subscribers[m.Key], m)
	return append(d.use(m.Subscriber), listing)
}

func (d *directory) unsubscribe(key string, who PID) []directoryEffect {
	i := d.subscriber(key, who)
	if i < 0 {
		return nil
	}
	if d.subscribers[key] = slices.Delete(d.subscribers[key], i, i+1); len(d.subscribers[key]) == 0 {
		delete(d.subscribers, key)
	}
	return d.unuse(who)
}

func (d *directory) subscriber(key string, who PID) int {
	return slices.IndexFunc(d.subscribers[key], func(s SubscribeService) bool { return s.Subscriber == who })
}

// gone forgets an actor that has stopped.
func (d *directory) gone(who PID) (effects []directoryEffect) {
	for _, key := range slices.Sorted(maps.Keys(d.subscribers)) {
		effects = append(effects, d.unsubscribe(key, who)...)
	}
	for _, key := range slices.Sorted(maps.Keys(d.services)) {
		effects = append(effects, d.deregister(key, who)...)
	}
	return effects
}

// announce tells the subscribers of a key who is registered.
func (d *directory) announce(key string) (effects []directoryEffect) {
	for _, s := range d.subscribers[key] {
		effects = append(effects, directoryEffect{who: s.Subscriber, tell: s.Listing(slices.Clone(d.services[key]))})
	}
	return effects
}

func (d *directory) use(who PID) []directoryEffect {
	if d.uses == nil {
		d.uses = map[PID]int{}
	}
	d.uses[who]++
	if d.uses[who] == 1 {
		return []directoryEffect{{who: who, watch: true}}
	}
	return nil
}

func (d *directory) unuse(who PID) []directoryEffect {
	if d.uses[who]--; d.uses[who] > 0 {
		return nil
	}
	delete(d.uses, who)
	return []directoryEffect{{who: who}}
}
