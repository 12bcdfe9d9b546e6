package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/launch"
)

func TestOptions(t *testing.T) {
	for title, c := range map[string]struct {
		args                []string
		listen, http, seeds string
	}{
		"all five": {
			nil, defaultListen, defaultHTTP, "127.0.0.1:2551,127.0.0.1:2552,127.0.0.1:2553",
		},
		"all five elsewhere join through their own entity nodes": {
			[]string{"-listen", "h:1,h:2,h:3,h:4,h:5", "-http", "h:6, h:7"}, "h:1,h:2,h:3,h:4,h:5", "h:6,h:7", "h:1,h:2,h:3",
		},
		"an endpoint":                   {[]string{"-node", "endpoint"}, "127.0.0.1:2551", "127.0.0.1:8082", defaultSeeds},
		"an entity node":                {[]string{"-node", "entity", "-listen", "10.0.0.1:2551", "-seeds", "10.0.0.1:2551"}, "10.0.0.1:2551", "", "10.0.0.1:2551"},
		"an entity node that is probed": {[]string{"-node", "entity", "-http", ":9000"}, "127.0.0.1:2551", ":9000", defaultSeeds},
	} {
		t.Run(title, func(t *testing.T) {
			o, err := parseOptions(c.args, &bytes.Buffer{})
			require.NoError(t, err)
			require.Equal(t, c.listen, strings.Join(o.listen, ","))
			require.Equal(t, c.http, strings.Join(o.http, ","))
			require.Equal(t, c.seeds, strings.Join(o.seeds, ","))
		})
	}
}

func TestWrongOptionsSayWhat(t *testing.T) {
	for want, args := range map[string][]string{
		`what is "start"?`:                    {"start"},
		`-node "seed": choose`:                {"-node", "seed"},
		"-listen has 1 addresses and needs 5": {"-listen", "h:1"},
		"-listen has 2 addresses and needs 1": {"-node", "entity", "-listen", "h:1,h:2"},
		"-http has 1 addresses and needs 2":   {"-http", "h:1"},
		"-http has 3 addresses and needs 1":   {"-node", "entity", "-http", "h:1,h:2,h:3"},
		`-seeds "h": write it as host:port`:   {"-node", "entity", "-seeds", "h"},
		"-plaintext is for clusters with":     {"-node", "entity", "-plaintext"},
		"-secret: read secret":                {"-node", "entity", "-secret", "no-such-file"},
		"-tls names 1 files and needs three":  {"-node", "entity", "-tls", "cert.pem"},
		`-log "loud": choose`:                 {"-log", "loud"},
		"-ask-timeout 0s":                     {"-ask-timeout", "0s"},
		"-drain 1h0m0s: choose":               {"-drain", "1h"},
		"are for entity nodes":                {"-node", "endpoint", "-verify-reads"},
		"flag provided but not defined":       {"-frobnicate"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, launch.ExitConfig, run(args, &bytes.Buffer{}, &stderr), "%v", args)
		require.Contains(t, stderr.String(), want)
	}
}

func TestHelpIsNoError(t *testing.T) {
	var stderr bytes.Buffer
	require.Equal(t, launch.ExitLeft, run([]string{"-help"}, &bytes.Buffer{}, &stderr))
	require.Contains(t, stderr.String(), "starts five processes")
}
