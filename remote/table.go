package remote

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/internal/wire"
)

// Kinds of what is named by index.
const (
	tableTargets = iota
	tableSenders
	tableNames
	tableKinds
)

const (
	tableMax      = 256      // entries of a kind
	tableKeyMax   = 512      // bytes of one; what is longer is never counted
	tableBytesMax = 24 << 10 // of all, so that a table fits the way back
	tallyMax      = 1024     // of a kind that are counted
	tallyFirst    = 64       // messages before the first table
	tallyLast     = 1 << 15  // messages between later ones
	tallyLeast    = 4        // how often something must come to get an index
)

// sendTable is what the other end gave indexes to, for those who write messages. It is
// immutable; nil is an empty one.
type sendTable struct {
	version uint64
	keys    [tableKinds][]string
	index   [tableKinds]map[string]int
}

func newSendTable(version uint64, keys [tableKinds][]string) *sendTable {
	t := &sendTable{version: version, keys: keys}
	for kind, keys := range t.keys {
		t.index[kind] = make(map[string]int, len(keys))
		for i, key := range keys {
			t.index[kind][key] = i
		}
	}
	return t
}

func (t *sendTable) target(key []byte) (int, bool) { return t.find(tableTargets, key) }
func (t *sendTable) sender(key []byte) (int, bool) { return t.find(tableSenders, key) }

func (t *sendTable) find(kind int, key []byte) (int, bool) {
	if t == nil {
		return 0, false
	}
	i, ok := t.index[kind][string(key)]
	return i, ok
}

func (t *sendTable) name(name string) (int, bool) {
	if t == nil {
		return 0, false
	}
	i, ok := t.index[tableNames][name]
	return i, ok
}

// literal puts the keys into a message in the place of indexes.
func (t *sendTable) literal(m *message) error {
	key := func(kind int, at uint64) ([]byte, error) {
		if t == nil || at >= uint64(len(t.keys[kind])) {
			return nil, fmt.Errorf("%w: index %d of kind %d is not in the table", errFrame, at, kind)
		}
		return []byte(t.keys[kind][at]), nil
	}
	if m.Flags&targetForm == targetIndex {
		b, err := key(tableTargets, m.TargetAt)
		if err != nil {
			return err
		}
		m.Flags, m.Target = m.Flags&^targetForm|b[0], b[1:]
	}
	if m.Flags&senderForm == senderIndex {
		b, err := key(tableSenders, m.SenderAt)
		if err != nil {
			return err
		}
		m.Flags, m.Sender = m.Flags&^senderForm|b[0], b[1:]
	}
	if m.Flags&nameIndex != 0 {
		b, err := key(tableNames, m.NameAt)
		if err != nil {
			return err
		}
		m.Flags, m.Name = m.Flags&^nameIndex, b
	}
	return nil
}

// append appends a message in literal form as a frame.
func (m *message) append(b []byte) []byte {
	start := len(b)
	b = append(beginFrame(b, frameMessage), m.Flags)
	b = append(append(b, m.Target...), m.Sender...)
	b = wire.AppendBytes(b, m.Name)
	if m.Flags&withExtras != 0 {
		b = wire.AppendBytes(b, m.Extras)
	}
	return endFrame(append(b, m.Body...), start)
}

// appendTable appends the frames that say a table: entries of one kind each, at most
// as many as a frame on the way back may have, and a last one.
func appendTable(b []byte, version uint64, keys [tableKinds][]string) []byte {
	for kind, keys := range keys {
		for len(keys) > 0 {
			start := len(b)
			b = wire.AppendUvarint(beginFrame(b, frameTable), version)
			b = append(b, byte(kind))
			for len(keys) > 0 && len(b)-start+len(keys[0]) < frameMaxGreet-8 {
				b = wire.AppendString(b, keys[0])
				keys = keys[1:]
			}
			b = endFrame(b, start)
		}
	}
	start := len(b)
	b = wire.AppendUvarint(beginFrame(b, frameTable), version)
	b = append(b, tableKinds)
	for _, keys := range keys {
		b = wire.AppendUvarint(b, uint64(len(keys)))
	}
	return endFrame(b, start)
}

// tableReader joins the frames of a table.
type tableReader struct {
	version uint64
	bytes   int
	keys    [tableKinds][]string
}

