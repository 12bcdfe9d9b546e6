package protobuf_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/codec/protobuf"
	"github.com/troupe-go/troupe/internal/bound"
)

func Example() {
	reg := codec.NewRegistry()
	if err := reg.Use(protobuf.Serializer{}); err != nil {
		fmt.Println(err)
		return
	}
	if err := codec.Register[*wrapperspb.StringValue](reg, "greeting.v1"); err != nil {
		fmt.Println(err)
		return
	}
	name, body, err := reg.Encode(codec.Scope{Registry: reg}, nil, wrapperspb.String("hello"))
	fmt.Printf("%s %q %v\n", name, body, err)
	msg, err := reg.Decode(codec.Scope{Registry: reg}, name, body)
	fmt.Println(msg.(*wrapperspb.StringValue).GetValue(), err)
	// Output:
	// greeting.v1 "\n\x05hello" <nil>
	// hello <nil>
}

func registry(t *testing.T) *codec.Registry {
	t.Helper()
	reg := codec.NewRegistry()
	require.NoError(t, reg.Use(protobuf.Serializer{}))
	require.NoError(t, codec.Register[*typepb.EnumValue](reg, "enum"))
	require.NoError(t, codec.Register[*wrapperspb.StringValue](reg, "string.value"))
	require.NoError(t, codec.Register[*structpb.Value](reg, "value"))
	return reg
}

func TestMessagesTravel(t *testing.T) { // A310
	reg := registry(t)
	s := codec.Scope{Registry: reg}
	msg := &typepb.EnumValue{Name: "red", Number: 7}
	nested, err := reg.Append(s, nil, msg)
	require.NoError(t, err)
	require.NotEmpty(t, nested)
	name, body, err := reg.Encode(s, nil, msg)
	require.NoError(t, err)
	got, err := reg.Decode(s, name, body)
	require.NoError(t, err)
	require.True(t, proto.Equal(msg, got.(proto.Message)))
	clear(body)
	require.Equal(t, "red", got.(*typepb.EnumValue).GetName(), "the body isn't kept")
	_, _, err = reg.Encode(s, nil, (*typepb.EnumValue)(nil))
	require.ErrorContains(t, err, "nil")
}

func TestUnknownFieldsAreKeptMissingOnesZero(t *testing.T) {
	reg := registry(t)
	s := codec.Scope{Registry: reg}
	_, young, err := reg.Encode(s, nil, &typepb.EnumValue{Name: "red", Number: 7})
	require.NoError(t, err)
	got, err := reg.Decode(s, "string.value", young)
	require.NoError(t, err)
	old := got.(*wrapperspb.StringValue)
	require.Equal(t, "red", old.GetValue())
	_, back, err := reg.Encode(s, nil, old)
	require.NoError(t, err)
	again, err := reg.Decode(s, "enum", back)
	require.NoError(t, err)
	require.EqualValues(t, 7, again.(*typepb.EnumValue).GetNumber(), "what was not understood was passed on")
	_, plain, err := reg.Encode(s, nil, wrapperspb.String("x"))
	require.NoError(t, err)
	zero, err := reg.Decode(s, "enum", plain)
	require.NoError(t, err)
	require.Zero(t, zero.(*typepb.EnumValue).GetNumber())
}

func TestBadInputIsAnError(t *testing.T) {
	reg := registry(t)
	s := codec.Scope{Registry: reg}
	deep := []byte{}
	for range codec.MaxDepth + 10 { // Value{list_value: ListValue{values: …}}
		list := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), deep)
		deep = protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), list)
	}
	for title, body := range map[string][]byte{
		"truncated": {0x0a, 5, 'x'}, "a length without end": {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"nested too deep": deep, "not UTF-8": {0x1a, 1, 0xff}, "noise": bytes.Repeat([]byte{0xff}, 100),
	} {
		_, err := reg.Decode(s, "value", body)
		require.ErrorIs(t, err, codec.ErrMalformed, title)
	}
}

func TestOnlyPointersToMessages(t *testing.T) {
	require.NoError(t, codec.Register[*structpb.Struct](codec.NewRegistry(), "s", codec.By(protobuf.Serializer{})))
	require.ErrorContains(t, codec.Register[map[string]int](codec.NewRegistry(), "s", codec.By(protobuf.Serializer{})), "no message")
	require.Error(t, codec.Register[*structpb.Struct](codec.NewRegistry(), "s"), "it says what is missing instead of guessing")
}

func TestSchemaShowsNumbersAndKinds(t *testing.T) {
	reg := registry(t)
	require.Contains(t, reg.Schema(), "enum protobuf\n\t1 string\n\t2 int32\n\t3 list of google.protobuf.Option\n")
	require.Contains(t, reg.Schema(), "\t5 google.protobuf.Struct optional\n")
}

func FuzzDecode(f *testing.F) {
	reg := codec.NewRegistry()
	if err := codec.Register[*structpb.Value](reg, "value", codec.By(protobuf.Serializer{})); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0x1a, 1, 'x'})
	f.Add([]byte{0x32, 2, 0x0a, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var msg any
		var err error
		bound.Allocation(t, len(b), func() { msg, err = reg.Decode(codec.Scope{}, "value", b) })
		if err != nil {
			return
		}
		if _, _, err := reg.Encode(codec.Scope{}, nil, msg); err != nil {
			t.Fatalf("what decodes, encodes again: %v", err)
		}
	})
}
