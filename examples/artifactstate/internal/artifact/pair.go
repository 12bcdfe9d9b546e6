package artifact

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
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
	// ErrID: a text is not the id of a pair.
	ErrID = errors.New("not the id of a pair")
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

// ID returns the id of the pair's entity: the artifact id in decimal, a hyphen,
// and the user id with everything escaped that is not a letter, a digit or one
// of a few harmless characters of ASCII. The first hyphen ends the artifact id,
// and escaping loses nothing, so no two pairs share an id.
func (p Pair) ID() string {
	return strconv.FormatInt(p.Artifact, 10) + "-" + url.QueryEscape(p.User)
}

// ParseID returns the pair whose [Pair.ID] is id. It accepts exactly the texts
// that ID returns for valid pairs; any other gives an error that wraps [ErrID].
func ParseID(id string) (Pair, error) {
	number, escaped, ok := strings.Cut(id, "-")
	if !ok {
		return Pair{}, fmt.Errorf("%w: %.64q has no hyphen after the artifact id", ErrID, id)
	}
	artifact, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Pair{}, fmt.Errorf("%w: %.64q starts with no artifact id", ErrID, id)
	}
	user, err := url.QueryUnescape(escaped)
	if err != nil {
		return Pair{}, fmt.Errorf("%w: the user id in %.64q is wrongly escaped", ErrID, id)
	}
	p := Pair{User: user, Artifact: artifact}
	if err := p.Check(); err != nil {
		return Pair{}, fmt.Errorf("%w: %w", ErrID, err)
	}
	// One pair has one id: a second spelling, such as a leading zero, would be a
	// second entity with a state of its own.
	if p.ID() != id {
		return Pair{}, fmt.Errorf("%w: %.64q is another spelling of %.64q", ErrID, id, p.ID())
	}
	return p, nil
}
