package downing

// RoleOf returns the role whose members have a say in the decisions of a strategy;
// "" means that all have, or that the strategy isn't one of this package.
func RoleOf(s Strategy) string {
	switch s := s.(type) {
	case KeepMajority:
		return s.Role
	case StaticQuorum:
		return s.Role
	case KeepOldest:
		return s.Role
	case LeaseMajority:
		return s.Role
	}
	return ""
}
