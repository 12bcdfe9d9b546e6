package actor

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// TestGoldenMessages holds the bytes of every message of this package still: other
// releases send and read them. A message that is registered and not in the table
// fails the test.
func TestGoldenMessages(t *testing.T) {
	quiet := zerolog.Nop()
	sys, err := NewSystem("test", Config{Logger: &quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sys.Stop(context.Background())) })
	far := PID{p: sys.dead(Location{System: "shop", Addr: "a:1", UID: 2, Path: "/user/x", ID: 3})}
	const farBytes = "01" + "0473686f70" + "03613a31" + "0000000000000002" + "072f757365722f78" + "03"
	seen := map[string]bool{}
	for _, c := range []struct {
		msg  any
		want string
	}{
		{Failure{Err: errors.New("no")}, "00" + "026e6f"},
		{Failure{Err: ErrTimeout}, "05" + "11" + hex.EncodeToString([]byte("no answer in time"))},
		{Failure{Err: fmt.Errorf("%w%w", ErrTimeout, context.DeadlineExceeded)}, "05" + "2a" + hex.EncodeToString([]byte("no answer in timecontext deadline exceeded")) + "01010e"},
		{Failure{Err: &DeadLetterError{Reason: DropEncode, Answer: true}}, "06" + "2a" + hex.EncodeToString([]byte("the answer is a dead letter: not encodable")) + "02020801"},
		{Failure{Err: &DeadLetterError{Reason: DropBackpressure}}, "06" + "19" + hex.EncodeToString([]byte("dead letter: backpressure")) + "020107"},
		{Failure{Err: &PanicError{Value: "x"}}, "00" + "08" + hex.EncodeToString([]byte("panic: x")) + "0300"},
		{PoisonPill{}, ""},
		{Kill{}, ""},
		{Identify{ID: 300}, "ac02"},
		{ActorIdentity{ID: 300}, "ac02" + "00"},
		{ActorIdentity{ID: 1, Ref: far}, "01" + farBytes},
		{selected{pattern: "/user/*", msg: Identify{ID: 1}}, "072f757365722f2a" + "18" + hex.EncodeToString([]byte("troupe.actor.Identify.v1")) + "0101"},
		{Terminated{Ref: far}, farBytes},
		{Terminated{Ref: far, Cause: errors.New("no")}, farBytes + "00026e6f"},
		{far, farBytes},
		{PID{}, "00"},
	} {
		name, body, err := sys.registry.Encode(sys.Scope(), nil, c.msg)
		require.NoError(t, err)
		require.Equal(t, c.want, hex.EncodeToString(body), "%T", c.msg)
		b, err := hex.DecodeString(c.want)
		require.NoError(t, err)
		msg, err := sys.registry.Decode(sys.Scope(), name, b)
		require.NoError(t, err, "%T", c.msg)
		_, again, err := sys.registry.Encode(sys.Scope(), nil, msg)
		require.NoError(t, err)
		require.Equal(t, b, append([]byte{}, again...), "%T", c.msg)
		seen[name] = true
	}
	for _, name := range sys.registry.Names() {
		if strings.HasPrefix(name, "troupe.") {
			require.True(t, seen[name], "%s has no golden bytes", name)
		}
	}
}

func TestRepliesHaveNamesThatCannotBeGuessed(t *testing.T) {
	names := func(cfg Config) []string {
		quiet := zerolog.Nop()
		cfg.Logger = &quiet
		sys, err := NewSystem("test", cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, sys.Stop(context.Background())) }()
		var out []string
		for range 3 {
			r := sys.newReply(time.Second)
			loc := r.location()
			require.Equal(t, &r.process, sys.local(loc.Path, loc.ID))
			require.Greater(t, loc.ID, uint64(1)<<32, "no counter: %v", loc)
			out = append(out, loc.Path)
			sys.temps.remove(r)
			require.NotEqual(t, &r.process, sys.local(loc.Path, loc.ID))
		}
		return out
	}
	require.NotEqual(t, names(Config{}), names(Config{}))
	require.Equal(t, names(Config{Seed: 7}), names(Config{Seed: 7}), "runs can be repeated")
	require.NotEqual(t, names(Config{Seed: 7}), names(Config{Seed: 8}))
}
