package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/troupe-go/troupe/remote"
)

// trust is how the nodes of a cluster know each other. Without any of it they
// can be reached from their own machine only.
type trust struct {
	secretFile string
	plaintext  bool
	tlsFiles   string
}

func (t *trust) define(flags *flag.FlagSet) {
	flags.StringVar(&t.secretFile, "secret", "", "file with a secret that all nodes share; beyond this machine it needs -tls or -plaintext")
	flags.BoolVar(&t.plaintext, "plaintext", false, "with -secret: go beyond this machine unencrypted, in a network that is yours alone")
	flags.StringVar(&t.tlsFiles, "tls", "", "encrypt: PEM files of the node's certificate, its key and the authorities to believe, with commas")
}

// args returns the flags again, for the processes that are started.
func (t *trust) args() []string {
	var args []string
	if t.secretFile != "" {
		args = append(args, "-secret", t.secretFile)
	}
	if t.plaintext {
		args = append(args, "-plaintext")
	}
	if t.tlsFiles != "" {
		args = append(args, "-tls", t.tlsFiles)
	}
	return args
}

// settings reads the files.
func (t *trust) settings() (remote.Config, error) {
	config := remote.Config{Plaintext: t.plaintext}
	if t.plaintext && t.secretFile == "" {
		return config, errors.New("-plaintext is for clusters with a -secret: without one anybody could join")
	}
	if t.secretFile != "" {
		secret, err := remote.ReadSecret(t.secretFile)
		if err != nil {
			return config, fmt.Errorf("-secret: %w", err)
		}
		config.Secrets = []remote.Secret{secret}
	}
	if t.tlsFiles != "" {
		files := split(t.tlsFiles)
		if len(files) != 3 {
			return config, fmt.Errorf("-tls names %d files and needs three: certificate, key, authorities", len(files))
		}
		keys, err := remote.LoadKeys(files[0], files[1], files[2])
		if err != nil {
			return config, fmt.Errorf("-tls: %w", err)
		}
		config.Transport = &remote.TCP{TLS: keys.TLS()}
	}
	return config, nil
}
