package actor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// stackField is the field of a log line that has the stack of a panic.
const stackField = "stack"

// checkLogger says whether Config.Logger is one that is known.
func checkLogger(l any) error {
	switch l := l.(type) {
	case nil, zerolog.Logger:
		return nil
	case *zerolog.Logger, *slog.Logger:
		if isNil(l) {
			return fmt.Errorf("Config.Logger is a nil %T: leave it out for the default", l)
		}
		return nil
	}
	return fmt.Errorf("Config.Logger is a %T: must be a *slog.Logger, a *zerolog.Logger or a zerolog.Logger", l)
}

// newLogger returns the logger of a system: one that was given, or one that writes
// lines to be read on standard error.
func newLogger(name string, given any, clock Clock) zerolog.Logger {
	switch l := given.(type) {
	case *zerolog.Logger:
		return *l
	case zerolog.Logger:
		return l
	case *slog.Logger:
		return zerolog.New(slogWriter{l.Handler(), clock})
	}
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return zerolog.New(console(os.Stderr, terminal)).Level(zerolog.InfoLevel).Hook(stamp{clock}).With().Str("system", name).Logger()
}

// console writes lines to be read, with milliseconds, and a stack below its line.
func console(out *os.File, colour bool) zerolog.ConsoleWriter {
	return zerolog.ConsoleWriter{
		Out: out, TimeFormat: "15:04:05.000", NoColor: !colour, FieldsExclude: []string{stackField}, FormatExtra: writeStack,
	}
}

func writeStack(fields map[string]any, line *bytes.Buffer) error {
	stack, _ := fields[stackField].(string)
	for text := range strings.Lines(stack) {
		line.WriteString("\n    " + strings.TrimRight(text, "\n"))
	}
	return nil
}

// stamp gives lines the time of the system's clock. What zerolog would give them has no
// fractions of a second, unless the whole process changes its settings.
type stamp struct{ clock Clock }

// Run is called for every line.
func (s stamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, s.clock.Now().Format(time.RFC3339Nano))
}

// slogWriter passes the lines of a zerolog.Logger on to a handler of log/slog.
type slogWriter struct {
	handler slog.Handler
	clock   Clock
}

// Write passes on a line without a level.
func (w slogWriter) Write(line []byte) (int, error) { return w.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel passes on a line, if the handler wants it.
func (w slogWriter) WriteLevel(level zerolog.Level, line []byte) (n int, err error) {
	ctx, to := context.Background(), slogLevel(level)
	if !w.handler.Enabled(ctx, to) {
		return len(line), nil
	}
	record := slog.NewRecord(w.clock.Now(), to, "", 0)
	if err := readLine(line, &record); err != nil {
		return 0, err
	}
	_, err = contained(func() (struct{}, error) { return struct{}{}, w.handler.Handle(ctx, record) })
	return len(line), err
}

func slogLevel(level zerolog.Level) slog.Level {
	switch level {
	case zerolog.TraceLevel:
		return slog.LevelDebug - 4
	case zerolog.DebugLevel:
		return slog.LevelDebug
	case zerolog.WarnLevel:
		return slog.LevelWarn
	case zerolog.ErrorLevel:
		return slog.LevelError
	case zerolog.FatalLevel, zerolog.PanicLevel:
		return slog.LevelError + 4
	}
	return slog.LevelInfo
}

// readLine puts the fields of a line into a record, in their order.
func readLine(line []byte, record *slog.Record) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil { // the opening brace
		return fmt.Errorf("read a log line: %w", err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read a log line: %w", err)
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("read a log line: %w", err)
		}
		switch name := key.(string); name {
		case zerolog.LevelFieldName, zerolog.TimestampFieldName:
		case zerolog.MessageFieldName:
			record.Message = fmt.Sprint(value)
		default:
			record.AddAttrs(slog.Any(name, slogValue(value)))
		}
	}
	return nil
}

// slogValue is a value as a handler of log/slog would have got it.
func slogValue(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return u
	}
	if f, err := n.Float64(); err == nil {
		return f
	}
	return n.String()
}
