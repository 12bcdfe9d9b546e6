package testkit

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/codec"
)

var updateSchema = flag.Bool("schema.update", false, "write the schemas of messages to their files instead of comparing them")

// Schema compares what a registry has registered with the schema in a file, such
// as "testdata/messages.schema", and fails the test with the list of changes when
// they differ, those that break messages or stored data marked with "!". With the
// flag -schema.update, as in
//
//	go test ./orders -run Schema -schema.update
//
// the file is written instead, and the changes only logged: then they are in the
// next diff for somebody to look at. A file that isn't there has to be written so
// first.
func Schema(t testing.TB, reg *codec.Registry, file string) {
	t.Helper()
	schemaFile(t, reg, file, *updateSchema)
}

func schemaFile(t testing.TB, reg *codec.Registry, file string, update bool) {
	t.Helper()
	is := reg.Schema()
	b, err := os.ReadFile(file)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		t.Fatalf("read schema: %v", err)
	}
	changes := ""
	if !missing {
		changes = schemaChanges(t, file, string(b), is)
	}
	switch {
	case update:
		if changes != "" {
			t.Logf("schema %s:\n%s", file, changes)
		}
		writeSchema(t, file, is)
	case missing:
		t.Fatalf("there is no schema in %s: run this test once with -schema.update and keep the file", file)
	case changes != "":
		t.Errorf("messages have changed since %s was written:\n%s\nLines with ! break what is stored or sent by other releases. If this is meant, run the test with -schema.update.", file, changes)
	}
}

func schemaChanges(t testing.TB, file, was, is string) string {
	t.Helper()
	changes, err := codec.Changes(was, is)
	if err != nil {
		t.Fatalf("compare with %s: %v", file, err)
	}
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = "  " + c.String()
	}
	return strings.Join(lines, "\n")
}

func writeSchema(t testing.TB, file, schema string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatalf("write schema: %v", err)
	}
	if err := os.WriteFile(file, []byte(schema), 0o644); err != nil {
		t.Fatalf("write schema: %v", err)
	}
}
