package membership

import (
	"cmp"
	"slices"
)

// ReachStatus is what one member says of whether it reaches another.
type ReachStatus uint8

// The answers; the worse is the larger.
const (
	// Reachable is the default: nothing is recorded for it.
	Reachable ReachStatus = iota
	// Unreachable: heartbeats stay away. It may pass.
	Unreachable
	// Terminated: this incarnation won't be heard of again. Final.
	Terminated
)

// Record says that Observer holds Subject for unreachable.
type Record struct {
	Observer Node
	Subject  Node
	Status   ReachStatus
	// Version is the observer's version in which it wrote the record.
	Version uint64
}

// Reachability is who holds whom for unreachable. Only the observer changes
// its own records; each change raises its version, and where two tables meet
// the newer version brings all records of its observer. It is a value; the
// zero Reachability is the healthy cluster: no records at all.
type Reachability struct {
	records  []Record          // by observer, then subject; none says Reachable
	versions []observerVersion // by observer; kept when the records go
}

type observerVersion struct {
	observer Node
	version  uint64
}

func compareRecords(a, b Record) int {
	return cmp.Or(a.Observer.Compare(b.Observer), a.Subject.Compare(b.Subject))
}

func compareVersions(a, b observerVersion) int { return a.observer.Compare(b.observer) }

// Records returns all records, by observer, then subject. None of them says
// Reachable. The caller must not change them.
func (r Reachability) Records() []Record { return r.records }

// Status returns what observer says of subject.
func (r Reachability) Status(observer, subject Node) ReachStatus {
	if i, ok := r.find(observer, subject); ok {
		return r.records[i].Status
	}
	return Reachable
}

// Worst returns the worst that anybody says of subject.
func (r Reachability) Worst(subject Node) ReachStatus {
	worst := Reachable
	for _, rec := range r.records {
		if rec.Subject == subject {
			worst = max(worst, rec.Status)
		}
	}
	return worst
}

// Version returns how many times observer changed its records.
func (r Reachability) Version(observer Node) uint64 {
	i, ok := slices.BinarySearchFunc(r.versions, observerVersion{observer: observer}, compareVersions)
	if !ok {
		return 0
	}
	return r.versions[i].version
}

func (r Reachability) find(observer, subject Node) (int, bool) {
	return slices.BinarySearchFunc(r.records, Record{Observer: observer, Subject: subject}, compareRecords)
}

// Change returns r with the word of observer about subject changed to s.
// Terminated is final, and saying the same again changes nothing.
func (r Reachability) Change(observer, subject Node, s ReachStatus) Reachability {
	i, ok := r.find(observer, subject)
	if ok && (r.records[i].Status == s || r.records[i].Status == Terminated) || !ok && s == Reachable {
		return r
	}
	version := r.Version(observer) + 1
	next := Reachability{records: slices.Clone(r.records), versions: withVersion(r.versions, observer, version)}
	rec := Record{observer, subject, s, version}
	switch {
	case !ok:
		next.records = slices.Insert(next.records, i, rec)
	case s == Reachable: // the raised version alone keeps the old record from coming back
		next.records = slices.Delete(next.records, i, i+1)
	default:
		next.records[i] = rec
	}
	return next
}

// assembleReach returns the table in which the first of each pair has found the
// second unreachable.
func assembleReach(pairs [][2]Node) Reachability {
	slices.SortFunc(pairs, func(a, b [2]Node) int { return cmp.Or(a[0].Compare(b[0]), a[1].Compare(b[1])) })
	var r Reachability
	for _, p := range slices.Compact(pairs) {
		last := len(r.versions) - 1
		if last < 0 || r.versions[last].observer != p[0] {
			r.versions = append(r.versions, observerVersion{observer: p[0]})
			last++
		}
		r.versions[last].version++
		r.records = append(r.records, Record{p[0], p[1], Unreachable, r.versions[last].version})
	}
	return r
}

func withVersion(versions []observerVersion, observer Node, version uint64) []observerVersion {
	return mergeSorted(versions, []observerVersion{{observer, version}}, compareVersions,
		func(a, b observerVersion) observerVersion {
			return observerVersion{a.observer, max(a.version, b.version)}
		})
}

// Keep returns r with only what is said by and of nodes that keep holds on to.
func (r Reachability) Keep(keep func(Node) bool) Reachability {
	return r.filter(keep, keep)
}

// WithoutObservers returns r without what the nodes in drop say.
func (r Reachability) WithoutObservers(drop func(Node) bool) Reachability {
	return r.filter(func(n Node) bool { return !drop(n) }, func(Node) bool { return true })
}

func (r Reachability) filter(observer, subject func(Node) bool) Reachability {
	var out Reachability
	for _, rec := range r.records {
		if observer(rec.Observer) && subject(rec.Subject) {
			out.records = append(out.records, rec)
		}
	}
	for _, v := range r.versions {
		if observer(v.observer) {
			out.versions = append(out.versions, v)
		}
	}
	return out
}

// Merge returns the newer word of every observer.
func (r Reachability) Merge(o Reachability) Reachability {
	both := func(a, b Record) Record { // equal versions hold equal records; the rest only keeps the merge symmetric
		a.Status, a.Version = max(a.Status, b.Status), max(a.Version, b.Version)
		return a
	}
	return Reachability{
		records: mergeSorted(r.newerThan(o), o.newerThan(r), compareRecords, both),
		versions: mergeSorted(r.versions, o.versions, compareVersions, func(a, b observerVersion) observerVersion {
			return observerVersion{a.observer, max(a.version, b.version)}
		}),
	}
}

// newerThan returns the records of observers whose version in o isn't higher.
func (r Reachability) newerThan(o Reachability) []Record {
	var out []Record
	for _, rec := range r.records {
		if r.Version(rec.Observer) >= o.Version(rec.Observer) {
			out = append(out, rec)
		}
	}
	return out
}

func (r Reachability) equal(o Reachability) bool {
	return slices.Equal(r.records, o.records) && slices.Equal(r.versions, o.versions)
}
