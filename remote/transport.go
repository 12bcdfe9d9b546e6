package remote

import "crypto/x509"

// Transport is the wire below remoting: it carries streams of bytes between
// addresses, each in order and each direction on its own. [TCP] is the one for
// production, [MemNet] one in memory; a simulator brings its own.
//
// Remoting never blocks and starts no goroutine of its own: everything it does,
// it does inside a call of the transport, of a timer or of a sender. In return
// it may be called from any goroutine, and no transport may call it while
// holding a lock that the methods here take.
type Transport interface {
	// Listen takes connections at addr, "host:port" (port 0: any that is
	// free), and hands each to accept. It may be called more than once.
	Listen(addr string, accept func(Conn)) (Listener, error)
	// Dial opens a stream to addr and calls done exactly once, with the
	// connection or with the reason why there is none; never inside Dial
	// itself. Attempts end by themselves within seconds; cancel ends one at
	// once (with an error for done), and does nothing after done was called.
	Dial(addr string, done func(Conn, error)) (cancel func())
}

// Listener is a place where connections are taken.
type Listener interface {
	// Addr is the address bound, with the real port.
	Addr() string
	// Close takes no more connections. Those there are live on.
	Close()
}

// Conn is one stream of bytes between two systems. A Conn is silent until Start.
// Its methods never block, may be called from any goroutine, from inside a
// handler and after the end.
type Conn interface {
	// Start names the handler; it is called once, promptly after the
	// connection was handed over. From then on the transport calls h.
	Start(h Handler)
	// Flush says that the handler has bytes to write. The transport calls
	// Outgoing soon, never inside Flush. Calls that come before it does are
	// one. It is cheap and may be called under a lock.
	Flush()
	// Close ends the connection at once; bytes of which the transport has
	// not yet asked for more (see Handler.Outgoing) may be lost. The handler
	// is told by Closed, never inside Close; when Start comes later, then.
	Close()
	// Peer names the other end for logs.
	Peer() string
}

// PromptConn is what a [Conn] also implements when it can write on the thread of the
// caller.
type PromptConn interface {
	// FlushNow is Flush, but calls Outgoing inside and writes at once what can be
	// written without waiting. It isn't called under a lock of the handler's.
	FlushNow()
}

// YieldingConn is what a [Conn] also implements when Data is called on a goroutine that
// others may have to wait for.
type YieldingConn interface {
	// Yield lets goroutines run that are ready to. It is called inside Data.
	Yield()
}

// SecureTransport is what a [Transport] also implements when it can encrypt.
type SecureTransport interface {
	// Secure reports whether it encrypts and proves who is at the other end. Then
	// all its connections are a [SecureConn].
	Secure() bool
}

// SecureConn is a [Conn] that is encrypted and whose other end has proved who it
// is. Its methods are called after the first Data only.
type SecureConn interface {
	// Binding is the same at both ends and on no other connection: what the
	// TLS exporter gives.
	Binding() []byte
	// Entitled says why the other end may not call itself addr; nil: it may.
	Entitled(addr string) error
}

// CertifiedConn is what a [SecureConn] also implements when the other end has shown
// a certificate: then [Access.Certificates] and [Remote.Recheck] count for it.
type CertifiedConn interface {
	// Certificate is the one that the other end has shown, verified.
	Certificate() *x509.Certificate
	// Recheck says why the certificate would be refused now; nil: it would not.
	Recheck() error
}

func certificateOf(c Conn) *x509.Certificate {
	if s, ok := c.(CertifiedConn); ok {
		return s.Certificate()
	}
	return nil
}

// bindingOf names the encrypted connection, if it is one.
func bindingOf(c Conn) []byte {
	if s, ok := c.(SecureConn); ok {
		return s.Binding()
	}
	return nil
}

// Handler is the side of a connection that remoting implements. Calls of Data
// don't overlap one another, nor do those of Outgoing; Closed comes once and
// last, after the last call of either has returned.
type Handler interface {
	// Data hands over bytes that arrived, in order, in pieces of any size.
	// They are valid during the call only. While Data runs nothing more is
	// read: that is the back-pressure on the sender.
	Data(b []byte)
	// Outgoing returns the bytes to write next, in pieces, of which none is
	// empty. The transport must not change the bytes, may change the slice of
	// the pieces as [net.Buffers] does, and is done with both when it calls
	// Outgoing again, which it does as soon as they are written (handed to the
	// network). No pieces mean: nothing more until the next Flush.
	Outgoing() [][]byte
	// Closed says that the connection is over, and why; err is nil when this
	// side called Close.
	Closed(err error)
}

// lengthOf is how many bytes the pieces have.
func lengthOf(pieces [][]byte) int {
	n := 0
	for _, b := range pieces {
		n += len(b)
	}
	return n
}
