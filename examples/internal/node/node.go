package node

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/cluster"
	"github.com/troupe-go/troupe/remote"
)

// Flags are what a node is told on its command line. The zero value is a node
// that forms a cluster alone.
type Flags struct {
	// Cluster is the name of the cluster.
	Cluster string
	// Listen and Advertise are addresses, see [cluster.Config].
	Listen, Advertise string
	// Seeds are addresses with commas between them.
	Seeds string
	// Secret and TLS name files, see [remote.Config].
	Secret, TLS string
	// Plaintext allows a secret without TLS beyond this machine.
	Plaintext bool
	// Quiet leaves out what is logged at level info.
	Quiet bool
}

// Define adds the flags to the set, with the present values as defaults.
func (f *Flags) Define(set *flag.FlagSet) {
	set.StringVar(&f.Cluster, "cluster", f.Cluster, "name of the cluster")
	set.StringVar(&f.Listen, "listen", f.Listen, "host:port to take connections at; port 0 is a free one")
	set.StringVar(&f.Advertise, "advertise", f.Advertise, "host:port by which others know this node, if it is another than -listen")
	set.StringVar(&f.Seeds, "seeds", f.Seeds, "host:port of the nodes to join through, with commas; every node lists the same, and only the first forms a cluster; default: this node")
	set.StringVar(&f.Secret, "secret", f.Secret, "file with a secret that all nodes share; beyond this machine it needs -tls or -plaintext")
	set.BoolVar(&f.Plaintext, "plaintext", f.Plaintext, "with -secret: go beyond this machine unencrypted, in a network that is yours alone")
	set.StringVar(&f.TLS, "tls", f.TLS, "encrypt: PEM files of the node's certificate, its key and the authorities to believe, with commas")
	set.BoolVar(&f.Quiet, "quiet", f.Quiet, "log warnings and errors only")
}

// Runner returns the node that the flags describe. It reads the files that they
// name; errors say which flag is wrong.
func (f *Flags) Runner() (cluster.Runner, error) {
	r := cluster.Runner{
		Name: f.Cluster, Signals: true, RestartAfter: 2 * time.Second,
		Cluster: cluster.Config{Listen: f.Listen, Advertise: f.Advertise, Seeds: split(f.Seeds)},
	}
	r.Cluster.Remote.Plaintext = f.Plaintext
	if f.Plaintext && f.Secret == "" {
		return r, errors.New("-plaintext is for clusters with a -secret: without one anybody could join")
	}
	if f.Secret != "" {
		secret, err := remote.ReadSecret(f.Secret)
		if err != nil {
			return r, fmt.Errorf("-secret: %w", err)
		}
		r.Cluster.Remote.Secrets = []remote.Secret{secret}
	}
	if f.TLS != "" {
		files := split(f.TLS)
		if len(files) != 3 {
			return r, fmt.Errorf("-tls names %d files and needs three: certificate, key, authorities", len(files))
		}
		keys, err := remote.LoadKeys(files[0], files[1], files[2])
		if err != nil {
			return r, fmt.Errorf("-tls: %w", err)
		}
		r.Cluster.Remote.Transport = &remote.TCP{TLS: keys.TLS()}
	}
	if f.Quiet {
		log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: true}).Level(zerolog.WarnLevel).With().Timestamp().Logger()
		r.System = actor.Config{Logger: &log}
	}
	return r, nil
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// Main runs the node and ends the process: with 0 when it has left, by Ctrl-C
// for instance, and else with a code of [cluster.ExitCode].
func Main(r cluster.Runner) {
	err := r.Run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(cluster.ExitCode(err))
}
