package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/troupe-go/troupe/examples/artifactstate/internal/artifact"
)

// BodyMax is the largest body in bytes.
const BodyMax = 64 << 10

// The two fields of every request.
const (
	fieldArtifact = "artifactId"
	fieldUser     = "userId"
)

// draft collects the fields of a request as they are met.
type draft struct {
	pair                 artifact.Pair
	hasArtifact, hasUser bool
}

// pairOfBody reads the pair out of a JSON body.
func pairOfBody(w http.ResponseWriter, r *http.Request) (artifact.Pair, *Problem) {
	if p := checkContentType(r.Header); p != nil {
		return artifact.Pair{}, p
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyMax))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return artifact.Pair{}, problem(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", BodyMax)
	case err != nil:
		return artifact.Pair{}, problem(http.StatusBadRequest, "the body could not be read to its end")
	}
	return decodePair(body)
}

// checkContentType accepts JSON, and no statement at all.
func checkContentType(h http.Header) *Problem {
	given := h.Values("Content-Type")
	if len(given) == 0 {
		return nil
	}
	const cure = "send Content-Type: application/json"
	if len(given) > 1 {
		return problem(http.StatusUnsupportedMediaType, "there are %d Content-Type headers; %s", len(given), cure)
	}
	media, params, err := mime.ParseMediaType(given[0])
	if err != nil || media != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "the body is said to be %q; %s", shorten(given[0]), cure)
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return problem(http.StatusUnsupportedMediaType, "the charset is %q; JSON is UTF-8", shorten(charset))
	}
	return nil
}

// decodePair reads {"artifactId":…,"userId":…} and nothing else. The standard
// library's decoding into a struct is too kind for that: it takes any case of a
// field's name, the last of doubled fields, and makes U+FFFD of what is not
// text, so that different users would become one.
func decodePair(body []byte) (artifact.Pair, *Problem) {
	if len(bytes.TrimSpace(body)) == 0 {
		return artifact.Pair{}, problem(http.StatusBadRequest, `the body is empty; send {"artifactId":1,"userId":"Michael"}`)
	}
	if !utf8.Valid(body) {
		return artifact.Pair{}, problem(http.StatusBadRequest, "the body is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil {
		return artifact.Pair{}, malformed(err)
	} else if t != json.Delim('{') {
		return artifact.Pair{}, problem(http.StatusBadRequest, "the body is not a JSON object")
	}
	var d draft
	for dec.More() {
		if p := d.readField(dec); p != nil {
			return artifact.Pair{}, p
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return artifact.Pair{}, malformed(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return artifact.Pair{}, problem(http.StatusBadRequest, "something follows the JSON object at byte %d", dec.InputOffset())
	}
	return d.finish()
}

func (d *draft) readField(dec *json.Decoder) *Problem {
	t, err := dec.Token()
	if err != nil {
		return malformed(err)
	}
	name, _ := t.(string)
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return malformed(err)
	}
	switch name {
	case fieldArtifact:
		if d.hasArtifact {
			return twice(name)
		}
		if c := raw[0]; c != '-' && (c < '0' || c > '9') {
			return badField(name, "%s must be a number, without quotes", name)
		}
		return d.setArtifact(string(raw))
	case fieldUser:
		if d.hasUser {
			return twice(name)
		}
		if raw[0] != '"' {
			return badField(name, "%s must be a string in quotes", name)
		}
		if hasLoneSurrogate(raw) {
			return badField(name, "%s has half a surrogate pair and is no text", name)
		}
		var user string
		if err := json.Unmarshal(raw, &user); err != nil {
			return malformed(err)
		}
		return d.setUser(user)
	}
	return badField(shorten(name), "the field is unknown; there are %s and %s", fieldArtifact, fieldUser)
}

// pairOfQuery reads the pair out of ?artifactId=1&userId=Michael.
func pairOfQuery(raw string) (artifact.Pair, *Problem) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return artifact.Pair{}, problem(http.StatusBadRequest, "the query is malformed; escape what is not a letter or a digit, as in ?artifactId=1&userId=a%%2Fb")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != fieldArtifact && name != fieldUser {
			return artifact.Pair{}, badField(shorten(name), "the parameter is unknown; there are %s and %s", fieldArtifact, fieldUser)
		}
	}
	var d draft
	for _, f := range []struct {
		name string
		set  func(string) *Problem
	}{{fieldArtifact, d.setArtifact}, {fieldUser, d.setUser}} {
		switch given := values[f.name]; len(given) {
		case 0:
		case 1:
			if p := f.set(given[0]); p != nil {
				return artifact.Pair{}, p
			}
		default:
			return artifact.Pair{}, twice(f.name)
		}
	}
	return d.finish()
}

func (d *draft) setArtifact(digits string) *Problem {
	const cure = fieldArtifact + " must be a whole number from 0 to 9223372036854775807"
	for _, c := range digits {
		if c < '0' || c > '9' {
			return badField(fieldArtifact, "%s, not %q", cure, shorten(digits))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return badField(fieldArtifact, "%s, not %q", cure, shorten(digits))
	}
	d.pair.Artifact, d.hasArtifact = n, true
	return nil
}

func (d *draft) setUser(user string) *Problem {
	d.pair.User, d.hasUser = user, true
	if err := (artifact.Pair{User: user}).Check(); err != nil {
		return badField(fieldUser, "%v", err)
	}
	return nil
}

func (d *draft) finish() (artifact.Pair, *Problem) {
	switch {
	case !d.hasArtifact:
		return artifact.Pair{}, badField(fieldArtifact, "%s is missing", fieldArtifact)
	case !d.hasUser:
		return artifact.Pair{}, badField(fieldUser, "%s is missing", fieldUser)
	}
	return d.pair, nil
}

func twice(name string) *Problem {
	return badField(name, "%s is given more than once", name)
}

func malformed(err error) *Problem {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return problem(http.StatusBadRequest, "the JSON ends too early")
	}
	return problem(http.StatusBadRequest, "the body is not JSON: %v", err)
}

// hasLoneSurrogate reports whether a JSON string escapes one half of a surrogate
// pair without the other.
func hasLoneSurrogate(s []byte) bool {
	unit := func(at int) (uint64, bool) { // the UTF-16 unit escaped at s[at:]
		if at+6 > len(s) || s[at] != '\\' || s[at+1] != 'u' {
			return 0, false
		}
		u, err := strconv.ParseUint(string(s[at+2:at+6]), 16, 16)
		return u, err == nil
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		u, ok := unit(i)
		switch {
		case !ok:
			i++ // a short escape: \\, \", \n
		case u >= 0xD800 && u < 0xDC00:
			if low, ok := unit(i + 6); !ok || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 11
		case u >= 0xDC00 && u <= 0xDFFF:
			return true
		default:
			i += 5
		}
	}
	return false
}
