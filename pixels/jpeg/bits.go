package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// mcuBytes is more than one MCU can take: ten blocks of 64 symbols of at most 31
// bits, and what was read ahead.
const mcuBytes = 10*64*4 + 8

// bits reads the entropy-coded data of a scan. Bytes are taken in portions with
// the stuffing removed, so that the decoders' inner loops need no look at it.
type bits struct {
	source  segments // at the next byte to take in
	buffer  []byte   // mcuBytes of room behind the portion
	at, end int      // the next byte, and where the portion ends
	last    bool     // nothing follows the portion before a marker
	hold    uint64   // bits taken from the buffer, the next one on top
	held    uint
}

const portion = 32 << 10

func newBits(source segments) *bits {
	return &bits{source: source, buffer: make([]byte, portion+mcuBytes)}
}

// prepare makes sure that one MCU can be read without a look at the end.
func (r *bits) prepare() {
	if r.at+mcuBytes <= r.end || r.last {
		return
	}
	r.end = copy(r.buffer, r.buffer[r.at:r.end])
	r.at = 0
	for r.end < portion && !r.last {
		r.take()
	}
	if r.last {
		clear(r.buffer[r.end:])
	}
}

// take copies up to the next stuffed byte, marker, or end of the buffer or file.
func (r *bits) take() {
	b := r.source.b[r.source.at:]
	b = b[:min(len(b), portion-r.end)]
	i := bytes.IndexByte(b, 0xff)
	if i < 0 {
		i = len(b)
	}
	r.end += copy(r.buffer[r.end:], b[:i])
	r.source.at += i
	rest := r.source.b[r.source.at:]
	switch {
	case len(rest) > 0 && rest[0] != 0xff || r.end == portion:
		// the portion is full
	case len(rest) < 2:
		r.last = true
	case rest[1] == 0:
		r.buffer[r.end] = 0xff
		r.end++
		r.source.at += 2
	case rest[1] == 0xff:
		r.source.at++ // a fill byte
	default:
		r.last = true
	}
}

// check reports whether more bits were read than there are.
func (r *bits) check() error {
	if !r.last || 8*r.at-int(r.held) <= 8*r.end {
		return nil
	}
	if len(r.source.b)-r.source.at < 2 {
		return errTruncated
	}
	return errors.New("scan ends before its last block")
}

// restart skips to restart marker n (T.81 B.2.1), which must come next.
func (r *bits) restart(n int) error {
	for !r.last {
		r.end = 0
		r.take()
	}
	rest := r.source.b[r.source.at:]
	if len(rest) < 2 {
		return errTruncated
	}
	if want := byte(markerRST0 + n&7); rest[1] != want {
		return errors.New("scan lacks a restart marker")
	}
	r.source.at += 2
	*r = bits{source: r.source, buffer: r.buffer}
	return nil
}

// refill returns hold with at least 32 bits.
func refill(hold uint64, held uint, buffer []byte, at int) (uint64, uint, int) {
	return hold | uint64(binary.BigEndian.Uint32(buffer[at:]))<<((32-held)&63), held + 32, at + 4
}

// one reads a single bit.
func (r *bits) one() uint64 { return r.read(1) }

// read reads n bits, at most 31.
func (r *bits) read(n uint) uint64 {
	if r.held < 32 {
		r.hold, r.held, r.at = refill(r.hold, r.held, r.buffer, r.at)
	}
	v := r.hold >> 1 >> (63 - n)
	r.hold <<= n
	r.held -= n
	return v
}

// symbol reads a symbol with its value; 0 is no code.
func (r *bits) symbol(t *table) entry {
	if r.held < 32 {
		r.hold, r.held, r.at = refill(r.hold, r.held, r.buffer, r.at)
	}
	e := t.fast[r.hold>>(64-lookBits)]
	if e&entryLong != 0 {
		e = t.long(e, r.hold)
	}
	r.hold <<= e.bits()
	r.held -= e.bits()
	return e
}
