package pixels

import (
	"encoding/binary"
	"fmt"
)

// maxBlocks bounds the strips and tiles of a TIFF: each costs a new decompressor.
// A picture of 89 megapixels in tiles of 256 has 1,365.
const maxBlocks = 1 << 17

// maxTilePixels bounds a tile's padded size where it exceeds its share of the
// picture: one tile of 1024 x 1024 holds any small picture.
const maxTilePixels = 1 << 20

const (
	tagCompression     = 259
	tagPhotometric     = 262
	tagRowsPerStrip    = 278
	tagStripOffsets    = 273
	tagStripByteCounts = 279
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325

	blackIsZero = 1 // of tagPhotometric
)

// tiffHeader reads the values of a TIFF's first directory.
type tiffHeader struct {
	b       []byte
	order   binary.ByteOrder
	entries map[uint16][]byte // 12 bytes each
}

// inspectTIFF checks the blocks and finds out what a fax's runs of white mean:
// zeros, as libtiff has it, whatever colour zero stands for; the decoder takes
// them for white.
func (s *source) inspectTIFF(maxPixels int) error {
	h, ok := readTIFFHeader(s.encoded)
	if !ok {
		return nil
	}
	compression := h.first(tagCompression)
	s.faxOfBlack = (compression == 3 || compression == 4) && h.first(tagPhotometric) == blackIsZero
	return h.checkBlocks(s.width, s.height, maxPixels)
}

// checkBlocks refuses a TIFF whose strips or tiles would cost more than its
// pixels: too many, padded far beyond the picture, or reading the same bytes of
// the file again and again. The decoder has already read the header once without
// complaint; what does not parse here is left for it to name.
func (h tiffHeader) checkBlocks(width, height, maxPixels int) error {
	across, down := 1, 1
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	if w := h.first(tagTileWidth); w != 0 {
		l := max(h.first(tagTileLength), 1)
		across, down = ceilDiv(width, w), ceilDiv(height, l)
		offsets, counts = tagTileOffsets, tagTileByteCounts
		if padded := float64(across*down) * float64(w) * float64(l); padded > float64(max(maxPixels, maxTilePixels)) {
			return fmt.Errorf("%dx%d tiles of %dx%d pixels, over the limit of %d pixels", across, down, w, l, maxPixels)
		}
	} else if rows := h.first(tagRowsPerStrip); rows > 0 {
		down = ceilDiv(height, rows)
	}
	if across*down > maxBlocks {
		return fmt.Errorf("%d strips or tiles, over the limit of %d", across*down, maxBlocks)
	}
	return h.checkOverlap(offsets, counts, across*down)
}

// checkOverlap adds up what the blocks read. Blocks that do not overlap read the
// file once at most; twice is allowed for files that count carelessly.
func (h tiffHeader) checkOverlap(offsets, counts uint16, blocks int) error {
	total := 0
	for i := range blocks {
		offset, ok := h.value(offsets, i)
		count, has := h.value(counts, i)
		if !ok || !has {
			return nil
		}
		if offset < len(h.b) {
			total += min(count, len(h.b)-offset)
		}
	}
	if total > 2*len(h.b) {
		return fmt.Errorf("%d strips or tiles overlap: they read %d bytes of a file of %d", blocks, total, len(h.b))
	}
	return nil
}

func readTIFFHeader(b []byte) (tiffHeader, bool) {
	if len(b) < 8 {
		return tiffHeader{}, false
	}
	h := tiffHeader{b: b, order: binary.LittleEndian, entries: map[uint16][]byte{}}
	if b[0] == 'M' {
		h.order = binary.BigEndian
	}
	at := int(h.order.Uint32(b[4:]))
	if at+2 > len(b) {
		return h, false
	}
	n := int(h.order.Uint16(b[at:]))
	for i := range n {
		start := at + 2 + 12*i
		if start+12 > len(b) {
			return h, false
		}
		h.entries[h.order.Uint16(b[start:])] = b[start : start+12]
	}
	return h, true
}

func (h tiffHeader) first(tag uint16) int {
	v, _ := h.value(tag, 0)
	return v
}

// value is element i of a tag of bytes, shorts or longs.
func (h tiffHeader) value(tag uint16, i int) (int, bool) {
	e, ok := h.entries[tag]
	if !ok {
		return 0, false
	}
	size := map[uint16]int{1: 1, 3: 2, 4: 4}[h.order.Uint16(e[2:])]
	count := int(h.order.Uint32(e[4:]))
	if size == 0 || i >= count {
		return 0, false
	}
	values := e[8:12]
	if size*count > 4 {
		values = h.b[min(int(h.order.Uint32(e[8:])), len(h.b)):]
	}
	if (i+1)*size > len(values) {
		return 0, false
	}
	switch values = values[i*size:]; size {
	case 1:
		return int(values[0]), true
	case 2:
		return int(h.order.Uint16(values)), true
	}
	return int(h.order.Uint32(values)), true
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
