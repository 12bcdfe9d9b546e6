package membership

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// versionSizeMax is the longest version of an application in bytes.
const versionSizeMax = 64

// appVersion is a version taken apart: up to three numbers, the distance from
// the release that a "+" brings, and the rest.
type appVersion struct {
	numbers [4]uint64
	rest    string
}

// CompareVersions orders versions of an application: up to three numbers with
// dots between them, then perhaps "+" and a number (the builds since), then
// perhaps "-" and anything. Numbers count first, in their order; a version
// without a rest is newer than one with ("1.2" is newer than "1.2-rc1"), and
// rests go by the alphabet. A text without any dot that is no number comes
// before all numbers. The empty version is the oldest.
func CompareVersions(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	x, _ := parseVersion(a)
	y, _ := parseVersion(b)
	if c := slices.Compare(x.numbers[:], y.numbers[:]); c != 0 {
		return c
	}
	if (x.rest == "") != (y.rest == "") {
		return cmp.Compare(len(y.rest), len(x.rest))
	}
	return cmp.Compare(x.rest, y.rest)
}

// ValidVersion says what is wrong with s as the version of an application.
func ValidVersion(s string) error {
	if len(s) > versionSizeMax {
		return fmt.Errorf("version of %d bytes: at most %d are allowed", len(s), versionSizeMax)
	}
	_, err := parseVersion(s)
	return err
}

func parseVersion(s string) (v appVersion, err error) {
	release, rest, hasRest := strings.Cut(s, "-")
	release, distance, hasDistance := strings.Cut(release, "+")
	if hasDistance {
		if n, err := strconv.ParseUint(distance, 10, 32); err == nil {
			v.numbers[3] = n
		} else {
			rest = strings.TrimPrefix(s, release+"+")
			hasRest = true
		}
	}
	segments := strings.Split(release, ".")
	if len(segments) > 3 {
		return v, fmt.Errorf("version %q: want at most three numbers, as in 1.2.3", s)
	}
	for i, segment := range segments {
		n, err := strconv.ParseUint(segment, 10, 32)
		if err != nil && len(segments) == 1 {
			return appVersion{rest: s}, nil // a word, such as the name of a branch
		}
		if err != nil {
			return v, fmt.Errorf("version %q: %q is no number: want one as in 1.2.3, 1.2.3+10 or 1.2.3-rc1", s, segment)
		}
		v.numbers[i] = n
	}
	if hasRest {
		v.rest = rest
	}
	return v, nil
}

// versions returns every version that some member has, in the order of the
// alphabet, without doubles.
func (s State) versions() []string {
	var out []string
	for _, m := range s.members {
		if m.AppVersion != "" {
			out = append(out, m.AppVersion)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// NewestVersion returns the newest version of the application among the
// members of the role ("" for all) that are Up, and whether they all have it:
// false during a rolling update.
func (s State) NewestVersion(role string) (newest string, all bool) {
	all, first := true, true
	for _, m := range s.members {
		if !m.HasRole(role) || !m.Status.IsUp() {
			continue
		}
		if c := CompareVersions(m.AppVersion, newest); first || c != 0 {
			all = first
			if first || c > 0 {
				newest = m.AppVersion
			}
		}
		first = false
	}
	return newest, all
}

func readVersion(r *wire.Reader) string {
	s := r.String()
	if r.Err() == nil {
		if err := ValidVersion(s); err != nil {
			r.Fail("%v", err)
		}
	}
	return s
}
