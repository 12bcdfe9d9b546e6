package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/codec"
)

// lists is an error that can't be compared.
type lists []error

func (lists) Error() string { return "many" }

func TestErrorNames(t *testing.T) {
	reg := codec.NewRegistry()
	one, two := errors.New("one"), errors.New("two")
	require.NoError(t, codec.RegisterError(reg, "a.one", one))
	require.NoError(t, codec.RegisterError(reg, "a.two", two))
	require.NoError(t, codec.RegisterError(reg, "a.one", one), "again")
	require.ErrorIs(t, codec.RegisterError(reg, "a.one", two), codec.ErrClash)
	require.ErrorIs(t, codec.RegisterError(reg, "b.one", one), codec.ErrClash)
	require.ErrorContains(t, codec.RegisterError(reg, "", one), "a name of 1 to 200 bytes")
	require.ErrorContains(t, codec.RegisterError(reg, strings.Repeat("n", 201), one), "a name of 1 to 200 bytes")
	require.ErrorContains(t, codec.RegisterError(reg, "nil", nil), "an error and a name")
	require.ErrorContains(t, codec.RegisterError(reg, "lists", lists{one}), "can't be compared")

	require.Equal(t, []string{"a.one", "a.two"}, reg.ErrorNames(fmt.Errorf("both: %w, %w", two, one)))
	require.Empty(t, reg.ErrorNames(errors.New("one")), "another error of the same text")
	require.Equal(t, two, reg.ErrorNamed("a.two"))
	require.NoError(t, reg.ErrorNamed("a.three"))
	require.Empty(t, codec.NewRegistry().ErrorNames(one))
	require.NoError(t, codec.NewRegistry().ErrorNamed("a.one"))
	for n := range 998 {
		require.NoError(t, codec.RegisterError(reg, fmt.Sprint("n", n), fmt.Errorf("%d", n)))
	}
	require.ErrorContains(t, codec.RegisterError(reg, "more", errors.New("more")), "the most")
}
