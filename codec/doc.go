// Package codec turns messages into bytes and back by stable names.
//
// # Guarantees
//
//   - A type travels under the name it was registered with and never under its
//     Go name, so moving a type to another package breaks neither the wire nor
//     a journal.
//   - What [Register] accepts comes back equal, or is an error when it is sent;
//     what would lose something is refused at registration, with the reason. What
//     changes on the way is listed below.
//   - A number that doesn't fit into the field that it arrives in is an error, in
//     every width; none is ever cut off.
//   - Bytes from outside can't make decoding panic, overflow the stack or
//     allocate more than in proportion to their own length: lengths are checked
//     against the bytes that are there and nesting ends at [MaxDepth].
//   - Ids of encodings and names of types that clash are errors at registration.
//   - A panic in somebody's encoding or decoding method is returned as an error.
//   - A [Registry] is safe for concurrent use; look-ups take no lock.
//
// # Duties
//
//   - Register every type that leaves the process, once per system and before it
//     is first sent: what is missing is an [UnregisteredError].
//   - Messages are values: a type registered as T is sent as T. Register *T when
//     pointers are to be sent.
//   - Keep names for ever. Add fields freely (structs are encoded as maps of field
//     names); rename with [Alias]; give everything else a new name.
//   - A decoding method must not keep the bytes it is handed.
//
// # Tour
//
// [Register] decides once per type how it is encoded: as its option [By] says, by
// the type's own [Appender] and [Decoder] methods, by a [Serializer] that was handed
// to [Registry.Use] (package codec/protobuf has one), by encoding.BinaryAppender and
// encoding.BinaryUnmarshaler, and otherwise by msgpack (field tags
// `msgpack:"name,omitempty"`). [JSON] and [Raw] are serializers too. Simple types such as string, int and []byte are
// registered from the start. [Registry.Append] and [Registry.Read] nest a value
// of any registered type inside another message; [Registry.Encode] and
// [Registry.Decode] keep name and body apart, as envelopes and journals want it.
// [Scope] carries what references inside messages need, also through msgpack
// ([ScopeOfEncoder], [ScopeOfDecoder]).
//
// # What changes on the way
//
// A time arrives in UTC, without its monotonic reading, wherever it stands. A nil slice
// or map stays nil and an empty one empty, but with the tag option omitempty an empty one
// arrives as nil, and a nil []byte that is a message of its own, or goes by [Raw], as an
// empty one. Fields with the tag "-" stay behind. Pointers to one value arrive as pointers
// to copies. A NaN stays one, and a string keeps bytes that are no UTF-8 (in JSON they are
// an error).
//
// In msgpack, a field of type any arrives as nil, bool, int64 (uint64 for what is larger),
// float64, string, []byte, time.Time, []any for slices and arrays, and map[string]any for
// maps of string; a map of another simple type is still one, of simple values or of any. A
// value of a registered type, such as a struct or a ref, arrives as what it is, and rights
// are demanded of it; a ref to an actor that takes one type arrives as a PID ([Widener]).
// Everything else, errors among it, is an [UnregisteredError] when it is sent. A nil slice
// or map in a field of type any arrives as nil.
//
// [Registry.Schema] writes down what all registered types look like, and [Changes]
// tells which differences between two releases break messages or stored data. A
// [Right] is what a type demands of a sender on another node.
//
// Read the files in this order: registry, register, method, nest, field, plan,
// pack, unpack, map, any, msgpack, guard, basics, serializer, json, jsontype, right, schema,
// change, errors.
package codec
