package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loopitr/loopitr"
)

// Pages of Parquet columns are decoded here and not by the library, whose
// decoders take the memory that a page's header, its run lengths and its
// compressed stream ask for. Only columns of byte arrays are needed.

// pageHeader is what a page says of itself (parquet.thrift, PageHeader).
type pageHeader struct {
	kind                     format.PageType
	plainSize, storedSize    int64
	crc                      uint32
	checked                  bool
	values, nulls            int64
	encoding                 format.Encoding
	levelEncodings           [2]format.Encoding
	definitions, repetitions int64 // bytes of levels, version 2
	stored                   bool  // values are not compressed, version 2
	length                   int64 // of the header itself
}

func parsePageHeader(b []byte) (pageHeader, error) {
	h := pageHeader{kind: -1, levelEncodings: [2]format.Encoding{format.RLE, format.RLE}}
	t := &thrift{b: b, structs: 1000}
	err := t.fields(func(id int64, kind byte) error {
		switch {
		case kind == thriftI32 && id <= 4:
			v, err := t.varint()
			switch id {
			case 1:
				h.kind = format.PageType(v)
			case 2:
				h.plainSize = v
			case 3:
				h.storedSize = v
			case 4:
				h.crc, h.checked = uint32(v), true
			}
			return err
		case kind == thriftStruct && (id == 5 || id == 7 || id == 8):
			return t.fields(func(inner int64, kind byte) error { return h.parse(t, id, inner, kind) })
		default:
			return t.skip(kind, 0)
		}
	})
	h.length = int64(t.at)
	if err == nil && (h.storedSize < 0 || h.plainSize < 0 || h.values < 0 || h.definitions < 0 || h.repetitions < 0) {
		err = errThriftLies
	}
	return h, err
}

// parse takes one field of the header of a data page (5), a dictionary (7) or a
// data page of version 2 (8).
func (h *pageHeader) parse(t *thrift, page, id int64, kind byte) error {
	if kind == thriftTrue || kind == thriftFalse {
		if page == 8 && id == 7 {
			h.stored = kind == thriftFalse
		}
		return nil
	}
	if kind != thriftI32 {
		return t.skip(kind, 0)
	}
	v, err := t.varint()
	switch {
	case id == 1:
		h.values = v
	case page == 8 && id == 2:
		h.nulls = v
	case page == 8 && id == 4, page != 8 && id == 2:
		h.encoding = format.Encoding(v)
	case page == 5 && (id == 3 || id == 4):
		h.levelEncodings[id-3] = format.Encoding(v)
	case page == 8 && id == 5:
		h.definitions = v
	case page == 8 && id == 6:
		h.repetitions = v
	}
	return err
}

// leaf is a column of byte arrays: how deep it is nested and how it is stored.
type leaf struct {
	index      int // among the leaves of the schema
	path       []string
	repetition int // highest repetition level
	definition int // highest definition level
	text       bool
	largest    int64 // bytes of a page
}

// chunkPages reads the pages of one column in one row group.
type chunkPages struct {
	r          io.ReaderAt
	leaf       leaf
	codec      format.CompressionCodec
	at, end    int64
	dictionary [][]byte
	budget     *int64 // what may still be unpacked; nil is no bound
}

// spend takes n bytes and that many values off the budget.
func (c *chunkPages) spend(n, values int) error {
	if c.budget == nil {
		return nil
	}
	if *c.budget -= int64(n) + valueCost*int64(values); *c.budget < 0 {
		return fmt.Errorf("column %v unpacks to far more than the file has bytes: %w", c.leaf.path, loopitr.ErrInvalid)
	}
	return nil
}

// page is a decoded page: levels of every value and the values that are there.
type page struct {
	repetition, definition []uint8
	count                  int
	values                 [][]byte
}

var errPage = errors.New("damaged page")

