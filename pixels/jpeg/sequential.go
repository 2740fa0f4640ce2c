package jpeg

import "errors"

var errNoCode = errors.New("bits match no huffman code")

// stripMCUs is how many MCUs are decoded before their blocks are transformed: an
// even number, so that blocks pair up, and few enough for the first cache.
const stripMCUs = 8

// strip is the coefficients of up to stripMCUs MCUs side by side, grouped by
// component and there by rows of blocks.
type strip struct {
	coefficients []int16 // one block more than needed: the last may lack a partner
	flat         []bool  // by block: only the mean is not zero
	slots        []slot
}

// slot is one block of an MCU.
type slot struct {
	*part
	first, step int // its block in the strip's first MCU, and from MCU to MCU
}

func newStrip(s *scan) *strip {
	var t strip
	n := 0
	for i := range s.parts {
		p := &s.parts[i]
		for y := range p.v {
			for x := range p.h {
				t.slots = append(t.slots, slot{p, n + y*p.h*stripMCUs + x, p.h})
			}
		}
		n += p.h * p.v * stripMCUs
	}
	t.coefficients, t.flat = make([]int16, 64*(n+1)), make([]bool, n+1)
	t.flat[n] = true
	return &t
}

// stream decodes a file whose only scan holds all components: MCUs go row by row
// through the transform to the caller's rows.
func (p *Picture) stream(s *scan, row func(y int) []uint8) error {
	blocks := 0
	for _, c := range p.components {
		blocks += c.wide * c.high
	}
	// A block takes two codes of at least a bit each.
	if len(p.file.b)-p.file.at < blocks/4 {
		return errTruncated
	}
	r, t, b := newBits(p.file), newStrip(s), newBand(p)
	for y := range s.mcus.high {
		for x := 0; x < s.mcus.wide; x += stripMCUs {
			n := min(stripMCUs, s.mcus.wide-x)
			if err := p.readStrip(r, s, t, [2]int{y*s.mcus.wide + x, n}); err != nil {
				return err
			}
			first := 0
			for i := range s.parts {
				c := &s.parts[i]
				for v := range c.v {
					at := first + v*c.h*stripMCUs
					b.planes[i].transform(v, x*c.h, t.coefficients[64*at:], t.flat[at:][:n*c.h+1])
				}
				first += c.h * c.v * stripMCUs
			}
		}
		b.emit(y, row)
	}
	p.file = r.source
	return nil
}

// readStrip decodes MCUs: which[1] of them from which[0] on.
func (p *Picture) readStrip(r *bits, s *scan, t *strip, which [2]int) error {
	clear(t.coefficients)
	for m := range which[1] {
		if n := which[0] + m; p.interval > 0 && n > 0 && n%p.interval == 0 {
			if err := r.restart(n/p.interval - 1); err != nil {
				return err
			}
			for i := range s.parts {
				s.parts[i].last = 0
			}
		}
		r.prepare()
		for i := range t.slots {
			c := &t.slots[i]
			at := c.first + m*c.step
			block := (*[64]int16)(t.coefficients[64*at:])
			flat, ok := r.block(block, c.part)
			if !ok {
				return errNoCode
			}
			t.flat[at] = flat
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

// block decodes one block (T.81 F.2.2) into zeros and tells whether it is flat.
func (r *bits) block(block *[64]int16, c *part) (flat, ok bool) {
	e := r.symbol(c.dc)
	if e == 0 {
		return false, false
	}
	c.last += e.value()
	block[0] = c.last
	hold, held, at, buffer, ac := r.hold, r.held, r.at, r.buffer, c.ac
	k := 1
	for k < 64 {
		if held < 32 {
			hold, held, at = refill(hold, held, buffer, at)
		}
		e = ac.fast[hold>>(64-lookBits)]
		if e&entryLong != 0 {
			if e = ac.long(e, hold); e == 0 {
				return false, false
			}
		}
		hold <<= e.bits()
		held -= e.bits()
		k += e.advance()
		// Ends and long runs write a zero where nothing is yet.
		block[natural[uint8(k-1)]&63] = e.value()
	}
	r.hold, r.held, r.at = hold, held, at
	return e.advance() >= endOfBlock && k-e.advance() == 1, true
}
