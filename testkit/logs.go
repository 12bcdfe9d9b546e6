package testkit

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// Logs takes what a system logs, to expect lines of it. They go on to the log of
// the test, too.
//
//	logs := testkit.NewLogs(t)
//	sys := testkit.New(t, actor.Config{Logger: logs.Logger()})
type Logs struct {
	t      testing.TB
	logger zerolog.Logger

	mu    sync.Mutex
	lines []map[string]any
}

// Line says which lines of a log are meant: those for which everything holds that
// is said here.
type Line struct {
	// Level is the level; zerolog.NoLevel for any.
	Level zerolog.Level
	// Message is a part of the message; empty for any.
	Message string
	// Fields are fields of the line, with a part of their text.
	Fields map[string]string
}

// NewLogs returns an empty log.
func NewLogs(t testing.TB) *Logs {
	l := &Logs{t: t}
	console := zerolog.ConsoleWriter{Out: testWriter{t}, NoColor: true, PartsExclude: []string{zerolog.TimestampFieldName}}
	l.logger = zerolog.New(zerolog.MultiLevelWriter(l, console))
	return l
}

// Logger returns the logger that writes here.
func (l *Logs) Logger() *zerolog.Logger { return &l.logger }

// Write takes a line from the logger.
func (l *Logs) Write(line []byte) (int, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(line, &fields); err != nil {
		return 0, fmt.Errorf("a line of the log is no JSON: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fields)
	return len(line), nil
}

// Count returns how many such lines there are.
func (l *Logs) Count(line Line) int { return l.count(line, 0) }

// Expect runs f and fails the test unless exactly n such lines come: while it
// runs, or soon after. With n = 0 it doesn't wait.
func (l *Logs) Expect(n int, line Line, f func()) {
	l.t.Helper()
	l.mu.Lock()
	from := len(l.lines)
	l.mu.Unlock()
	f()
	got := l.count(line, from)
	for end := time.Now().Add(patience); got < n && time.Now().Before(end); got = l.count(line, from) {
		time.Sleep(awaitPace)
	}
	if got != n {
		l.t.Fatalf("%d lines are %+v, not %d, among:\n  %s", got, line, n, l.show(from))
	}
}

func (l *Logs) count(line Line, from int) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fields := range l.lines[from:] {
		if line.is(fields) {
			n++
		}
	}
	return n
}

func (l *Logs) show(from int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := make([]string, 0, len(l.lines)-from)
	for _, fields := range l.lines[from:] {
		lines = append(lines, fmt.Sprint(fields))
	}
	return strings.Join(lines, "\n  ")
}

func (w Line) is(fields map[string]any) bool {
	text := func(key string) string {
		if v, ok := fields[key]; ok {
			return fmt.Sprint(v)
		}
		return ""
	}
	if w.Level != zerolog.NoLevel && text(zerolog.LevelFieldName) != w.Level.String() ||
		!strings.Contains(text(zerolog.MessageFieldName), w.Message) {
		return false
	}
	for key, part := range w.Fields { //det:ok all must hold
		if _, there := fields[key]; !there || !strings.Contains(text(key), part) {
			return false
		}
	}
	return true
}
