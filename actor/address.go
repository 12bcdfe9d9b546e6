package actor

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// checkAddr says whether addr, a "host:port", can be the address of a node.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%w %.100q: it must be host:port", ErrBadAddress, addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%w %.100q: the port must be 1 to 65535", ErrBadAddress, addr)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsUnspecified() {
			return fmt.Errorf("%w %.100q: no node can be reached at %v", ErrBadAddress, addr, ip)
		}
		return nil
	}
	if host == "" || strings.ContainsFunc(host, func(r rune) bool { return !hostRune(r) }) {
		return fmt.Errorf("%w %.100q: %q is no host", ErrBadAddress, addr, host)
	}
	return nil
}

func hostRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r > 127
}

// checkPath says whether an actor can have the path.
func checkPath(path string) error {
	rest, absolute := strings.CutPrefix(path, "/")
	if !absolute {
		return fmt.Errorf("%w: path %.100q must begin with /", ErrBadName, path)
	}
	if len(path) > selectionMax {
		return fmt.Errorf("%w: path of %d characters, not at most %d", ErrBadName, len(path), selectionMax)
	}
	if rest == "" {
		return nil
	}
	for element := range strings.SplitSeq(rest, "/") {
		if err := checkElement(strings.TrimPrefix(element, "$")); err != nil {
			return fmt.Errorf("path %.100q: %w", path, err)
		}
	}
	return nil
}

// checkElement says whether an element of a path can be the text.
func checkElement(name string) error {
	if name == "" || len(name) > nameMax {
		return fmt.Errorf("%w: %d characters, not 1 to %d", ErrBadName, len(name), nameMax)
	}
	if name == "." || name == ".." {
		return fmt.Errorf("%w %q: it means another place in a path; escape it as %s", ErrBadName, name, strings.ReplaceAll(name, ".", "%2E"))
	}
	for i := range len(name) {
		b := name[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		case b == '%':
			if len(name) < i+3 || !isHex(name[i+1]) || !isHex(name[i+2]) {
				return fmt.Errorf("%w %q: the %% at %d begins no escape such as %%20; a %% itself is %%25", ErrBadName, name, i)
			}
		case strings.IndexByte("-_.$+:@&=,!~';", b) >= 0:
		default:
			return fmt.Errorf("%w %q: character %q at %d; escape it, for example with url.PathEscape", ErrBadName, name, b, i)
		}
	}
	return nil
}

func isHex(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' }
