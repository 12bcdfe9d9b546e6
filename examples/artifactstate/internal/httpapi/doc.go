// Package httpapi is the HTTP face of the artifactstate example: JSON in, JSON
// out, one route for each thing a client may do.
//
// What it guarantees:
//
//   - A set is answered with success only after the entity said that its event is
//     durable.
//
//   - A request is either well-formed to the letter or refused with a problem
//     document (RFC 9457) that names the field: no unknown, doubled or missing
//     fields, no wrong case, no guessing of types.
//
//   - Every request ends: an entity that does not answer within the ask timeout
//     makes a 503 with Retry-After, and the command it was sent refuses itself
//     from that moment on.
//
//   - What a request may cost is bounded: the body, the headers, the time to read
//     and write them, and the number of requests in progress.
//
//   - A server that ends answers every request that reaches it, and refuses
//     connections only after it has said for a while that it isn't ready.
//
// What it asks of its users: an [Entities] that honours its context, and a Ready
// function that answers soon, since orchestrators call it often.
//
// The tour: [New] makes the handler, [Listen] a server around it with its
// timeouts, and [Server.Shutdown] ends it without cutting off a request.
//
// Reading order: api.go, decode.go, problem.go, server.go, listener.go,
// conns.go.
package httpapi
