package main

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/openloop"
	"github.com/troupe-go/troupe/internal/stranger"
)

// attack is something that a stranger, or a bad peer, does to the port of a node.
type attack struct {
	id, what string
	rate     float64 // connections a second
	atOnce   int     // at most
	open     bool    // the nodes take all connections: no AcceptRate
	tls      bool    // the nodes talk over TLS
	on       func(k knock)
}

// Lengths and other bounds of what is sent.
const (
	randomMost     = 300
	floodFrames    = 1_100 // of unknown kinds, where 1 000 are put up with
	floodMessages  = 1_000
	slowEvery      = time.Second
	stormPatience  = 100 * time.Millisecond
	closedPatience = 2 * time.Second
)

// attacks are those of section 6.3 of the plan for reliability that cost the nodes work.
func attacks() []attack {
	return []attack{
		{id: "R", what: "random bytes", rate: 5000, atOnce: 500, on: knock.random},
		{id: "Ro", what: "random bytes, all listened to", rate: 5000, atOnce: 500, open: true, on: knock.random},
		{id: "S", what: "2 000 at once that say a byte a second", rate: 2000, atOnce: 2000, on: knock.slowly},
		{id: "So", what: "the same, all listened to", rate: 2000, atOnce: 2000, open: true, on: knock.slowly},
		{id: "L", what: "lengths 0, 1, 4097, 2^31-1, 2^32-1", rate: 2000, atOnce: 500, open: true, on: knock.length},
		{id: "P", what: "HTTP, SSH, TLS", rate: 2000, atOnce: 500, open: true, on: knock.otherProtocol},
		{id: "C", what: "connections, nothing said", rate: 5000, atOnce: 1000, on: knock.nothing},
		{id: "W", what: "handshakes by a wrong secret", rate: 1000, atOnce: 500, open: true, on: knock.falseProof},
		{id: "T", what: "handshakes of TLS without a certificate", rate: 300, atOnce: 300, open: true, tls: true, on: knock.nameless},
		{id: "F", what: "1 000 frames of unknown kinds each, by a peer", rate: 50, atOnce: 50, on: knock.unknownKinds},
		{id: "M", what: "1 000 messages of unknown types each, by a peer", rate: 50, atOnce: 50, on: knock.unknownTypes},
	}
}

func attackOf(id string) attack {
	for _, a := range attacks() {
		if a.id == id {
			return a
		}
	}
	return attack{}
}

// made is what an attacker has done.
type made struct {
	Connections int
	Refused     int // attempts that came to nothing, by the kernel of either end
	Took        time.Duration
}

// knock is one connection of an attack.
type knock struct {
	conn   net.Conn
	i      int
	rng    *rand.Rand
	target string
	end    time.Time // of the attack
}

// feint is the attack, as far as it costs the attacker: as many connections, to itself.
func (a attack) feint() attack {
	a.on = knock.random
	return a
}

// attacker is the program that attacks the first node, or feigns to.
func (p part) attacker() error {
	if err := giveWay(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", attackerHost+":0")
	if err != nil {
		return err
	}
	go refuseAll(l)
	a := attackOf(p.Attack)
	return serve(func(word, about string) (any, error) {
		d, err := time.ParseDuration(about)
		if err != nil {
			return nil, err
		}
		if word == feigned {
			return a.feint().run(l.Addr().String(), d)
		}
		return a.run(p.Addrs[0], d)
	})
}

// refuseAll closes all connections at once.
func refuseAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.Close() // nothing is to be said
	}
}

var errOver = errors.New("the attack is over")

