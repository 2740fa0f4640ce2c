package pixels

import "image"

// JPEG's colours, in the fixed point and with the chroma filters of libjpeg. Go's
// own conversion rounds otherwise and repeats chroma.

// jfif is the colour matrix as tables of packed sums: bits 0 to 15 are red, 16 to
// 31 blue, both raised by 256 to stay positive; 32 up are green with 16 bits of
// fraction, raised likewise, because two rounded terms are not their sum rounded.
type jfif struct {
	cb, cr [256]uint64
	clip   [1024]uint8 // of a sum raised by 256
}

const jfifLuma = 1 | 1<<16 | 1<<48

func newJFIF() *jfif {
	var t jfif
	for v := range t.cb {
		x := int64(v) - 128
		t.cb[v] = uint64((116130*x+32768)>>16+256)<<16 + uint64((256<<16)-22554*x+32768)<<32
		t.cr[v] = uint64((91881*x+32768)>>16+256) + uint64((256<<16)-46802*x)<<32
	}
	for v := range t.clip {
		t.clip[v] = uint8(min(max(v-256, 0), 255))
	}
	return &t
}

// row converts a row; chroma has cb in its low and cr in its high half.
func (t *jfif) row(out, luma []uint8, chroma []uint32) {
	chroma, out = chroma[:len(luma)], out[:3*len(luma)]
	for x, l := range luma {
		c := chroma[x]
		v := uint64(l)*jfifLuma + t.cb[uint8(c)] + t.cr[uint8(c>>16)]
		p := out[3*x : 3*x+3 : 3*x+3]
		p[0] = t.clip[v&1023]
		p[1] = t.clip[(v>>48-256)&1023]
		p[2] = t.clip[v>>16&1023]
	}
}

// packJPEG widens chroma as libjpeg's default ("fancy") does: a triangle filter
// for 4:2:0, 4:2:2 and 4:4:0, repetition for the rest.
func packJPEG(m *image.YCbCr) func(y int, out []uint8) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	across, down := subsampling(m.SubsampleRatio)
	cw, ch := ceilDiv(w, across), ceilDiv(h, down)
	full := make([]uint32, cw*across)
	near, far := make([]uint32, cw), make([]uint32, cw)
	table := newJFIF()
	return func(y int, out []uint8) {
		own := y / down
		joinChroma(near, m, own)
		if down == 2 { // the row on y's other side
			joinChroma(far, m, min(max(own-1+2*(y&1), 0), ch-1))
		}
		row := full
		switch {
		case across == 1 && down == 1:
			row = near
		case across == 2 && down == 2 && cw > 2:
			widenBoth(full, near, far)
		case across == 2 && down == 1 && cw > 2:
			widenRow(full, near)
		case across == 1 && down == 2:
			blendRows(full, near, far, uint32(1+(y&1)))
		default:
			for x := range full {
				full[x] = near[x/across]
			}
		}
		table.row(out, m.Y[y*m.YStride:][:w], row)
	}
}

func subsampling(r image.YCbCrSubsampleRatio) (across, down int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// Both chroma channels are filtered in one word, sixteen bits each: their sums
// stay below 4,096.

func both(v uint32) uint32 { return v | v<<16 }

func joinChroma(out []uint32, m *image.YCbCr, y int) {
	cb, cr := m.Cb[y*m.CStride:][:len(out)], m.Cr[y*m.CStride:][:len(out)]
	for x := range out {
		out[x] = uint32(cb[x]) | uint32(cr[x])<<16
	}
}

// widenRow doubles a row: 3/4 of the nearer and 1/4 of the farther sample, the
// half rounded down to the left and up to the right.
func widenRow(out, in []uint32) {
	last := len(in) - 1
	for x, v := range in {
		out[2*x] = (3*v + in[max(x-1, 0)] + both(1)) >> 2 & both(255)
		out[2*x+1] = (3*v + in[min(x+1, last)] + both(2)) >> 2 & both(255)
	}
	out[0], out[2*last+1] = in[0], in[last]
}

// blendRows is widenRow's filter downwards.
func blendRows(out, near, far []uint32, bias uint32) {
	for x, v := range near {
		out[x] = (3*v + far[x] + both(bias)) >> 2 & both(255)
	}
}

// widenBoth doubles a row whose neighbour row is far: sixteenths 9, 3, 3, 1. It
// leaves the rows' sums in near.
func widenBoth(out, near, far []uint32) {
	far = far[:len(near)]
	for x, v := range near {
		near[x] = 3*v + far[x]
	}
	last := len(near) - 1
	previous, own := near[0], near[0]
	for x, next := range near[1:] {
		pair := out[2*x : 2*x+2 : 2*x+2]
		pair[0] = (3*own + previous + both(8)) >> 4 & both(255)
		pair[1] = (3*own + next + both(7)) >> 4 & both(255)
		previous, own = own, next
	}
	out[2*last] = (3*own + previous + both(8)) >> 4 & both(255)
	out[2*last+1] = (4*own + both(7)) >> 4 & both(255)
}
