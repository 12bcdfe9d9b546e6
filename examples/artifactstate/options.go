package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// The roles of the nodes.
const (
	roleEndpoint = "endpoint"
	roleEntity   = "entity"
)

// options are the command line.
type options struct {
	// role is that of a single node; empty starts all five.
	role string
	name string
	// listen and http have one address for a single node, and one for each node
	// that needs one when all five are started.
	listen, http, seeds []string
	data, takeOverFrom  string
	verifyReads         bool
	askTimeout, drain   time.Duration
	level               zerolog.Level
	trust               trust
	// supervised says that standard input is the parent's string: its end means
	// leave, and interrupts are the parent's business.
	supervised bool
}

// What is started when nothing else is said.
const (
	defaultListen = "127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553,127.0.0.1:2554,127.0.0.1:2555"
	defaultHTTP   = "127.0.0.1:8082,127.0.0.1:8083"
	defaultSeeds  = "127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553"
	defaultData   = "artifactstate.db"
)

const usage = `artifactstate keeps two facts about every pair of user and artifact, in a cluster.

  artifactstate                       starts five processes: three entity nodes, two endpoints
  artifactstate -node entity ...      starts one node that keeps entities
  artifactstate -node endpoint ...    starts one node that serves HTTP

`

// errUsage says that the command line was explained already.
var errUsage = errors.New("see the usage")

// parseOptions reads the command line. It explains itself on stderr.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	flags := flag.NewFlagSet("artifactstate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		flags.PrintDefaults()
	}
	var o options
	flags.StringVar(&o.role, "node", "", "run a single node of this role: endpoint or entity (all five processes by default)")
	flags.StringVar(&o.name, "name", "", "what the node is called in its log (its role and address by default)")
	listen := flags.String("listen", "", "address in the cluster, host:port; for all five: the three entity nodes', then the two endpoints', with commas\n(default "+defaultListen+"; for a single node the first of them)")
	web := flags.String("http", "", "address to serve HTTP on, host:port; for all five: the two endpoints', with a comma\n(default "+defaultHTTP+"; for a single endpoint the first of them, for an entity node none)")
	seeds := flags.String("seeds", "", "addresses of the nodes to join through, with commas; the first of them may form a cluster alone\n(default the entity nodes: "+defaultSeeds+")")
	flags.StringVar(&o.data, "data", defaultData, "the SQLite file that the entity nodes of one machine share")
	flags.StringVar(&o.takeOverFrom, "take-over-from", "", "take the data file over from the cluster of this name, of which nothing may run any more")
	flags.BoolVar(&o.verifyReads, "verify-reads", false, "entity nodes ask the journal whether they still own an entity before they answer a question")
	flags.DurationVar(&o.askTimeout, "ask-timeout", 3*time.Second, "how long an endpoint waits for an entity before it answers 503")
	flags.DurationVar(&o.drain, "drain", time.Second, "for how long an endpoint that leaves goes on to answer after it has said that it isn't ready")
	o.trust.define(flags)
	level := flags.String("log", "info", "what is logged: debug, info, warn or error, and what is worse")
	flags.BoolVar(&o.supervised, "supervised", false, "leave when standard input ends, and leave interrupts to the parent process")
	if err := flags.Parse(args); err != nil {
		return o, cmp.Or(keep(err, flag.ErrHelp), errUsage)
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("what is %q? There are only flags; see -help", flags.Arg(0))
	}
	var err error
	if o.level, err = zerolog.ParseLevel(*level); err != nil || *level == "" {
		return o, fmt.Errorf("-log %q: choose debug, info, warn or error", *level)
	}
	if o.askTimeout <= 0 {
		return o, fmt.Errorf("-ask-timeout %v: it must be more than nothing", o.askTimeout)
	}
	if o.drain < 0 || o.drain > time.Minute {
		return o, fmt.Errorf("-drain %v: choose 0 to 1m", o.drain)
	}
	if o.role == roleEndpoint && (o.takeOverFrom != "" || o.verifyReads) {
		return o, errors.New("-take-over-from and -verify-reads are for entity nodes, which have the data")
	}
	if _, err := o.trust.settings(); err != nil {
		return o, err
	}
	return o, o.addresses(*listen, *web, *seeds)
}

// keep returns err when it is want.
func keep(err, want error) error {
	if errors.Is(err, want) {
		return want
	}
	return nil
}

// addresses fills in listen, http and seeds.
func (o *options) addresses(listen, web, seeds string) error {
	wantListen, wantHTTP := 5, 2
	switch o.role {
	case "":
		o.listen, o.http = split(cmp.Or(listen, defaultListen)), split(cmp.Or(web, defaultHTTP))
	case roleEndpoint:
		wantListen, wantHTTP = 1, 1
		o.listen, o.http = split(cmp.Or(listen, split(defaultListen)[0])), split(cmp.Or(web, split(defaultHTTP)[0]))
	case roleEntity:
		wantListen, wantHTTP = 1, len(split(web))
		o.listen, o.http = split(cmp.Or(listen, split(defaultListen)[0])), split(web)
	default:
		return fmt.Errorf("-node %q: choose %s or %s", o.role, roleEndpoint, roleEntity)
	}
	o.seeds = split(seeds)
	switch {
	case len(o.listen) != wantListen:
		return fmt.Errorf("-listen has %d addresses and needs %d", len(o.listen), wantListen)
	case len(o.http) != wantHTTP || wantHTTP > 2:
		return fmt.Errorf("-http has %d addresses and needs %d", len(o.http), min(wantHTTP, 1+wantListen/5))
	case len(o.seeds) == 0 && o.role == "":
		o.seeds = o.listen[:3]
	case len(o.seeds) == 0:
		o.seeds = split(defaultSeeds)
	}
	for _, list := range []struct {
		flag      string
		addresses []string
	}{{"-listen", o.listen}, {"-http", o.http}, {"-seeds", o.seeds}} {
		for _, a := range list.addresses {
			if _, _, err := net.SplitHostPort(a); err != nil {
				return fmt.Errorf("%s %q: write it as host:port", list.flag, a)
			}
		}
	}
	return nil
}

// split takes apart what has commas; nothing makes no parts.
func split(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
