package jpeg

// Files of several scans: the coefficients of the whole picture are kept until
// the last scan has added to them.

// allocate makes room for every component's coefficients.
func (p *Picture) allocate() {
	for i := range p.components {
		c := &p.components[i]
		c.coefficients = make([]int16, 64*(c.wide*c.high+1)) // the last block may lack a partner
	}
}

// tooShort reports that the file has less than a bit for every block, although
// each must at least get its mean.
func (p *Picture) tooShort() bool {
	blocks := 0
	for _, c := range p.components {
		blocks += ceilDiv(c.width, 8) * ceilDiv(c.height, 8)
	}
	return len(p.file.b)-p.file.at < blocks/8
}

// store decodes one scan into the coefficients.
func (p *Picture) store(s *scan) error {
	r := newBits(p.file)
	d := progress{bits: r, scan: s}
	step := d.step(p.progressive)
	for n := range s.mcus.wide * s.mcus.high {
		if p.interval > 0 && n > 0 && n%p.interval == 0 {
			if err := r.restart(n/p.interval - 1); err != nil {
				return err
			}
			d.run = 0
			for i := range s.parts {
				s.parts[i].last = 0
			}
		}
		x, y := n%s.mcus.wide, n/s.mcus.wide
		r.prepare()
		for i := range s.parts {
			c := &s.parts[i]
			for j := range c.h * c.v {
				at := (y*c.v+j/c.h)*c.wide + x*c.h + j%c.h
				if !step((*[64]int16)(c.coefficients[64*at:]), c) {
					return errNoCode
				}
			}
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	p.file = r.source
	return nil
}

// show transforms the stored coefficients row by row.
func (p *Picture) show(row func(y int) []uint8) error {
	b := newBand(p)
	for i := range p.components {
		c := &p.components[i]
		if c.quant == nil {
			c.quant = new([64]int16) // no scan holds it: all its samples are 128
		}
	}
	for y := range p.mcus.high {
		for i := range p.components {
			c := &p.components[i]
			for v := range c.v {
				at := (y*c.v + v) * c.wide
				b.planes[i].transform(v, 0, c.coefficients[64*at:], b.busy[:c.wide+1])
			}
		}
		b.emit(y, row)
	}
	return nil
}

// progress is the state of a scan of several (T.81 annex G).
type progress struct {
	*bits
	*scan
	run int // blocks that hold nothing of this scan
}

// step returns what reads the scan's share of one block.
func (d *progress) step(progressive bool) func(*[64]int16, *part) bool {
	switch {
	case !progressive:
		return func(b *[64]int16, c *part) bool {
			clear(b[:])
			_, ok := d.block(b, c)
			return ok
		}
	case d.from == 0 && d.high == 0:
		return d.firstMean
	case d.from == 0:
		return d.nextMean
	case d.high == 0:
		return d.firstDetail
	}
	return d.nextDetail
}

// firstMean reads the DC coefficient but for its low bits (T.81 G.1.2.1).
func (d *progress) firstMean(b *[64]int16, c *part) bool {
	e := d.symbol(c.dc)
	c.last += e.value()
	b[0] = c.last << d.low
	return e != 0
}

// nextMean adds a bit to it.
func (d *progress) nextMean(b *[64]int16, _ *part) bool {
	b[0] |= int16(d.one() << d.low)
	return true
}

// firstDetail reads a band of AC coefficients but for their low bits (T.81
// G.1.2.2).
func (d *progress) firstDetail(b *[64]int16, c *part) bool {
	if d.run > 0 {
		d.run--
		return true
	}
	for k := d.from; k <= d.to; {
		e := d.symbol(c.ac)
		if e == 0 {
			return false
		}
		if n := e.advance() - endOfBlock; n >= 0 {
			d.run = 1<<n + int(d.read(uint(n))) - 1
			return true
		}
		k += e.advance()
		if v := e.value(); v != 0 {
			b[natural[uint8(k-1)]&63] = v << d.low
		}
	}
	return true
}

// nextDetail adds a bit to a band (T.81 G.1.2.3): to every coefficient that is
// not zero yet, and ones of a new coefficient's run of zeros.
func (d *progress) nextDetail(b *[64]int16, c *part) bool {
	k := d.from
	for d.run == 0 && k <= d.to {
		e := d.symbol(c.ac)
		if e == 0 {
			return false
		}
		if n := e.advance() - endOfBlock; n >= 0 {
			d.run = 1<<n + int(d.read(uint(n)))
			break
		}
		v := e.value()
		if v > 1 || v < -1 {
			return false
		}
		k = d.refine(b, k, e.advance()-1)
		if k <= d.to && v != 0 {
			b[natural[k]&63] = v << d.low
		}
		k++
	}
	if d.run > 0 {
		d.run--
		d.refine(b, k, 64)
	}
	return true
}

// refine passes over zeros coefficients that are zero and gives those between
// that are not their next bit. It returns where it stopped: at a zero, or behind
// the band.
func (d *progress) refine(b *[64]int16, k, zeros int) int {
	for ; k <= d.to; k++ {
		v := &b[natural[k]&63]
		if *v == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		if d.one() == 0 {
			continue
		}
		if bit := int16(1) << d.low; *v > 0 {
			*v += bit
		} else {
			*v -= bit
		}
	}
	return k
}
