package membership

import (
	"cmp"
	"fmt"
	"slices"
)

// Bounds of what a member may carry.
const (
	rolesMax    = 32
	roleSizeMax = 64
)

// Member is what a cluster knows of one node. It is a value; nobody changes
// its Roles after it was made. The zero Member is nobody, with status Removed.
type Member struct {
	Node
	// Status is where the member stands in its life.
	Status Status
	// UpNumber tells the age: 1 for the node that formed the cluster, larger
	// ones for members that became Up after it. It is never used twice in one
	// cluster. 0 means that the member was never Up.
	UpNumber uint64
	// Roles are the roles of the node, sorted and without doubles.
	Roles []string
	// AppVersion is the version of the application on the node, see
	// [CompareVersions]; empty if it has none.
	AppVersion string

	// promised is the up-number that the member will have, and promisedBy the
	// member that promised it: zero once the number is given, when that member
	// is gone, or when two made the same promise. See numbers.go.
	promised   uint64
	promisedBy Node
}

// HasRole reports whether m has the role; every member has the role "".
func (m Member) HasRole(role string) bool {
	if role == "" {
		return true
	}
	_, ok := slices.BinarySearch(m.Roles, role)
	return ok
}

// Older reports whether m became Up before o; one that was never Up is younger
// than all that were. Ties are broken by address.
func (m Member) Older(o Member) bool { return CompareAge(m, o) < 0 }

// String returns the node and its status, as in "10.0.0.1:2551#a3f0 up".
func (m Member) String() string { return fmt.Sprintf("%v %v", m.Node, m.Status) }

// CompareAge orders members from the oldest to the youngest.
func CompareAge(a, b Member) int {
	// 0 (never Up) wraps to the largest number: the youngest.
	return cmp.Or(cmp.Compare(a.UpNumber-1, b.UpNumber-1), a.Node.Compare(b.Node))
}

// joinMember merges two views of one incarnation: the later status, the
// smaller up-number that was really given.
func joinMember(a, b Member) Member {
	a.Status = max(a.Status, b.Status)
	switch {
	case a.promised < b.promised:
		a.promised, a.promisedBy = b.promised, b.promisedBy
	case a.promised == b.promised && a.promisedBy != b.promisedBy:
		a.promisedBy = Node{}
	}
	if a.UpNumber == 0 || (b.UpNumber != 0 && b.UpNumber < a.UpNumber) {
		a.UpNumber = b.UpNumber
	}
	if a.UpNumber > 0 {
		a.promisedBy = Node{}
	}
	// Roles are set once by the node itself, so both sides have the same;
	// the choice only keeps the merge independent of the order of its sides.
	if slices.Compare(b.Roles, a.Roles) > 0 {
		a.Roles = b.Roles
	}
	a.AppVersion = max(a.AppVersion, b.AppVersion)
	return a
}

func sameMember(a, b Member) bool {
	return a.Node == b.Node && a.Status == b.Status && a.UpNumber == b.UpNumber && a.promised == b.promised && a.promisedBy == b.promisedBy &&
		a.AppVersion == b.AppVersion && slices.Equal(a.Roles, b.Roles)
}

// validRoles sorts roles, drops doubles, and says what is wrong with them.
func validRoles(roles []string) ([]string, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(roles)))
	if len(sorted) > rolesMax {
		return nil, fmt.Errorf("%d roles: at most %d are allowed", len(sorted), rolesMax)
	}
	for _, r := range sorted {
		if r == "" || len(r) > roleSizeMax {
			return nil, fmt.Errorf("role %q: want 1 to %d bytes", r, roleSizeMax)
		}
	}
	return sorted, nil
}