// header reads the header at the position, without moving.
func (c *chunkPages) header() (pageHeader, error) {
	for _, size := range []int64{1 << 10, 64 << 10, 2 << 20} {
		b := make([]byte, min(size, c.end-c.at))
		if _, err := c.r.ReadAt(b, c.at); err != nil && !errors.Is(err, io.EOF) {
			return pageHeader{}, err
		}
		h, err := parsePageHeader(b)
		if err != nil && int64(len(b)) < c.end-c.at && size < 2<<20 {
			continue
		}
		switch {
		case err != nil:
			return h, err
		case h.storedSize > c.end-c.at-h.length:
			return h, errThriftLies
		case h.values > mostPageValues:
			return h, fmt.Errorf("page of %d values, limit %d: %w", h.values, mostPageValues, loopitr.ErrInvalid)
		}
		return h, nil
	}
	return pageHeader{}, errThriftShort
}

// mostPageValues bounds what run lengths may expand to. Writers end a page at a
// megabyte or a row group's rows, at most a million.
const mostPageValues = 4 << 20

// next decodes the next data page; io.EOF after the last.
func (c *chunkPages) next() (*page, error) {
	for c.at < c.end {
		h, err := c.header()
		if err != nil {
			return nil, err
		}
		start := c.at + h.length
		c.at = start + h.storedSize
		switch h.kind {
		case format.DictionaryPage:
			if c.dictionary, err = c.readDictionary(h, start); err != nil {
				return nil, err
			}
		case format.DataPage, format.DataPageV2:
			return c.decode(h, start)
		}
	}
	return nil, io.EOF
}

func (c *chunkPages) stored(h pageHeader, start int64) ([]byte, error) {
	if size := max(h.storedSize, h.plainSize); size > c.leaf.largest {
		return nil, fmt.Errorf("page of %d bytes, limit %d: %w", size, c.leaf.largest, loopitr.ErrInvalid)
	}
	b := make([]byte, h.storedSize)
	if _, err := c.r.ReadAt(b, start); err != nil {
		return nil, err
	}
	if h.checked && crc32.ChecksumIEEE(b) != h.crc {
		return nil, fmt.Errorf("checksum differs: %w", errPage)
	}
	return b, nil
}

func (c *chunkPages) readDictionary(h pageHeader, start int64) ([][]byte, error) {
	b, err := c.stored(h, start)
	if err != nil {
		return nil, err
	}
	if b, err = inflate(c.codec, b, c.leaf.largest); err != nil {
		return nil, err
	}
	if err := c.spend(len(b), int(h.values)); err != nil {
		return nil, err
	}
	return plainValues(b, int(h.values))
}

// unpack decodes the levels of a page and returns the bytes of its values.
func (c *chunkPages) unpack(h pageHeader, start int64) (*page, []byte, error) {
	b, err := c.stored(h, start)
	if err != nil {
		return nil, nil, err
	}
	p := &page{count: int(h.values)}
	if h.kind == format.DataPage {
		if b, err = inflate(c.codec, b, c.leaf.largest); err != nil {
			return nil, nil, err
		}
		b, err = c.levels(p, b, h)
	} else {
		b, err = c.levelsV2(p, b, h)
	}
	if err == nil {
		err = c.spend(len(b), p.count)
	}
	return p, b, err
}

func (c *chunkPages) decode(h pageHeader, start int64) (*page, error) {
	p, b, err := c.unpack(h, start)
	if err != nil {
		return nil, err
	}
	present := p.count
	if c.leaf.definition > 0 {
		present = bytes.Count(p.definition, []byte{uint8(c.leaf.definition)})
	}
	p.values, err = c.valuesOf(b, present, h.encoding)
	return p, err
}

