package jpeg

import (
	"errors"
	"fmt"
)

// natural maps zigzag order (T.81 figure 5) to rows of eight. Beyond the block
// everything is its last coefficient, so that no run leaves it.
var natural = zigzag()

func zigzag() (order [256]uint8) {
	x, y := 0, 0
	for k := range 64 {
		order[k] = uint8(8*y + x)
		switch up := (x+y)%2 == 0; {
		case up && x == 7, !up && y < 7 && x == 0:
			y++
		case up && y == 0, !up && y == 7:
			x++
		case up:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	for k := 64; k < len(order); k++ {
		order[k] = 63
	}
	return order
}

// lookBits is how many bits one look-up takes: most symbols of a photograph with
// their value. 4 kB a table keeps all of a scan's in the first cache.
const lookBits = 10

// An entry is what a symbol means, in one word: bits 0 to 5 how many bits it
// takes with its value, 8 to 15 by how many coefficients it advances (beyond the
// block where it ends it: endOfBlock plus the bits of the run's length), 16 to 31
// the value. Where entryLong is set the value or the code did not fit the look-up:
// bits 0 to 5 are the code's length (0 for longer codes), 8 to 15 the symbol.
// Entry 0 is no code.
type entry uint32

const (
	entryLong  = 1 << 7
	endOfBlock = 64
)

func (e entry) bits() uint   { return uint(e & 63) }
func (e entry) advance() int { return int(e >> 8 & 255) }
func (e entry) value() int16 { return int16(e >> 16) }

// table is a Huffman table (T.81 annex C).
type table struct {
	fast    [1 << lookBits]entry
	limit   [17]uint32 // by length: the first 16-bit word above its codes
	offset  [17]int32  // by length: adds to a code for its place in symbols
	symbols [256]uint8
}

// newTable builds the table from the counts of codes of 1 to 16 bits.
func newTable(counts, symbols []byte) (*table, error) {
	t := &table{}
	copy(t.symbols[:], symbols)
	for i := range t.fast {
		t.fast[i] = entryLong
	}
	code, k := 0, 0
	for length := 1; length <= 16; length++ {
		t.offset[length] = int32(k - code)
		for range counts[length-1] {
			if code >= 1<<length {
				return nil, errors.New("huffman table has more codes than bits allow")
			}
			if length <= lookBits {
				t.look(code, length, symbols[k])
			}
			code++
			k++
		}
		t.limit[length] = uint32(code) << (16 - length)
		code <<= 1
	}
	return t, nil
}

// look fills the entries that begin with a code.
func (t *table) look(code, length int, symbol uint8) {
	free := lookBits - length
	for low := range 1 << free {
		e := entry(entryLong | length | int(symbol)<<8)
		if int(symbol&15) <= free {
			e = newEntry(symbol, uint(length), uint64(low)<<(64-free))
		}
		t.fast[code<<free|low] = e
	}
}

// newEntry is a symbol of a code of the given length, with its value from the top
// of the bits that follow.
func newEntry(symbol uint8, length uint, following uint64) entry {
	run, size := uint32(symbol>>4), uint(symbol&15)
	if size == 0 {
		advance := run + endOfBlock
		if run == 15 {
			advance = 16
		}
		return entry(uint32(length) | advance<<8)
	}
	v := int32(following >> (64 - size))
	if v < 1<<(size-1) {
		v += 1 - 1<<size // T.81 figure F.12
	}
	return entry(uint32(length+size) | (run+1)<<8 | uint32(v)<<16)
}

// long completes an entry from the next 32 bits, or returns 0 for no code.
func (t *table) long(e entry, bits uint64) entry {
	length, symbol := e.bits(), uint8(e>>8)
	if length == 0 {
		word := uint32(bits >> 48)
		length = lookBits + 1
		for length <= 16 && word >= t.limit[length] {
			length++
		}
		if length > 16 {
			return 0
		}
		symbol = t.symbols[uint8(t.offset[length]+int32(word>>(16-length)))]
	}
	return newEntry(symbol, length, bits<<length)
}

// readHuffman reads Huffman tables (T.81 B.2.4.2).
func (p *Picture) readHuffman(b []byte) error {
	for len(b) > 0 {
		if len(b) < 17 {
			return errors.New("huffman table is too short")
		}
		class, selector := b[0]>>4, b[0]&15
		if class > 1 || selector > 3 {
			return fmt.Errorf("huffman table %d of class %d: want 0 to 3 of 0 or 1", selector, class)
		}
		counts, n := b[1:17], 0
		for _, c := range counts {
			n += int(c)
		}
		if n > 256 || len(b) < 17+n {
			return fmt.Errorf("huffman table of %d codes does not fit its segment", n)
		}
		symbols := b[17 : 17+n]
		if class == 0 {
			for _, s := range symbols {
				if s > 15 {
					return fmt.Errorf("huffman table has a difference of %d bits: want at most 15", s)
				}
			}
		}
		t, err := newTable(counts, symbols)
		if err != nil {
			return err
		}
		if class == 0 {
			p.dc[selector] = t
		} else {
			p.ac[selector] = t
		}
		b = b[17+n:]
	}
	return nil
}