// run attacks a node for a time.
func (a attack) run(target string, d time.Duration) (made, error) {
	begun := time.Now()
	end := begun.Add(d)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attackerHost)}, Deadline: end}
	l := openloop.New(max(int(a.rate*d.Seconds()), 1), a.rate)
	l.Sleeps = true
	var connections, refused atomic.Int64
	var all sync.WaitGroup
	room := make(chan struct{}, a.atOnce)
	err := l.Drive(func(i int) error {
		select {
		case room <- struct{}{}:
		case <-time.After(time.Until(end)):
			return errOver
		}
		all.Go(func() {
			defer func() { <-room }()
			c, err := dialer.Dial("tcp", target)
			if err != nil {
				refused.Add(1)
				return
			}
			defer c.Close() //nolint:errcheck // it is closed by the other end
			connections.Add(1)
			_ = c.SetDeadline(end)
			_ = c.(*net.TCPConn).SetLinger(0) // leaves no port behind that is not free for minutes
			a.on(knock{conn: c, i: i, rng: rand.New(rand.NewPCG(1, uint64(i))), target: target, end: end})
		})
		return nil
	})
	all.Wait()
	if errors.Is(err, errOver) {
		err = nil
	}
	return made{Connections: int(connections.Load()), Refused: int(refused.Load()), Took: time.Since(begun)}, err
}

// say sends something and waits until the other end closes the connection.
func (k knock) say(b []byte) {
	_, _ = k.conn.Write(b)
	_, _ = io.Copy(io.Discard, k.conn)
}

func (k knock) random() {
	b := make([]byte, 1+k.rng.IntN(randomMost))
	for i := range b {
		b[i] = byte(k.rng.Uint32())
	}
	k.say(b)
}

func (k knock) slowly() {
	said := append([]byte(stranger.Magic+"\x00\x00\x08\x00\x01"), make([]byte, 2048)...)
	for n := 0; n < len(said) && time.Now().Before(k.end); n++ {
		if _, err := k.conn.Write(said[n : n+1]); err != nil {
			return
		}
		if k.closedWithin(slowEvery) {
			return
		}
	}
}

// closedWithin waits for a while, or until the other end closes the connection, which it
// reports.
func (k knock) closedWithin(d time.Duration) bool {
	until := time.Now().Add(d)
	if until.After(k.end) {
		until = k.end
	}
	_ = k.conn.SetReadDeadline(until)
	_, err := io.Copy(io.Discard, k.conn)
	var late net.Error
	return !errors.As(err, &late) || !late.Timeout()
}

func (k knock) length() {
	lengths := []uint32{0, 1, 4<<10 + 1, 1<<31 - 1, 1<<32 - 1}
	b := binary.BigEndian.AppendUint32([]byte(stranger.Magic), lengths[k.i%len(lengths)])
	k.say(append(b, stranger.KindHello))
}

func (k knock) otherProtocol() {
	switch k.i % 3 {
	case 0:
		k.say([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	case 1:
		k.say([]byte("SSH-2.0-OpenSSH_9.9\r\n"))
	default:
		k.nameless() // nobody answers
	}
}

// nameless shakes hands over TLS, and shows no certificate.
func (k knock) nameless() {
	c := tls.Client(k.conn, &tls.Config{InsecureSkipVerify: true})
	if c.Handshake() == nil {
		_, _ = io.Copy(io.Discard, c) // the refusal comes behind the handshake
	}
}

func (k knock) nothing() { k.closedWithin(stormPatience) }

// greeting is that of a node that nobody listens to, always the same one.
func (k knock) greeting(version byte) stranger.Greeting {
	return stranger.Greeting{
		Version: version, Stream: 1, System: town, Cluster: town, Addr: attackerHost + ":1", To: k.target, UID: 7, Features: 1,
	}
}

func (k knock) falseProof() {
	_, _ = stranger.Prove(k.conn, k.greeting(3), falseWords)
	k.say(nil)
}

func (k knock) unknownKinds() { k.flood(bytes.Repeat(stranger.Frame(200, 1, 2, 3), floodFrames)) }

func (k knock) unknownTypes() {
	k.flood(bytes.Repeat(stranger.Message("/user/a0", "no.such.type", 1, 2, 3), floodMessages))
}

// flood sends something as a peer that was let in.
func (k knock) flood(b []byte) {
	if kind, err := stranger.Prove(k.conn, k.greeting(2), secretWords); err != nil || kind != stranger.KindWelcome {
		return
	}
	_, _ = k.conn.Write(b)
	_ = k.conn.(*net.TCPConn).CloseWrite()
	k.closedWithin(closedPatience)
}