// levels cuts the levels off a page of version 1: each is preceded by its length.
func (c *chunkPages) levels(p *page, b []byte, h pageHeader) (rest []byte, err error) {
	for i, level := range []struct {
		highest int
		into    *[]uint8
	}{{c.leaf.repetition, &p.repetition}, {c.leaf.definition, &p.definition}} {
		if level.highest == 0 {
			continue
		}
		if h.levelEncodings[1-i] != format.RLE {
			return nil, fmt.Errorf("levels in encoding %v: %w", h.levelEncodings[1-i], loopitr.ErrInvalid)
		}
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, errPage
		}
		size := int(binary.LittleEndian.Uint32(b))
		if *level.into, err = levelsOf(b[4:4+size], level.highest, p.count); err != nil {
			return nil, err
		}
		b = b[4+size:]
	}
	return b, nil
}

// levelsV2 cuts the levels off a page of version 2, before its compressed values.
func (c *chunkPages) levelsV2(p *page, b []byte, h pageHeader) (rest []byte, err error) {
	if h.repetitions > int64(len(b)) || h.definitions > int64(len(b))-h.repetitions {
		return nil, errPage
	}
	repetition, definition := b[:h.repetitions], b[h.repetitions:h.repetitions+h.definitions]
	if c.leaf.repetition > 0 {
		if p.repetition, err = levelsOf(repetition, c.leaf.repetition, p.count); err != nil {
			return nil, err
		}
	}
	if c.leaf.definition > 0 {
		if p.definition, err = levelsOf(definition, c.leaf.definition, p.count); err != nil {
			return nil, err
		}
	}
	b = b[h.repetitions+h.definitions:]
	if h.stored {
		return b, nil
	}
	return inflate(c.codec, b, c.leaf.largest)
}

func levelsOf(b []byte, highest, count int) ([]uint8, error) {
	wide, err := hybrid(b, bits.Len(uint(highest)), count)
	if err != nil {
		return nil, err
	}
	levels := make([]uint8, count)
	for i, v := range wide {
		if v > uint32(highest) {
			return nil, errPage
		}
		levels[i] = uint8(v)
	}
	return levels, nil
}

func (c *chunkPages) valuesOf(b []byte, count int, encoding format.Encoding) ([][]byte, error) {
	switch encoding {
	case format.Plain:
		return plainValues(b, count)
	case format.RLEDictionary, plainDictionary:
		return c.dictionaryValues(b, count)
	case format.DeltaLengthByteArray:
		values, _, err := lengthValues(b, count)
		return values, err
	case format.DeltaByteArray:
		return prefixedValues(b, count, c.leaf.largest)
	}
	return nil, fmt.Errorf("byte arrays in encoding %v: %w", encoding, loopitr.ErrInvalid)
}

func (c *chunkPages) dictionaryValues(b []byte, count int) ([][]byte, error) {
	if count == 0 {
		return nil, nil
	}
	if len(b) == 0 || b[0] > 32 {
		return nil, errPage
	}
	indexes, err := hybrid(b[1:], int(b[0]), count)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, count)
	for i, index := range indexes {
		if int64(index) >= int64(len(c.dictionary)) {
			return nil, errPage
		}
		values[i] = c.dictionary[index]
	}
	return values, nil
}

// smallestWindow is what a zstd stream may look back at the least, however small
// its page.
const smallestWindow = 8 << 20

// plainDictionary is what older writers call RLE_DICTIONARY.
const plainDictionary format.Encoding = 2

// inflate decompresses a page. The stream may not become longer than limit
// whatever it says of itself.
func inflate(codec format.CompressionCodec, b []byte, limit int64) ([]byte, error) {
	switch codec {
	case format.Uncompressed:
		return b, nil
	case format.Snappy:
		if n, err := snappy.DecodedLen(b); err != nil || int64(n) > limit {
			return nil, fmt.Errorf("page of %d bytes, limit %d: %w", n, limit, errPage)
		}
		return snappy.Decode(nil, b)
	case format.Gzip:
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		return readAtMost(r, "page", 0, limit)
	case format.Zstd:
		r, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(uint64(max(limit, smallestWindow))))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return readAtMost(r, "page", 0, limit)
	}
	return nil, fmt.Errorf("compression %v is not read, snappy, gzip, zstd and none are: %w", codec, loopitr.ErrInvalid)
}
