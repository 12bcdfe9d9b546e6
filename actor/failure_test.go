package actor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/codec"
)

var (
	errSoldOut = errors.New("sold out")
	errClosed  = errors.New("closed")
)

// TestErrorsKeepTheirIdentity: what errors.Is and errors.As say where an error arose, they
// say where it arrives, also by way of a third node.
func TestErrorsKeepTheirIdentity(t *testing.T) {
	one, other := codec.NewRegistry(), codec.NewRegistry()
	for _, reg := range []*codec.Registry{one, other} {
		require.NoError(t, codec.RegisterError(reg, "shop.SoldOut", errSoldOut))
	}
	require.NoError(t, codec.RegisterError(one, "shop.Closed", errClosed)) // the other end doesn't know it
	travel := func(err error) error {
		from, to := codec.Scope{Registry: one}, codec.Scope{Registry: other}
		for range 2 {
			b, encodeErr := actor.Failure{Err: err}.AppendWire(from, nil)
			require.NoError(t, encodeErr)
			var f actor.Failure
			require.NoError(t, f.DecodeWire(to, b))
			err, from = f.Err, to
		}
		return err
	}
	all := []error{
		actor.ErrStopped, actor.ErrNameTaken, actor.ErrBadName, actor.ErrMailboxFull, actor.ErrTimeout, actor.ErrDeadLetter, actor.ErrNobody,
		actor.ErrStashFull, actor.ErrAttached, actor.ErrBackpressure, actor.ErrKilled, actor.ErrCallCycle, actor.ErrStashed,
		context.DeadlineExceeded, context.Canceled,
		codec.ErrUnregistered, codec.ErrMalformed, codec.ErrTooLarge, codec.ErrTooDeep, codec.ErrDenied, errSoldOut,
		actor.ErrOverloaded,
	}
	for _, sent := range append(all[:len(all):len(all)],
		errors.New("none of them"), fmt.Errorf("late: %w (%w)", actor.ErrTimeout, context.DeadlineExceeded), errors.Join(all...),
		&actor.DeadLetterError{Reason: actor.DropBackpressure}, &actor.DeadLetterError{Reason: actor.DropOverloaded}, &codec.UnregisteredError{Name: "x"}, fmt.Errorf("till 3: %w", errSoldOut), errClosed,
	) {
		got := travel(sent)
		require.Equal(t, sent.Error(), got.Error())
		for _, is := range all {
			require.Equal(t, errors.Is(sent, is), errors.Is(got, is), "%v is %v", sent, is)
		}
		letter, ok := errors.AsType[*actor.DeadLetterError](sent)
		arrived, same := errors.AsType[*actor.DeadLetterError](got)
		require.Equal(t, ok, same)
		require.Equal(t, letter, arrived)
	}
	require.NotErrorIs(t, travel(errClosed), errClosed)
	panicked, ok := errors.AsType[*actor.PanicError](travel(&actor.PanicError{Value: 7, Stack: []byte("secret")}))
	require.True(t, ok)
	require.Empty(t, panicked.Stack)
	require.Len(t, travel(errors.New(strings.Repeat("x", 10_000))).Error(), 4<<10)
}

func TestWhatIsSaidOfErrorsIsBounded(t *testing.T) {
	for title, b := range map[string][]byte{
		"an unknown code":     {200, 1, 1, 'x'},
		"unknown kinds":       {0, 1, 'x', 99, 1, 7, 98, 0},
		"an unknown name":     {0, 1, 'x', 4, 1, 'n'},
		"no reason":           {0, 1, 'x', 2, 0},
		"a reason of its own": {0, 1, 'x', 2, 1, 250},
		"many":                append([]byte{0, 1, 'x'}, []byte(strings.Repeat("\x01\x01\x05", 1000))...),
	} {
		var f actor.Failure
		require.NoError(t, f.DecodeWire(codec.Scope{Registry: codec.NewRegistry()}, b), title)
		require.Equal(t, "x", f.Err.Error(), title)
		require.LessOrEqual(t, len(f.Err.(*actor.RemoteError).Unwrap()), 33, title)
	}
	for title, b := range map[string][]byte{"cut off": {0, 1, 'x', 4, 5, 'n'}, "no value": {0, 1, 'x', 4}, "no text": {0}} {
		var f actor.Failure
		require.Error(t, f.DecodeWire(codec.Scope{}, b), title)
	}
}
