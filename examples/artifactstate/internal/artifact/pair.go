package artifact

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// UserIDMax is the longest user id in bytes.
const UserIDMax = 256

// Errors of a pair that can't be, to be tested with errors.Is.
var (
	// ErrUserID: the user id is empty, too long or not UTF-8.
	ErrUserID = errors.New("bad user id")
	// ErrArtifactID: the artifact id is negative.
	ErrArtifactID = errors.New("bad artifact id")
)

// Pair is a user and an artifact: what one entity is about. The zero value is
// not valid, since a user id has at least one byte.
type Pair struct {
	// User is 1 to [UserIDMax] bytes of UTF-8.
	User string
	// Artifact is zero or more.
	Artifact int64
}

// Check returns why p is not a pair that can have a state: an error that wraps
// [ErrUserID] or [ErrArtifactID], or nil.
func (p Pair) Check() error {
	switch {
	case p.Artifact < 0:
		return fmt.Errorf("%w: %d is negative, artifact ids start at 0", ErrArtifactID, p.Artifact)
	case p.User == "":
		return fmt.Errorf("%w: it is empty, give 1 to %d bytes", ErrUserID, UserIDMax)
	case len(p.User) > UserIDMax:
		return fmt.Errorf("%w: it is %d bytes long, at most %d", ErrUserID, len(p.User), UserIDMax)
	case !utf8.ValidString(p.User):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrUserID)
	}
	return nil
}

// IDMax is the longest id of a pair in bytes: as long as entities may be named.
const IDMax = 170

// ID returns the id of the pair's entity: the artifact id in decimal, a hyphen and
// the user id; or, where that is longer than [IDMax], a number sign and the
// SHA-256 of the user id. The first character that is no digit ends the artifact
// id and says which of the two it is, so no two pairs share an id.
func (p Pair) ID() string {
	id := strconv.FormatInt(p.Artifact, 10) + "-" + p.User
	if len(id) <= IDMax {
		return id
	}
	sum := sha256.Sum256([]byte(p.User))
	return strconv.FormatInt(p.Artifact, 10) + "#" + base64.RawURLEncoding.EncodeToString(sum[:])
}
