package membership

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Setting is one thing that the nodes of a cluster must agree on. Unless there
// is a [Check] for the key, two nodes that both have it and differ in the value
// don't suit each other.
type Setting struct {
	Key   string
	Value string
}

// Check says why the value that the cluster has for a setting, and the one of
// a node that joins, don't go together; nil if they do. A side that hasn't got
// the setting has the value "". Both sides ask their own checks, so a check
// that only newer nodes know works too. It must be a pure function.
type Check func(cluster, joining string) error

// MustMatch is a [Check] for settings that both sides must have, with the same
// value.
func MustMatch(cluster, joining string) error {
	switch {
	case cluster == joining:
		return nil
	case joining == "":
		return errors.New("is missing on the joining node")
	case cluster == "":
		return errors.New("is missing in the cluster")
	}
	return fmt.Errorf("is %q in the cluster, %q on the joining node", cluster, joining)
}

// Compatibility says what a node does that doesn't suit the cluster which it
// wants to join. What the joining node is told to do counts; members only log
// what they find.
type Compatibility uint8

// What a node does that doesn't suit.
const (
	// Enforce: it ends.
	Enforce Compatibility = iota
	// Warn: it joins, and says in its log what is wrong.
	Warn
	// Ignore: it joins. A member with Ignore doesn't check those who join.
	Ignore
)

// clash says in which setting a cluster and a node that joins don't go
// together, or returns "".
func (c Config) clash(cluster, joining []Setting) string {
	var keys []string
	for _, s := range slices.Concat(cluster, joining) {
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		check := c.Checks[key]
		if check == nil {
			check = ifBoth
		}
		if err := check(valueOf(cluster, key), valueOf(joining, key)); err != nil {
			return fmt.Sprintf("setting %s %v", key, err)
		}
	}
	return ""
}

// ifBoth is the check of settings without one of their own.
func ifBoth(cluster, joining string) error {
	if cluster == "" || joining == "" {
		return nil
	}
	return MustMatch(cluster, joining)
}

func valueOf(settings []Setting, key string) string {
	if i, ok := slices.BinarySearchFunc(settings, Setting{Key: key}, compareSettings); ok {
		return settings[i].Value
	}
	return ""
}

func compareSettings(a, b Setting) int { return cmp.Compare(a.Key, b.Key) }
