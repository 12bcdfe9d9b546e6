package remote

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// magic opens every stream in both directions, so that whatever else knocks at
// the port is turned away by its first bytes.
const magic = "TRP1"

// Sizes of frames, in bytes, without the four bytes of length before each.
const (
	frameMaxDefault = 256 << 10
	frameMaxGreet   = 4 << 10 // before the handshake is done, and on the way back
	frameHeader     = 4
	partialKept     = 128 << 10 // of what an incomplete frame took, for the next one
)

// frameKind is the first byte of a frame. The numbers are on the wire.
type frameKind byte

const (
	frameHello      frameKind = 1  // dialer: who I am, whom I want
	frameWelcome    frameKind = 2  // acceptor: who I am
	frameRefuse     frameKind = 3  // acceptor: why not
	frameChallenge  frameKind = 4  // acceptor: prove that you know the secret
	frameProof      frameKind = 5  // dialer: here
	framePosition   frameKind = 9  // ordinary stream: number of the first message on it
	frameUser       frameKind = 10 // a message for an actor
	frameSystem     frameKind = 11 // a system message, numbered
	frameAck        frameKind = 12 // way back: system messages up to n have arrived
	frameNack       frameKind = 13 // way back: the same, and the next ones are missing
	framePing       frameKind = 14 // are you there
	framePong       frameKind = 15 // way back: yes
	frameGoodbye    frameKind = 16 // the sender's system stops, nothing follows
	frameGoodbyeAck frameKind = 17 // way back: everything before the goodbye has arrived
	framePart       frameKind = 18 // large stream: part of a message
	frameCredit     frameKind = 19 // way back of it: how many bytes of parts may be sent in all
	frameMessage    frameKind = 20 // a message for an actor, of version 3
	frameTable      frameKind = 21 // way back of ordinary streams: what may be named by index
	frameTaken      frameKind = 22 // ordinary streams: from here on by that table
	frameReceived   frameKind = 23 // way back: messages up to n have been read
	frameStopped    frameKind = 24 // way back: the same, and no more of them will be
)

var (
	errFrameSize = errors.New("frame too large")
	errMagic     = errors.New("the other end does not speak this protocol")
	errFrame     = errors.New("malformed frame")
	errFrameLate = errors.New("a frame was begun and not completed in time")
)

// beginFrame leaves room for the length; the frame's bytes are appended next.
func beginFrame(b []byte, kind frameKind) []byte {
	return append(b, 0, 0, 0, 0, byte(kind))
}

// endFrame writes the length of the frame that began at start.
func endFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-frameHeader))
	return b
}

// frames cuts a stream of bytes into frames. The zero value expects the magic
// first. It holds at most one incomplete frame, and never more than arrived.
type frames struct {
	greeted bool
	partial []byte
	max     int
	count   uint64 // of complete frames
}

// incomplete is the number of the frame of which a part has arrived, 0 if none has.
func (f *frames) incomplete() uint64 {
	if len(f.partial) == 0 {
		return 0
	}
	return f.count + 1
}

// feed takes the next bytes and calls each for every complete frame, without its
// length. The slice is valid during the call. It stops at the first error.
func (f *frames) feed(b []byte, each func(frame []byte) error) error {
	for len(f.partial) > 0 {
		need, err := f.missing()
		if err != nil {
			return err
		}
		n := min(need, len(b))
		f.partial = append(f.partial, b[:n]...)
		b = b[n:]
		if n < need && !f.greeted {
			return checkMagic(f.partial) // at once: a wrong one may be all that ever comes
		}
		if n < need {
			return nil
		}
		if need, err = f.missing(); err != nil || need > 0 {
			if err != nil {
				return err
			}
			continue
		}
		if err := f.complete(each); err != nil {
			return err
		}
	}
	return f.direct(b, each)
}

// missing says how many bytes the partial frame lacks, or lacks to know that.
func (f *frames) missing() (int, error) {
	if !f.greeted {
		if err := checkMagic(f.partial); err != nil {
			return 0, err
		}
		return len(magic) - len(f.partial), nil
	}
	if len(f.partial) < frameHeader {
		return frameHeader - len(f.partial), nil
	}
	n, err := f.length(f.partial)
	return frameHeader + n - len(f.partial), err
}

func (f *frames) complete(each func([]byte) error) error {
	if !f.greeted {
		f.greeted = true
		f.partial = f.partial[:0]
		return nil
	}
	frame := f.partial[frameHeader:]
	f.partial = f.partial[:0]
	f.count++
	err := each(frame)
	if cap(f.partial) > partialKept {
		f.partial = nil // one large frame must not cost its size for ever
	}
	return err
}

// direct handles what is complete in b without copying it, and keeps the rest.
func (f *frames) direct(b []byte, each func([]byte) error) error {
	if !f.greeted && len(b) > 0 {
		if err := checkMagic(b); err != nil {
			return err
		}
		if len(b) < len(magic) {
			f.partial = append(f.partial, b...)
			return nil
		}
		f.greeted = true
		b = b[len(magic):]
	}
	for len(b) >= frameHeader {
		n, err := f.length(b)
		if err != nil {
			return err
		}
		if len(b) < frameHeader+n {
			break
		}
		f.count++
		if err := each(b[frameHeader : frameHeader+n]); err != nil {
			return err
		}
		b = b[frameHeader+n:]
	}
	f.partial = append(f.partial, b...)
	return nil
}

// length reads and judges the length before anything is kept for it. The limit
// is read for each frame anew: it grows when the handshake is done.
func (f *frames) length(b []byte) (int, error) {
	n := binary.BigEndian.Uint32(b)
	if n == 0 {
		return 0, fmt.Errorf("%w: no bytes", errFrame)
	}
	if uint64(n) > uint64(f.max) {
		return 0, fmt.Errorf("%w: %d bytes, at most %d", errFrameSize, n, f.max)
	}
	return int(n), nil
}

func checkMagic(b []byte) error {
	n := min(len(b), len(magic))
	if string(b[:n]) != magic[:n] {
		return fmt.Errorf("%w: it begins with %q", errMagic, b[:min(len(b), 10)])
	}
	return nil
}
