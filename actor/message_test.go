package actor

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/bound"
)

// What decodes, encodes to something that decodes to the same.
func FuzzDecodeMessages(f *testing.F) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, sys.Stop(context.Background())) })
	require.NoError(f, codec.Register[string](sys.registry, "string"))
	names := []string{}
	for _, m := range []any{
		Identify{ID: 7}, ActorIdentity{ID: 7, Ref: PID{p: &sys.user.process}},
		Terminated{Ref: PID{p: &sys.user.process}, Cause: ErrKilled}, Terminated{}, Failure{Err: ErrTimeout},
		selected{pattern: "/user/*", msg: Identify{ID: 1}}, selected{pattern: "/user/a", msg: "text"},
	} {
		name, body, err := sys.registry.Encode(sys.Scope(), nil, m)
		require.NoError(f, err)
		names = append(names, name)
		f.Add(uint8(len(names)-1), body)
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		name := names[int(kind)%len(names)]
		var first any
		var err error
		bound.Allocation(t, len(body), func() { first, err = sys.registry.Decode(sys.Scope(), name, body) })
		if err != nil {
			return
		}
		_, again, err := sys.registry.Encode(sys.Scope(), nil, first)
		require.NoError(t, err)
		second, err := sys.registry.Decode(sys.Scope(), name, again)
		require.NoError(t, err)
		_, third, err := sys.registry.Encode(sys.Scope(), nil, second)
		require.NoError(t, err)
		require.Equal(t, again, third)
	})
}

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// The bytes of the package's own messages stay as they are: what is in the golden
// file is decoded by this code and all that comes after it.
func TestMessagesOnTheWire(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("shop", Config{Logger: &quiet, UID: 7, Seed: 1})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Stop(context.Background())) }()
	_, err = sys.Attach(nowhere{}, "a:2551")
	require.NoError(t, err)
	require.NoError(t, codec.Register[string](sys.registry, "string"))
	far := sys.RefOf(Location{System: "shop", Addr: "b:2552", UID: 9, Path: "/user/till", ID: 11})
	samples := []any{
		Identify{ID: 300}, ActorIdentity{ID: 300, Ref: far}, ActorIdentity{ID: 1},
		Terminated{Ref: far}, Terminated{Ref: far, Cause: fmt.Errorf("out of paper: %w", ErrKilled)},
		Failure{Err: ErrTimeout}, PoisonPill{}, Kill{}, far,
		selected{pattern: "/user/*/till", msg: "open"}, selected{pattern: "/user/till", msg: Identify{ID: 2}},
	}
	var text string
	for _, m := range samples {
		name, body, err := sys.registry.Encode(sys.Scope(), nil, m)
		require.NoError(t, err)
		text += fmt.Sprintf("%s %s\n", name, hex.EncodeToString(body))
	}
	golden := filepath.Join("testdata", "messages.golden")
	if *rewrite {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "the wire form has changed: old nodes won't understand it")
	for i, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
		name, digits, _ := strings.Cut(line, " ")
		body, err := hex.DecodeString(digits)
		require.NoError(t, err)
		got, err := sys.registry.Decode(sys.Scope(), name, body)
		require.NoError(t, err, name)
		switch m := got.(type) {
		case Terminated:
			want := samples[i].(Terminated)
			require.Equal(t, want.Ref, m.Ref)
			if want.Cause == nil {
				require.NoError(t, m.Cause)
			} else {
				require.ErrorIs(t, m.Cause, ErrKilled)
				require.EqualError(t, m.Cause, want.Cause.Error())
			}
		case Failure:
			require.ErrorIs(t, m.Err, ErrTimeout)
		default:
			require.Equal(t, samples[i], got)
		}
	}
}

// nowhere is remoting that leads nowhere.
type nowhere struct{}

func (nowhere) Link(Location) Link        { return nowhere{} }
func (nowhere) Send(any, PID, bool) error { return ErrStopped }
func (nowhere) SendSystem(SystemMessage)  {}
