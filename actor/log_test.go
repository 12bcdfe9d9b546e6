package actor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// noon is a clock that stands still.
type noon struct{ RealClock }

func (noon) Now() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 345_000_000, time.Local) }

func TestASlogLoggerGetsWhatIsLogged(t *testing.T) {
	var out bytes.Buffer
	level := &slog.LevelVar{}
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
	sys, err := NewSystem("shop", Config{Logger: log, Clock: noon{}})
	require.NoError(t, err)
	sys.Log().Debug().Msg("not yet")
	level.Set(slog.LevelDebug)
	sys.Log().Debug().Msg("now")
	sys.Log().Warn().Int("n", -3).Uint64("big", 1<<63).Float64("part", 0.5).Err(errors.New("out of paper")).
		Stringer("after", 1500*time.Millisecond).Bool("b", true).Strs("of", []string{"x", "y"}).Msg("printer \"4\"")
	sys.Log().Log().Msg("plain")
	require.NoError(t, sys.Stop(context.Background()))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	at := noon{}.Now().Format("2006-01-02T15:04:05.000Z07:00")
	require.Equal(t, []string{
		"time=" + at + " level=DEBUG msg=now",
		"time=" + at + ` level=WARN msg="printer \"4\"" n=-3 big=9223372036854775808 part=0.5 error="out of paper" after=1.5s b=true of="[x y]"`,
		"time=" + at + " level=INFO msg=plain",
		"time=" + at + ` level=INFO msg="system is stopping" reason=stop`,
	}, lines)
}

// broken is a handler that panics.
type broken struct{ slog.Handler }

func (broken) Handle(context.Context, slog.Record) error { panic("no disk") }

func TestALoggerThatPanicsHarmsNobody(t *testing.T) {
	log := newLogger("shop", slog.New(broken{slog.NewTextHandler(io.Discard, nil)}), RealClock{})
	old := zerolog.ErrorHandler
	defer func() { zerolog.ErrorHandler = old }()
	var got error
	zerolog.ErrorHandler = func(err error) { got = err }
	log.Info().Msg("x")
	require.ErrorContains(t, got, "no disk")
}

func TestTheStandardOutputIsMadeToBeRead(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	log := zerolog.New(console(w, false)).Hook(stamp{noon{}})
	log.Error().Str("actor", "/user/x").Str(stackField, "goroutine 1 [running]:\nmain.boom()\n\tmain.go:7\n").Msg("actor failed")
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "12:00:00.345 ERR actor failed actor=/user/x\n    goroutine 1 [running]:\n    main.boom()\n    \tmain.go:7\n", string(text))
}
