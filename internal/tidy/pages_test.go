package tidy

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// from is the mark above a block of Go code: the file that it was taken from.
var from = regexp.MustCompile(`^<!-- from (\S+) -->$`)

// elision is the line of a block that stands for lines left out.
const elision = "// …"

// link is a link of Markdown to somewhere in the repository.
var link = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)

// snippet is a block of Go code in a page.
type snippet struct {
	line  int
	from  string
	lines []string
}

// snippets finds the blocks of Go code in a page.
func snippets(text string) []snippet {
	var out []snippet
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```go" {
			continue
		}
		s := snippet{line: i + 1}
		for _, above := range lines[max(0, i-2):i] { // a blank line may stand between
			if m := from.FindStringSubmatch(above); m != nil {
				s.from = m[1]
			}
		}
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			s.lines = append(s.lines, lines[i])
		}
		out = append(out, s)
	}
	return out
}

// shown tells whether the lines of a block are in source: in order, each run
// between elisions without a gap. Indentation doesn't count.
func shown(block []string, source string) bool {
	rest := trimmed(strings.Split(source, "\n"))
	for _, run := range runs(trimmed(block)) {
		at := -1
		for i := 0; i+len(run) <= len(rest) && at < 0; i++ {
			if slices.Equal(rest[i:i+len(run)], run) {
				at = i
			}
		}
		if at < 0 {
			return false
		}
		rest = rest[at+len(run):]
	}
	return true
}

func trimmed(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.Join(strings.Fields(l), " ")
	}
	return out
}

func runs(lines []string) [][]string {
	var out [][]string
	for _, l := range lines {
		switch {
		case l == elision:
			out = append(out, nil)
		case len(out) == 0:
			out = append(out, []string{l})
		default:
			out[len(out)-1] = append(out[len(out)-1], l)
		}
	}
	return slices.DeleteFunc(out, func(r []string) bool { return len(r) == 0 })
}

// checkPage looks at one page; read gives a file of the repository, and exists
// tells whether there is one (or a folder).
func checkPage(name, text string, read func(string) (string, error), exists func(string) bool) []finding {
	var out []finding
	for _, s := range snippets(text) {
		if s.from == "" {
			out = append(out, finding{name, s.line, "code from nowhere: put <!-- from FILE --> above it, so that it is known to compile"})
			continue
		}
		source, err := read(s.from)
		if err != nil {
			out = append(out, finding{name, s.line, err.Error()})
		} else if !shown(s.lines, source) {
			out = append(out, finding{name, s.line, "this code is not in " + s.from + " (any more): take it over from there"})
		}
	}
	for i, l := range strings.Split(text, "\n") {
		for _, m := range link.FindAllStringSubmatch(l, -1) {
			if to := path.Join(path.Dir(name), m[1]); !exists(to) {
				out = append(out, finding{name, i + 1, fmt.Sprintf("link to %s, which is not there", to)})
			}
		}
	}
	return out
}

// checkPages looks at every page of the repository.
func checkPages(root string) ([]finding, error) {
	read := func(p string) (string, error) {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p)))
		return string(b), err
	}
	exists := func(p string) bool {
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(p)))
		return err == nil
	}
	var out []finding
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && skipped(d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".md" {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		out = append(out, checkPage(filepath.ToSlash(rel), string(text), read, exists)...)
		return nil
	})
	return out, err
}
