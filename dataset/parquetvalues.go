package dataset

import (
	"encoding/binary"
	"fmt"

	"github.com/loopitr/loopitr"
)

// plainValues cuts count byte arrays, each preceded by its length (PLAIN).
func plainValues(b []byte, count int) ([][]byte, error) {
	if count > len(b)/4 {
		return nil, errPage
	}
	values := make([][]byte, count)
	for i := range values {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, errPage
		}
		size := int(binary.LittleEndian.Uint32(b))
		values[i], b = b[4:4+size], b[4+size:]
	}
	return values, nil
}

// hybrid decodes exactly count numbers of width bits from runs and bit-packed
// groups of eight (RLE).
func hybrid(b []byte, width, count int) ([]uint32, error) {
	values := make([]uint32, 0, count)
	for len(values) < count {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errPage
		}
		b = b[n:]
		left := uint64(count - len(values))
		if head&1 == 0 {
			size := (width + 7) / 8
			if len(b) < size {
				return nil, errPage
			}
			var raw [4]byte
			copy(raw[:], b[:size])
			v := binary.LittleEndian.Uint32(raw[:])
			for range min(head>>1, left) {
				values = append(values, v)
			}
			b = b[size:]
			continue
		}
		groups := head >> 1
		if width > 0 && groups > uint64(len(b)/width)+1 {
			return nil, errPage
		}
		take := int(min(groups*8, left))
		if take*width > len(b)*8 {
			return nil, errPage
		}
		for i := range take {
			values = append(values, bitsAt(b, i*width, width))
		}
		b = b[min(int(min(groups, 1<<30))*width, len(b)):]
	}
	return values, nil
}

// bitsAt reads up to 32 bits, least significant first.
func bitsAt(b []byte, at, width int) uint32 {
	var v uint64
	for i, shift := at/8, 0; shift < width+at%8 && i < len(b); i, shift = i+1, shift+8 {
		v |= uint64(b[i]) << shift
	}
	return uint32(v >> (at % 8) & (1<<width - 1))
}

// deltas decodes DELTA_BINARY_PACKED numbers, which must be count, and returns
// the bytes behind them.
func deltas(b []byte, count int) (numbers []int64, rest []byte, err error) {
	var head [3]uint64 // values of a block, miniblocks of a block, values in all
	for i := range head {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, nil, errPage
		}
		head[i], b = v, b[n:]
	}
	value, n := binary.Varint(b)
	perBlock, minis := head[0], head[1]
	if n <= 0 || head[2] != uint64(count) || minis == 0 || minis > 1<<10 || perBlock > 1<<20 || perBlock%minis != 0 || perBlock/minis%8 != 0 || perBlock == 0 {
		return nil, nil, errPage
	}
	d := deltaReader{b: b[n:], minis: int(minis), perMini: int(perBlock / minis), count: count, numbers: make([]int64, 0, count)}
	if count > 0 {
		d.numbers = append(d.numbers, value)
	}
	for len(d.numbers) < count {
		if err := d.block(); err != nil {
			return nil, nil, err
		}
	}
	return d.numbers, d.b, nil
}

// deltaReader reads blocks of differences, which are cut into miniblocks of one
// bit width each.
type deltaReader struct {
	b              []byte
	minis, perMini int
	count          int
	numbers        []int64
}

func (d *deltaReader) block() error {
	least, n := binary.Varint(d.b)
	if n <= 0 || len(d.b)-n < d.minis {
		return errPage
	}
	widths := d.b[n : n+d.minis]
	d.b = d.b[n+d.minis:]
	for _, width := range widths {
		if len(d.numbers) == d.count {
			break // the miniblocks that nothing is in have widths but no bytes
		}
		size := d.perMini / 8 * int(width)
		if width > 32 || size > len(d.b) {
			return errPage
		}
		for i := 0; i < d.perMini && len(d.numbers) < d.count; i++ {
			delta := least + int64(bitsAt(d.b[:size], i*int(width), int(width)))
			d.numbers = append(d.numbers, d.numbers[len(d.numbers)-1]+delta)
		}
		d.b = d.b[size:]
	}
	return nil
}

// lengthValues decodes DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
func lengthValues(b []byte, count int) (values [][]byte, rest []byte, err error) {
	lengths, b, err := deltas(b, count)
	if err != nil {
		return nil, nil, err
	}
	values = make([][]byte, count)
	for i, n := range lengths {
		if n < 0 || n > int64(len(b)) {
			return nil, nil, errPage
		}
		values[i], b = b[:n], b[n:]
	}
	return values, b, nil
}

// prefixedValues decodes DELTA_BYTE_ARRAY: how much of the one before each value
// begins with, then the ends.
func prefixedValues(b []byte, count int, limit int64) ([][]byte, error) {
	prefixes, b, err := deltas(b, count)
	if err != nil {
		return nil, err
	}
	values, _, err := lengthValues(b, count)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	var before []byte
	for i, end := range values {
		n := prefixes[i]
		if n < 0 || n > int64(len(before)) {
			return nil, errPage
		}
		if total += n + int64(len(end)); total > limit {
			return nil, fmt.Errorf("page of over %d bytes: %w", limit, loopitr.ErrInvalid)
		}
		before = append(append(make([]byte, 0, int(n)+len(end)), before[:n]...), end...)
		values[i] = before
	}
	return values, nil
}
