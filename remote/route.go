package remote

import (
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/troupe-go/troupe/actor"
)

// patternsMax bounds Config.LargeTo.
const patternsMax = 64

// tooLarge is why a message can't be sent.
type tooLarge struct {
	size, most int // bytes
	node       string
	control    bool // it may not travel in parts
}

func (e tooLarge) Error() string {
	cure := "raise Config.LargeMax on both nodes, or send it in pieces"
	if e.control {
		cure = "raise Config.FrameMax on both nodes, or don't send it as a control message"
	}
	return fmt.Sprintf("%d bytes, and at most %d go to %s: %s", e.size, e.most, e.node, cure)
}

// fitsLarge says why a message of so many bytes may not travel in parts.
func (r *Remote) fitsLarge(d *draft, to actor.Location, size int, known *incarnations) error {
	most := r.largeMaxOf(known)
	if size <= most && !d.typ.Control() {
		return nil
	}
	if d.typ.Control() || most == 0 {
		most = r.frameMaxOf(known)
	}
	r.warnOnce("size "+d.typ.Name(), func() {
		r.log.Warn().Stringer("to", to).Str("type", d.typ.Name()).Int("bytes", size).Int("max", most).Bool("control", d.typ.Control()).
			Msg("message is too large; send it in pieces, or raise LargeMax on both nodes")
	})
	return tooLarge{size: size, most: most, node: to.Addr, control: d.typ.Control()}
}

// largeForm is how messages in parts are written to a peer.
func (r *Remote) largeForm(known *incarnations) *form {
	if known.present.UID == 0 {
		return bareForm
	}
	return r.formFor(known.present)
}

// formFor is how messages are written on a new stream to a peer.
func (r *Remote) formFor(peer identity) *form {
	f := &form{version: peer.Can.Version, traces: peer.Can.Features&featureExtras != 0}
	if peer.Can.Features&featureS2 != 0 {
		f.s2 = r.cfg.compressFrom()
	}
	return f
}

// ordinaryLane is the one lane of a pair of sender and receiver: so they keep their
// order.
func (r *Remote) ordinaryLane(to, from actor.Location) laneKind {
	n := uint64(r.limits.lanes)
	if n == 1 {
		return laneOrdinary
	}
	// Not by incarnations: a ref may or may not name its own.
	h := xxhash.Sum64String(to.Path)*31 + xxhash.Sum64String(from.Path)
	return ordinaryLane(int((h >> 32) % n))
}

// frameMaxOf is the largest frame to a peer.
func (r *Remote) frameMaxOf(known *incarnations) int {
	if n := known.present.FrameMax; n != 0 && n < r.self.FrameMax {
		return n
	}
	return r.self.FrameMax
}

// largeMaxOf is the largest message in parts to a peer, the own limit as long as
// its isn't known.
func (r *Remote) largeMaxOf(known *incarnations) int {
	if known.present.UID == 0 {
		return r.self.Can.LargeMax
	}
	return known.present.Can.LargeMax
}

// checkPatterns says what is wrong with patterns of paths.
func checkPatterns(patterns []string) error {
	if len(patterns) > patternsMax {
		return fmt.Errorf("%d patterns, at most %d", len(patterns), patternsMax)
	}
	for _, p := range patterns {
		if !strings.HasPrefix(p, "/") {
			return fmt.Errorf("%q is not an absolute path such as /user/images/*", p)
		}
		if strings.HasSuffix(p, "/") || strings.Contains(p, "//") {
			return fmt.Errorf("%q has an empty name, and no path does; write it without the last or the double slash", p)
		}
		if at := strings.Index(p, "**"); at >= 0 && (at != len(p)-2 || p[at-1] != '/') {
			return fmt.Errorf("%q: ** stands for everything below, at the end only", p)
		}
	}
	return nil
}

func matchesAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if fits(p, path) {
			return true
		}
	}
	return false
}

// fits reports whether a path fits a pattern, in which * is any one name and **
// at the end one or more.
func fits(pattern, path string) bool {
	for pattern != "" && path != "" {
		var want, name string
		want, pattern, _ = strings.Cut(pattern[1:], "/")
		name, path, _ = strings.Cut(path[1:], "/")
		if want == "**" {
			return name != ""
		}
		if want != "*" && want != name || name == "" {
			return false
		}
		if pattern != "" {
			pattern = "/" + pattern
		}
		if path != "" {
			path = "/" + path
		}
	}
	return pattern == "" && path == ""
}
