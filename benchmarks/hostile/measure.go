package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/troupe-go/troupe/benchmarks/internal/keys"
)

// members is how many nodes the cluster has.
const members = 3

// What the attacker does in a phase.
const (
	peaceful = ""
	feigned  = "feint"
	attacked = "attack"
)

// phase is one time of peace, of a feint, or of attack.
type phase struct {
	served
	made
	busy  time.Duration // processor time of the nodes
	lines float64       // that the attacked node has logged, a second
}

// row is what was measured of an attack.
type row struct {
	attack
	peace, feint, war []phase // in rounds
	up                int     // the fewest members that a node knew to be Up and could reach, after any phase
	lost              int64   // times that a node took another for lost
	goroutines        int     // growth of the attacked node by the end of any attack
	rss               int64   // the same, in bytes; 0: not known here
}

// battle is a cluster, those who ask it and who attacks it.
type battle struct {
	options
	attack
	keys           string // the directory of the certificate, where there is TLS
	nodes          []*process
	load, attacker *process
}

func (o options) measure(a attack) (r row, err error) {
	b := &battle{options: o, attack: a}
	defer b.end()
	if err := b.begin(); err != nil {
		return r, err
	}
	r = row{attack: a, up: members}
	if _, err := b.phase(&r, peaceful); err != nil { // heaps grow
		return r, err
	}
	before, err := b.states()
	if err != nil {
		return r, err
	}
	for round := range o.rounds {
		if err := b.round(&r, before[0], round == 0); err != nil {
			return r, err
		}
	}
	after, err := b.states()
	for i := range after {
		r.lost += after[i].Lost - before[i].Lost
	}
	return r, err
}

// round has a phase of each kind.
func (b *battle) round(r *row, before node, first bool) error {
	for _, kind := range []string{peaceful, feigned, attacked} {
		p, err := b.profiled(r, kind, first)
		if err != nil {
			return err
		}
		switch kind {
		case peaceful:
			r.peace = append(r.peace, p)
		case feigned:
			r.feint = append(r.feint, p)
		default:
			r.war = append(r.war, p)
			after, err := b.states()
			if err != nil {
				return err
			}
			r.goroutines = max(r.goroutines, after[0].Goroutines-before.Goroutines)
			r.rss = max(r.rss, after[0].RSS-before.RSS)
		}
	}
	return nil
}

// begin starts all processes, and returns when the cluster is whole.
func (b *battle) begin() (err error) {
	if b.tls {
		if b.keys, err = os.MkdirTemp("", "hostile"); err != nil {
			return err
		}
		if err := keys.Make(b.keys); err != nil {
			return err
		}
	}
	var addrs []string
	for range members {
		n, err := launch(part{Name: partNode, Addrs: addrs[:min(len(addrs), 1)], Attack: b.id, Keys: b.keys})
		if err != nil {
			return err
		}
		b.nodes = append(b.nodes, n)
		var said node
		if err := n.ask("state", "", &said); err != nil {
			return err
		}
		addrs = append(addrs, said.Addr)
	}
	if b.load, err = launch(part{Name: partLoad, Addrs: addrs, Rate: b.options.rate, Keys: b.keys}); err != nil {
		return err
	}
	if b.attacker, err = launch(part{Name: partAttacker, Addrs: addrs, Attack: b.id}); err != nil {
		return err
	}
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(50 * time.Millisecond) {
		all, err := b.states()
		if err != nil || fewestUp(all) == members {
			return err
		}
	}
	return errors.New("the cluster doesn't form")
}

func (b *battle) end() {
	for _, p := range append(b.nodes, b.load, b.attacker) {
		if p != nil {
			p.end()
		}
	}
	if b.keys != "" {
		_ = os.RemoveAll(b.keys) // the system does, some day
	}
}

func (b *battle) states() ([]node, error) {
	all := make([]node, len(b.nodes))
	for i, n := range b.nodes {
		if err := n.ask("state", "", &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func fewestUp(all []node) int {
	least := members
	for _, n := range all {
		least = min(least, n.Up)
	}
	return least
}

// profiled is a phase, of which there is a profile if one is wanted.
func (b *battle) profiled(r *row, kind string, wanted bool) (phase, error) {
	if !wanted || kind == feigned || b.profiles == "" {
		return b.phase(r, kind)
	}
	name := b.id + "-" + cmp.Or(kind, "peace") + ".pprof"
	path, err := filepath.Abs(filepath.Join(b.profiles, name))
	if err != nil {
		return phase{}, err
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		return phase{}, err
	}
	if err := b.nodes[0].ask("profile", path, &struct{}{}); err != nil {
		return phase{}, err
	}
	p, err := b.phase(r, kind)
	return p, errors.Join(err, b.nodes[0].ask("profile", "", &struct{}{}))
}

// phase asks for a while, and has the attacker do something meanwhile.
func (b *battle) phase(r *row, kind string) (p phase, err error) {
	time.Sleep(pauseTime)
	before, err := b.states()
	if err != nil {
		return p, err
	}
	d := b.options.phase()
	if kind != peaceful {
		err = b.attacker.tell(kind, d)
	}
	if err = errors.Join(err, b.load.tell("ask", d)); err != nil {
		return p, err
	}
	err = b.load.answer(d+askPatience, &p.served)
	if kind != peaceful {
		err = errors.Join(err, b.attacker.answer(d, &p.made))
	}
	if err != nil {
		return p, err
	}
	after, err := b.states()
	if err != nil {
		return p, err
	}
	for i := range after {
		p.busy += after[i].Busy - before[i].Busy
	}
	p.lines = float64(after[0].Lines-before[0].Lines) / d.Seconds()
	r.up = min(r.up, fewestUp(after))
	return p, nil
}