// frame takes one. It returns the table when that was the last.
func (t *tableReader) frame(b []byte) (*sendTable, error) {
	r := wire.NewReader(b)
	version, kind := r.Uvarint(), r.Byte()
	if version != t.version {
		*t = tableReader{version: version}
	}
	if kind > tableKinds {
		r.Fail("table of kind %d", kind)
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	if kind == tableKinds {
		return t.last(r)
	}
	for r.Len() > 0 && r.Err() == nil {
		key := r.String()
		t.bytes += len(key)
		if r.Err() == nil && !validKey(int(kind), key) {
			r.Fail("key %.40q of kind %d", key, kind)
		}
		t.keys[kind] = append(t.keys[kind], key)
	}
	if len(t.keys[kind]) > tableMax || t.bytes > tableBytesMax {
		r.Fail("table of %d entries and %d bytes", len(t.keys[kind]), t.bytes)
	}
	return nil, r.Err()
}

func (t *tableReader) last(r *wire.Reader) (*sendTable, error) {
	done := *t
	*t = tableReader{}
	for kind, keys := range done.keys {
		if n := r.Uvarint(); r.Err() == nil && n != uint64(len(keys)) {
			r.Fail("table %d has %d entries of kind %d, not %d", done.version, len(keys), kind, n)
		}
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	return newSendTable(done.version, done.keys), nil
}

// validKey reports whether a key is what a message can have in its place.
func validKey(kind int, key string) bool {
	if key == "" || len(key) > tableKeyMax {
		return false
	}
	r := wire.NewReader([]byte(key[1:]))
	switch kind {
	case tableTargets:
		return skipTarget(r, key[0]) && r.Len() == 0
	case tableSenders:
		return skipSender(r, key[0]) && r.Len() == 0
	}
	return true
}

// tally counts what the messages of a stream name, and says what deserves an index:
// what comes most often of late.
type tally struct {
	max    int // entries of a kind
	counts [tableKinds]map[string]int
	used   [tableKinds][]int // by index of the present table
	keys   [tableKinds][]string
	seen   int
	period int
}

func newTally(max int) *tally { return &tally{max: max, period: tallyFirst} }

// literal counts something that came by name.
func (t *tally) literal(kind int, key []byte) {
	counts := t.counts[kind]
	if n, ok := counts[string(key)]; ok {
		counts[string(key)] = n + 1
		return
	}
	if len(counts) >= tallyMax || len(key) > tableKeyMax {
		return
	}
	if counts == nil {
		counts = map[string]int{}
		t.counts[kind] = counts
	}
	counts[string(key)] = 1
}

// due counts a message and reports whether it is time to choose.
func (t *tally) due() bool {
	t.seen++
	return t.seen >= t.period
}

// choose returns the next table's keys, the most frequent first; false: the present
// one is as good.
func (t *tally) choose() ([tableKinds][]string, bool) {
	t.seen, t.period = 0, min(4*t.period, tallyLast)
	news, size := false, 0
	var next [tableKinds][]string
	for kind := range tableKinds {
		counts := t.counts[kind]
		if counts == nil {
			counts = map[string]int{}
		}
		present := map[string]bool{}
		for i, key := range t.keys[kind] {
			counts[key] += t.used[kind][i]
			t.used[kind][i] = 0
			present[key] = true
		}
		next[kind] = t.best(counts)
		for i, key := range next[kind] {
			if size += len(key); size > tableBytesMax {
				next[kind] = next[kind][:i]
				break
			}
			news = news || !present[key]
		}
		t.counts[kind] = halved(counts)
	}
	return next, news
}

// best are the keys that came most often.
func (t *tally) best(counts map[string]int) []string {
	var keys []string
	for key, n := range counts { //det:ok sorted below
		if n >= tallyLeast {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return keys[:min(len(keys), t.max)]
}

// halved lets the past count less and forgets what hardly comes.
func halved(counts map[string]int) map[string]int {
	for key, n := range counts { //det:ok every entry for itself
		if n /= 2; n == 0 {
			delete(counts, key)
		} else {
			counts[key] = n
		}
	}
	return counts
}

// adopt begins to count uses of a table by index.
func (t *tally) adopt(keys [tableKinds][]string) {
	t.keys = keys
	for kind := range keys {
		t.used[kind] = make([]int, len(keys[kind]))
	}
}
