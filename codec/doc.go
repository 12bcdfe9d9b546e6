// Package codec turns messages into bytes and back by stable names.
//
// # Guarantees
//
//   - A type travels under the name it was registered with and never under its
//     Go name, so moving a type to another package breaks neither the wire nor
//     a journal.
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
// In msgpack, a field of type any comes back as one of nil, bool, int64, uint64,
// float64, string, []any, map[string]any or time.Time; a []byte in it comes back
// as a string. Where the Go type matters, use a concrete field or nest with
// Registry.Append.
//
// [Registry.Schema] writes down what all registered types look like, and [Changes]
// tells which differences between two releases break messages or stored data. A
// [Right] is what a type demands of a sender on another node.
//
// Read the files in this order: registry, register, nest, msgpack, guard, shape,
// basics, serializer, right, schema, change, errors.
package codec
