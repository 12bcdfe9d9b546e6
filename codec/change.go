package codec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Change is a difference between two schemas.
type Change struct {
	// Type is the name of the registered type, Field that of the field; empty
	// when the change is of the type.
	Type, Field string
	// What says what has changed and what that means.
	What string
	// Breaks: messages or stored data of before no longer decode, or decode to
	// something else.
	Breaks bool
}

// String is one line: + for what is new, - for what is gone, ! for what breaks,
// ~ for the rest.
func (c Change) String() string {
	mark := "~"
	switch {
	case c.Breaks:
		mark = "!"
	case strings.HasPrefix(c.What, "new"):
		mark = "+"
	case strings.HasPrefix(c.What, "gone"):
		mark = "-"
	}
	if c.Field != "" {
		return fmt.Sprintf("%s %s: %s: %s", mark, c.Type, c.Field, c.What)
	}
	return fmt.Sprintf("%s %s: %s", mark, c.Type, c.What)
}

// Changes compares two schemas that [Registry.Schema] has written, in the order of
// the types' names. It fails when one of them is no schema.
func Changes(before, after string) ([]Change, error) {
	old, err := readSchema(before)
	if err != nil {
		return nil, fmt.Errorf("schema of before: %w", err)
	}
	young, err := readSchema(after)
	if err != nil {
		return nil, fmt.Errorf("schema of after: %w", err)
	}
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(union(old, young))) {
		was, is := old[name], young[name]
		switch {
		case was == nil:
			out = append(out, Change{Type: name, What: "new: nodes of before drop it; let all nodes know it before one sends it"})
		case is == nil && aliased(young, name) != "":
			out = append(out, Change{Type: name, What: fmt.Sprintf("sent as %s from now on; nodes of before don't know that name", aliased(young, name))})
		case is == nil:
			out = append(out, Change{Type: name, What: "gone: what was sent or stored under this name no longer decodes; keep it, or give its successor codec.Alias", Breaks: true})
		default:
			out = append(out, is.changesSince(was)...)
		}
	}
	return out, nil
}

func aliased(schema map[string]*schemaType, name string) string {
	for _, n := range slices.Sorted(maps.Keys(schema)) {
		if slices.Contains(schema[n].aliases, name) {
			return n
		}
	}
	return ""
}

// schemaType is a type as a schema has it.
type schemaType struct {
	name, encoding string
	options        map[string]string
	aliases        []string
	fields         []Field
}

func readSchema(text string) (map[string]*schemaType, error) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if lines[0] != schemaHead {
		return nil, fmt.Errorf("it begins with %.40q, not with %q", lines[0], schemaHead)
	}
	all := map[string]*schemaType{}
	var t *schemaType
	for i, line := range lines[1:] {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) == 1 || line[0] == '\t' && t == nil:
			return nil, fmt.Errorf("line %d: %.80q is neither a type nor a field", i+2, line)
		case line[0] == '\t':
			f := Field{Name: words[0], Kind: strings.Join(words[1:], " ")}
			f.Kind, f.Optional = strings.CutSuffix(f.Kind, " optional")
			t.fields = append(t.fields, f)
		default:
			t = &schemaType{name: words[0], encoding: words[1], options: map[string]string{}}
			for _, o := range words[2:] {
				k, v, _ := strings.Cut(o, "=")
				if k == "alias" {
					t.aliases = append(t.aliases, v)
				} else {
					t.options[k] = v
				}
			}
			all[t.name] = t
		}
	}
	return all, nil
}

// changesSince compares a type with what it was.
func (t *schemaType) changesSince(was *schemaType) []Change {
	var out []Change
	note := func(field string, breaks bool, format string, args ...any) {
		out = append(out, Change{Type: t.name, Field: field, What: fmt.Sprintf(format, args...), Breaks: breaks})
	}
	if t.encoding != was.encoding {
		note("", true, "encoded as %s, was %s; give it a new name", t.encoding, was.encoding)
		return out
	}
	for _, k := range slices.Sorted(maps.Keys(union(t.options, was.options))) {
		before, had := was.options[k]
		after, has := t.options[k]
		if before == after && had == has {
			continue
		}
		note("", k == "max" && t.sizeMax() < was.sizeMax(), "option %s is %s, was %s", k, orNone(after, has), orNone(before, had))
	}
	for _, a := range was.aliases {
		if !slices.Contains(t.aliases, a) {
			note("", true, "alias %s is gone: what was stored under it no longer decodes", a)
		}
	}
	for _, a := range t.aliases {
		if !slices.Contains(was.aliases, a) {
			note("", false, "new alias %s", a)
		}
	}
	t.fieldChanges(was, note)
	return out
}

func (t *schemaType) fieldChanges(was *schemaType, note func(field string, breaks bool, format string, args ...any)) {
	old, young := byName(was.fields), byName(t.fields)
	for _, name := range slices.Sorted(maps.Keys(union(old, young))) {
		before, had := old[name]
		after, has := young[name]
		positional := inList(name)
		switch {
		case !had:
			note(name, positional, "new, %s: zero in messages of before", after.Kind)
		case !has:
			note(name, positional, "gone: what comes in it (%s) is passed over", before.Kind)
		case before.Kind != after.Kind:
			note(name, true, "%s, was %s; give the field, or the type, a new name", after.Kind, before.Kind)
		case before.Optional != after.Optional:
			note(name, false, "optional %v, was %v", after.Optional, before.Optional)
		}
	}
}

func byName(fields []Field) map[string]Field {
	m := map[string]Field{}
	for _, f := range fields {
		m[f.Name] = f
	}
	return m
}

func union[V any](a, b map[string]V) map[string]V {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// inList tells fields of structs that travel as arrays, where every place counts.
func inList(name string) bool {
	at, _, found := strings.Cut(name[strings.LastIndexAny(name, ".")+1:], ":")
	_, err := strconv.Atoi(at)
	return found && err == nil
}

func (t *schemaType) sizeMax() int {
	n, err := strconv.Atoi(cmp.Or(t.options["max"], strconv.Itoa(sizeMaxDefault)))
	if err != nil {
		return sizeMaxDefault
	}
	return n
}

func orNone(v string, has bool) string {
	switch {
	case !has:
		return "not set"
	case v == "":
		return "set"
	}
	return v
}
