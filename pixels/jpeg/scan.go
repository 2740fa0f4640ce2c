package jpeg

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
)

// scan is a scan header (T.81 B.2.3) with what it refers to.
type scan struct {
	parts     []part
	from, to  int // spectral selection
	high, low int // successive approximation
	mcus      struct{ wide, high int }
}

// part is a component's share of a scan: h x v blocks of each MCU.
type part struct {
	*component
	dc, ac *table
	h, v   int
	last   int16 // DC coefficient of the block before
}

// Decode decodes the whole picture as RGB triples: row(y) is called for every row
// from the top down and says where row y goes, at least 3*Width bytes; they are
// written before the next call or the return. Files with more than maxScans scans
// are refused. Memory is one row of MCUs for files of a single scan, and some two
// bytes a sample for others; both are allocated only if the file is long enough to
// fill them. Every error wraps loopitr.ErrInvalid; rows written until then are of
// no use. Decode may be called once.
func (p *Picture) Decode(maxScans int, row func(y int) []uint8) error {
	if err := p.decode(maxScans, row); err != nil {
		return fmt.Errorf("jpeg data: %w: %w", err, loopitr.ErrInvalid)
	}
	return nil
}

func (p *Picture) decode(maxScans int, row func(y int) []uint8) error {
	if p.Width == 0 || p.Height == 0 {
		return fmt.Errorf("picture is %dx%d pixels: no side may be empty", p.Width, p.Height)
	}
	scans := 0
	for {
		begin := p.file
		marker, payload, err := p.file.next()
		switch {
		case err != nil:
			return err
		case marker == markerEOI && scans == 0:
			return errors.New("file holds no scan")
		case marker == markerEOI:
			if p.components[0].coefficients == nil {
				return nil
			}
			return p.show(row)
		case marker != markerSOS:
			if err := p.read(marker, payload); err != nil {
				return err
			}
			continue
		}
		s, err := p.readScan(payload)
		if err != nil {
			return err
		}
		scans++
		if whole := !p.progressive && len(s.parts) == len(p.components); scans == 1 && whole {
			err = p.stream(s, row)
			if err == nil {
				err = p.finish()
			}
			return err
		}
		if scans == 1 {
			if p.tooShort() {
				return errTruncated
			}
			if n := begin.countScans(); n > maxScans {
				return fmt.Errorf("more than %d scans (%d), the limit for %dx%d pixels", maxScans, n, p.Width, p.Height)
			}
			p.allocate()
		}
		if err := p.store(s); err != nil {
			return fmt.Errorf("scan %d: %w", scans, err)
		}
	}
}

// finish reads on to the end mark.
func (p *Picture) finish() error {
	for {
		if marker, _, err := p.file.next(); err != nil || marker == markerEOI {
			return err
		}
	}
}

func (p *Picture) readScan(b []byte) (*scan, error) {
	if len(b) < 1 || int(b[0]) < 1 || int(b[0]) > len(p.components) || len(b) < 4+2*int(b[0]) {
		return nil, errors.New("scan header does not fit the frame")
	}
	n := int(b[0])
	s := &scan{parts: make([]part, n), to: 63, mcus: p.mcus}
	blocks := 0
	for i := range s.parts {
		if err := p.readPart(&s.parts[i], b[1+2*i], b[2+2*i]); err != nil {
			return nil, err
		}
		for _, other := range s.parts[:i] {
			if other.component == s.parts[i].component {
				return nil, errors.New("scan names a component twice")
			}
		}
		blocks += s.parts[i].h * s.parts[i].v
	}
	if n == 1 { // not interleaved: MCUs are blocks, without padding (T.81 A.2.2)
		one := &s.parts[0]
		one.h, one.v = 1, 1
		s.mcus.wide, s.mcus.high = ceilDiv(one.width, 8), ceilDiv(one.height, 8)
	} else if blocks > 10 {
		return nil, fmt.Errorf("scan of %d blocks a unit: want at most 10", blocks)
	}
	if p.progressive {
		s.from, s.to, s.high, s.low = int(b[1+2*n]), int(b[2+2*n]), int(b[3+2*n]>>4), int(b[3+2*n]&15)
	}
	return s, s.check(p.progressive)
}

// readPart finds the component of the given id and the tables that selectors name.
func (p *Picture) readPart(t *part, id, selectors byte) error {
	for i := range p.components {
		if c := &p.components[i]; c.id == id && t.component == nil {
			t.component, t.h, t.v = c, c.h, c.v
		}
	}
	if t.component == nil {
		return fmt.Errorf("scan names unknown component %d", id)
	}
	if selectors>>4 > 3 || selectors&15 > 3 {
		return fmt.Errorf("component %d uses huffman tables %d and %d: want 0 to 3", id, selectors>>4, selectors&15)
	}
	t.dc, t.ac = p.dc[selectors>>4], p.ac[selectors&15]
	if t.quant == nil { // of the component's first scan, whatever comes later
		if t.quant = p.quant[t.quantSelector]; t.quant == nil {
			return fmt.Errorf("quantisation table %d is missing", t.quantSelector)
		}
	}
	return nil
}

// check verifies the progression (T.81 G.1.1.1) and that the tables are there.
func (s *scan) check(progressive bool) error {
	if progressive {
		if s.from > s.to || s.to > 63 || s.from == 0 && s.to != 0 || s.from > 0 && len(s.parts) > 1 {
			return fmt.Errorf("scan of coefficients %d to %d of %d components", s.from, s.to, len(s.parts))
		}
		if s.low > 13 || s.high != 0 && s.high != s.low+1 {
			return fmt.Errorf("scan from precision %d to %d", s.high, s.low)
		}
	}
	for i := range s.parts {
		t := &s.parts[i]
		if s.from == 0 && s.high == 0 && t.dc == nil || s.to > 0 && t.ac == nil {
			return errors.New("huffman table of a scan is missing")
		}
	}
	return nil
}
