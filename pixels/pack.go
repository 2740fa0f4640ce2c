package pixels

import (
	"fmt"
	"image"
	"image/color"
)

// pack turns what a decoder made into RGB of the canvas's size, on white. The
// arithmetic is Pillow's for every colour model, so that equal samples give
// equal pixels.
func (s source) pack(m image.Image) (Image, error) {
	out := newImage(s.width, s.height)
	b := m.Bounds()
	at := image.Point{}
	switch s.format {
	case formatGIF:
		at = b.Min
	case formatWebP:
		at = s.canvas
	}
	if at.X+b.Dx() > s.width || at.Y+b.Dy() > s.height {
		return Image{}, fmt.Errorf("frame of %dx%d at %d,%d leaves the canvas of %dx%d", b.Dx(), b.Dy(), at.X, at.Y, s.width, s.height)
	}
	if b.Dx() < s.width || b.Dy() < s.height {
		for i := range out.RGB {
			out.RGB[i] = 255
		}
	}
	write, err := s.packer(m)
	if err != nil {
		return Image{}, err
	}
	for y := range b.Dy() {
		write(y, out.RGB[3*((at.Y+y)*s.width+at.X):][:3*b.Dx()])
	}
	return out, nil
}

// packer returns what writes row y of m (counted from its top) as RGB. It is
// called for every row in order.
func (s source) packer(m image.Image) (func(y int, out []uint8), error) {
	switch m := m.(type) {
	case *image.YCbCr:
		return packWebP(m, nil, 0), nil
	case *image.NYCbCrA:
		return packWebP(&m.YCbCr, m.A, m.AStride), nil
	case *image.Gray:
		return func(y int, out []uint8) {
			packGray(out, m.Pix[y*m.Stride:], 1)
			if s.faxOfBlack {
				invert(out)
			}
		}, nil
	case *image.Gray16:
		return func(y int, out []uint8) { packGray(out, m.Pix[y*m.Stride:], 2) }, nil
	case *image.RGBA:
		if s.format == formatTIFF {
			return func(y int, out []uint8) { packPremultiplied(out, m.Pix[y*m.Stride:], 1) }, nil
		}
		return func(y int, out []uint8) { packAlpha(out, m.Pix[y*m.Stride:], 1) }, nil
	case *image.NRGBA:
		return func(y int, out []uint8) { packAlpha(out, m.Pix[y*m.Stride:], 1) }, nil
	case *image.RGBA64:
		return func(y int, out []uint8) { packPremultiplied(out, m.Pix[y*m.Stride:], 2) }, nil
	case *image.NRGBA64:
		return func(y int, out []uint8) { packAlpha(out, m.Pix[y*m.Stride:], 2) }, nil
	case *image.Paletted:
		table := paletteRGB(m.Palette)
		return func(y int, out []uint8) { packPalette(out, m.Pix[y*m.Stride:], &table) }, nil
	}
	return nil, fmt.Errorf("unknown pixel layout %T", m)
}

// packGray reads samples of size bytes, the high one first.
func packGray(out, in []uint8, size int) {
	for x := 0; x+3 <= len(out); x += 3 {
		v := in[0]
		in = in[size:]
		p := out[x : x+3 : x+3]
		p[0], p[1], p[2] = v, v, v
	}
}

func invert(p []uint8) {
	for i := range p {
		p[i] = ^p[i]
	}
}

// packAlpha reads four straight (not premultiplied) samples of size bytes a
// pixel and lays them over white. 16-bit samples keep their high byte, as libpng's
// strip does.
func packAlpha(out, in []uint8, size int) {
	if size == 2 {
		high := make([]uint8, len(out)/3*4)
		for i := range high {
			high[i] = in[2*i]
		}
		in = high
	}
	in = in[:len(out)/3*4]
	for x := 0; len(in) >= 4 && x+3 <= len(out); x += 3 {
		p, q := out[x:x+3:x+3], in[:4:4]
		in = in[4:]
		if a := uint32(q[3]); a == 255 {
			p[0], p[1], p[2] = q[0], q[1], q[2]
		} else {
			p[0], p[1], p[2] = onWhite(q[0], a), onWhite(q[1], a), onWhite(q[2], a)
		}
	}
}

// packPremultiplied is packAlpha for samples that are multiplied by alpha already.
func packPremultiplied(out, in []uint8, size int) {
	for x := 0; x+3 <= len(out); x += 3 {
		p, q := out[x:x+3:x+3], in[:4*size]
		in = in[4*size:]
		white := 255 - uint32(q[3*size])
		p[0] = uint8(min(uint32(q[0])+white, 255))
		p[1] = uint8(min(uint32(q[size])+white, 255))
		p[2] = uint8(min(uint32(q[2*size])+white, 255))
	}
}

// onWhite is v over white with alpha a, rounded.
func onWhite(v uint8, a uint32) uint8 {
	sum := uint32(v)*a + 255*(255-a) + 128
	return uint8((sum + sum>>8) >> 8) // divided by 255
}

// paletteRGB is the palette on white. Entries beyond it stay black; decoders
// refuse indexes beyond it.
func paletteRGB(palette color.Palette) [256][3]uint8 {
	var table [256][3]uint8
	for i, c := range palette {
		if i == len(table) {
			break
		}
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		a := uint32(n.A)
		table[i] = [3]uint8{onWhite(n.R, a), onWhite(n.G, a), onWhite(n.B, a)}
	}
	return table
}

func packPalette(out, in []uint8, table *[256][3]uint8) {
	for x := 0; x+3 <= len(out); x += 3 {
		c := &table[in[0]]
		in = in[1:]
		p := out[x : x+3 : x+3]
		p[0], p[1], p[2] = c[0], c[1], c[2]
	}
}
