package membership

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// answer is the last that came of asking a seed.
type answer struct {
	addr string
	text string // "refuses the connection …"
	told string // what the log knows
}

const (
	noAnswer  = "doesn't answer"
	idleToo   = "is in no cluster either"
	inCluster = "is a member"
	// silentAfter is after how many rounds of questions silence is an answer.
	silentAfter = 3
)

// heardOf notes what came of asking a seed.
func (c *Core) heardOf(addr, text string) {
	if c.joined() {
		return
	}
	if i := slices.IndexFunc(c.seeding.answers, func(a answer) bool { return a.addr == addr }); i >= 0 {
		c.seeding.answers[i].text = text
	}
}

// tellAnswers logs what the seeds say, once per change; it is called once per round
// of questions.
func (c *Core) tellAnswers() {
	for i := range c.seeding.answers {
		a := &c.seeding.answers[i]
		if a.text == noAnswer && c.now.Before(c.seeding.since.Add(silentAfter*c.cfg.AskEvery)) || a.text == a.told {
			continue
		}
		a.told = a.text
		text := fmt.Sprintf("seed %s %s", a.addr, a.text)
		if a.text == idleToo || a.text == inCluster {
			c.out = append(c.out, Note{text})
			continue
		}
		c.out = append(c.out, Warning{text})
	}
}

// Excuse says why this node is in no cluster yet, with what was heard of each seed;
// "" once it is in one, or has ended, or wasn't told to join.
func (c *Core) Excuse() string {
	if c.joined() || c.ended || c.seeding.phase == joinIdle {
		return ""
	}
	return c.seeding.excuse()
}

// excuse says why a node is in no cluster, and what to do.
func (s seeding) excuse() string {
	if s.phase == joinWaiting {
		return fmt.Sprintf("%s is a member but doesn't let this node in: look there for the reason, "+
			"such as an older incarnation of this address that can't be removed while somebody is unreachable, or a shutdown of the whole cluster", s.target.Addr)
	}
	var heard []string
	for _, a := range s.answers {
		heard = append(heard, a.addr+" "+a.text)
	}
	if len(heard) == 0 {
		return "it is about to form one"
	}
	return strings.Join(heard, ", ") + "; check that the seeds run, can be reached under these addresses, " +
		"have the same secret or certificates, and that the first of them is up: only that one forms a cluster"
}

// unanswered takes it that a node could not be connected to.
func (c *Core) unanswered(in NoAnswer) {
	if c.joined() {
		if in.Gone {
			c.turnedAway(Node{in.Addr, in.UID})
		} else {
			c.lost(in.Addr)
		}
		return
	}
	c.heardOf(in.Addr, in.Why)
	switch {
	case in.Refused:
		c.seedIsIdle(in.Addr, false)
	case in.Self:
		c.seedIsSelf(in.Addr)
	}
}

// seedIsSelf takes it that the address of a seed leads to this node, which is known
// by another one: it is no other seed. Where it is the first, nobody can form a
// cluster, and what is wrong won't go away.
func (c *Core) seedIsSelf(addr string) {
	i := slices.Index(c.seeding.others, addr)
	if c.seeding.phase != joinAsking || i < 0 {
		return
	}
	if addr == c.cfg.Seeds[0] {
		if !c.now.Before(c.seeding.begun.Add(c.cfg.SeedTimeout)) { // until then another one may be a member
			c.end(Incompatible, fmt.Sprintf("the first seed, %s, is this very node, which is known as %s: nobody can form the cluster; set Advertise to %s, or let all nodes list %s",
				addr, c.me.Addr, addr, c.me.Addr))
		}
		return
	}
	c.seeding.others = slices.Delete(slices.Clone(c.seeding.others), i, i+1)
	c.seeding.seeds--
}

// invite is a member that has hailed this node.
type invite struct {
	by Node
	at time.Time
}

const invitesMax = 8

// invited asks a member that has hailed this node, as seeds are asked.
func (c *Core) invited(by Node) {
	c.seeding.invites = slices.DeleteFunc(c.seeding.invites, func(i invite) bool { return i.by.Addr == by.Addr })
	if len(c.seeding.invites) < invitesMax {
		c.seeding.invites = append(c.seeding.invites, invite{by, c.now})
		c.ask(by)
	}
}

// freshInvites drops invitations that have led to nothing.
func (c *Core) freshInvites() []invite {
	c.seeding.invites = slices.DeleteFunc(c.seeding.invites, func(i invite) bool { return !c.now.Before(i.at.Add(c.cfg.SeedTimeout)) })
	return c.seeding.invites
}
