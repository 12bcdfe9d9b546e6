package remote

import (
	"github.com/troupe-go/troupe/actor"
	"github.com/troupe-go/troupe/internal/wire"
)

// What goes with a message besides its body: entries of a kind, a length and so many
// bytes. Those of unknown kinds are skipped, so that later versions may have more.
const (
	extraTrace = 1
	extrasMax  = 1 << 10 // bytes of all together
)

// appendTrace appends the extras of a message that has a trace, which is at most
// actor.TraceMax bytes long, to the beginning of its frame.
func appendTrace(b []byte, t actor.Trace) []byte {
	b[frameHeader+1] |= withExtras
	n := 2 // kind and length, which takes a byte up to 127
	if len(t) > 127 {
		n++
	}
	b = wire.AppendUvarint(b, uint64(n+len(t)))
	return wire.AppendString(append(b, extraTrace), string(t))
}

// readExtras reads the extras of a message. What comes twice counts the first time.
func (m *message) readExtras(r *wire.Reader) {
	m.Extras = r.Bytes()
	if len(m.Extras) > extrasMax {
		r.Fail("extras of %d bytes", len(m.Extras))
		return
	}
	in := wire.NewReader(m.Extras)
	for in.Len() > 0 && in.Err() == nil {
		kind, value := in.Byte(), in.Bytes()
		if kind == extraTrace && m.Trace == nil && len(value) <= actor.TraceMax {
			m.Trace = value
		}
	}
	if err := in.Err(); err != nil {
		r.Fail("extras: %v", err)
	}
}

// withTrace gives a message that has arrived the trace that came with it.
func withTrace(msg any, trace []byte) any {
	if len(trace) == 0 {
		return msg
	}
	return actor.WithTrace(msg, actor.Trace(trace))
}
