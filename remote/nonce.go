package remote

import "crypto/rand"

// newNonce returns bytes that nobody can foresee, for one handshake. It is a door:
// chance that a seed decides would let handshakes be replayed.
func newNonce() [nonceSize]byte {
	var n [nonceSize]byte
	_, _ = rand.Read(n[:]) // never fails
	return n
}
