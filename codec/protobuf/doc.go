// Package protobuf lets messages of protocol buffers travel between actors.
//
// # Guarantees
//
//   - After codec.Registry.Use(protobuf.Serializer{}) every generated message type
//     that is registered (as a pointer, which is what generated code has) travels
//     in the format of protocol buffers, whatever wrote the other end.
//   - Fields that a newer sender has added are kept and passed on, those it has
//     left out are zero; nesting ends at codec.MaxDepth.
//   - The same message gives the same bytes within one release of the library.
//
// # Duties
//
//   - Register each message under a name that stays; the full name of the message
//     is a good one. No type is looked up by what the bytes say, and what is in an
//     Any stays packed.
//   - A message that contains itself is no message: writing it never ends.
//
// It is a module of its own, so that only those who use it pull in the library.
// Read serializer.
package protobuf
