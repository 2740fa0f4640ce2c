package jpeg

import (
	"errors"
	"fmt"

	"github.com/loopitr/loopitr"
)

// Picture is a JPEG file whose header is read.
type Picture struct {
	Width, Height int // pixels; Height 0 where the file leaves it open

	file        segments
	progressive bool
	components  []component
	hMax, vMax  int // largest sampling factors
	mcus        struct{ wide, high int }

	quant    [4]*[64]int16 // natural order; 16-bit values keep their bits
	dc, ac   [4]*table
	interval int // MCUs between restarts, 0 for none
	jfif     bool
	adobe    int // the transform that an Adobe segment names, or -1
}

// component is one plane of samples.
type component struct {
	id, quantSelector byte
	h, v              int // sampling factors
	width, height     int // samples of the picture, without the blocks' padding
	wide, high        int // blocks, as stored in interleaved scans
	quant             *[64]int16
	coefficients      []int16 // of all blocks, row by row, where several scans make them
}

// Open reads the header up to the frame's, where the picture's size is. Nothing of
// that size is allocated, and encoded is retained. Errors wrap loopitr.ErrInvalid
// and name what is damaged or which kind of JPEG is not supported.
func Open(encoded []byte) (*Picture, error) {
	p := &Picture{file: segments{b: encoded}, adobe: -1}
	if err := p.open(); err != nil {
		return nil, fmt.Errorf("jpeg header: %w: %w", err, loopitr.ErrInvalid)
	}
	return p, nil
}

func (p *Picture) open() error {
	if b := p.file.b; len(b) < 2 || b[0] != 0xff || b[1] != markerSOI {
		return errors.New("file does not begin with a start mark")
	}
	p.file.at = 2
	for p.components == nil {
		marker, payload, err := p.file.next()
		if err != nil {
			return err
		}
		if marker == markerSOS || marker == markerEOI {
			return errors.New("no frame before the first scan")
		}
		if err := p.read(marker, payload); err != nil {
			return err
		}
	}
	return nil
}

// read takes in one segment other than a scan; those it knows not are passed over.
func (p *Picture) read(marker byte, payload []byte) error {
	switch marker {
	case markerSOF0, markerSOF1, markerSOF2:
		p.progressive = marker == markerSOF2
		return p.readFrame(payload)
	case markerDHT:
		return p.readHuffman(payload)
	case markerDQT:
		return p.readQuant(payload)
	case markerDRI:
		if len(payload) < 2 {
			return errors.New("restart interval without a number")
		}
		p.interval = be16(payload)
	case markerAPP0:
		p.jfif = p.jfif || len(payload) >= 14 && string(payload[:5]) == "JFIF\x00"
	case markerAPPE:
		if len(payload) >= 12 && string(payload[:5]) == "Adobe" {
			p.adobe = int(payload[11])
		}
	case 0xc3, 0xc7, 0xcb, 0xcf:
		return errors.New("lossless JPEG is not supported")
	case 0xc5, 0xc6, 0xcd, 0xce:
		return errors.New("hierarchical JPEG is not supported")
	case 0xc9, 0xca:
		return errors.New("arithmetic coding is not supported")
	}
	return nil
}

// readFrame reads the frame header (T.81 B.2.2).
func (p *Picture) readFrame(b []byte) error {
	if p.components != nil {
		return errors.New("more than one frame")
	}
	if len(b) < 6 || len(b) < 6+3*int(b[5]) {
		return errors.New("frame header is too short")
	}
	if b[0] != 8 {
		return fmt.Errorf("%d bits a sample are not supported: want 8", b[0])
	}
	n := int(b[5])
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("%d components are not supported: want 1, 3 or 4", n)
	}
	components := make([]component, n)
	for i := range components {
		c, from := &components[i], b[6+3*i:]
		*c = component{id: from[0], h: int(from[1] >> 4), v: int(from[1] & 15), quantSelector: from[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return fmt.Errorf("component %d is sampled %dx%d: want 1 to 4", i, c.h, c.v)
		}
		if c.quantSelector > 3 {
			return fmt.Errorf("component %d uses quantisation table %d: want 0 to 3", i, c.quantSelector)
		}
		if n == 1 {
			c.h, c.v = 1, 1 // factors are relative: one component has no other
		}
		p.hMax, p.vMax = max(p.hMax, c.h), max(p.vMax, c.v)
	}
	p.Height, p.Width, p.components = be16(b[1:]), be16(b[3:]), components
	return p.measure()
}

// measure works out every plane's size.
func (p *Picture) measure() error {
	p.mcus.wide, p.mcus.high = ceilDiv(p.Width, 8*p.hMax), ceilDiv(p.Height, 8*p.vMax)
	for i := range p.components {
		c := &p.components[i]
		if p.hMax%c.h != 0 || p.vMax%c.v != 0 {
			return fmt.Errorf("component %d is sampled %dx%d of %dx%d: fractions are not supported", i, c.h, c.v, p.hMax, p.vMax)
		}
		c.width, c.height = ceilDiv(p.Width*c.h, p.hMax), ceilDiv(p.Height*c.v, p.vMax)
		c.wide, c.high = p.mcus.wide*c.h, p.mcus.high*c.v
	}
	return nil
}

// readQuant reads quantisation tables (T.81 B.2.4.1), which come in zigzag order.
func (p *Picture) readQuant(b []byte) error {
	for len(b) > 0 {
		selector, size := b[0]&15, 1+int(b[0]>>4)
		if selector > 3 || size > 2 {
			return fmt.Errorf("quantisation table %d of %d bytes a value: want 0 to 3 of 1 or 2", selector, size)
		}
		if len(b) < 1+64*size {
			return errors.New("quantisation table is too short")
		}
		t := new([64]int16)
		for k := range t {
			if size == 1 {
				t[natural[k]] = int16(b[1+k])
			} else {
				t[natural[k]] = int16(be16(b[1+2*k:]))
			}
		}
		p.quant[selector] = t
		b = b[1+64*size:]
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
