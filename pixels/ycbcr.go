package pixels

import "image"

// The colour matrices of libjpeg (JFIF, full range) and libwebp (BT.601, studio
// range), in their fixed point. Go's own conversion rounds otherwise and takes
// WebP for full range.

func clip8(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

func jfifPixel(p []uint8, y, cb, cr int32) {
	cb, cr = cb-128, cr-128
	p = p[:3]
	p[0] = clip8(y + (91881*cr+32768)>>16)
	p[1] = clip8(y + (-22554*cb-46802*cr+32768)>>16)
	p[2] = clip8(y + (116130*cb+32768)>>16)
}

func webpPixel(p []uint8, y, u, v int32) {
	p = p[:3]
	luma := y * 19077 >> 8
	p[0] = clip8((luma + v*26149>>8 - 14234) >> 6)
	p[1] = clip8((luma - u*6419>>8 - v*13320>>8 + 8708) >> 6)
	p[2] = clip8((luma + u*33050>>8 - 17685) >> 6)
}

// chroma is one row of both chroma channels at full width.
type chroma struct{ cb, cr []uint8 }

// packJPEG widens chroma as libjpeg's default ("fancy") does: a triangle filter
// for 4:2:0, 4:2:2 and 4:4:0, repetition for the rest.
func packJPEG(m *image.YCbCr) func(y int, out []uint8) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	across, down := subsampling(m.SubsampleRatio)
	cw, ch := ceilDiv(w, across), ceilDiv(h, down)
	full := chroma{make([]uint8, cw*across), make([]uint8, cw*across)}
	sums := make([]int32, cw)
	return func(y int, out []uint8) {
		near := y / down
		far := near // the row on y's other side
		if down == 2 {
			far = min(max(near-1+2*(y&1), 0), ch-1)
		}
		cb, cr := m.Cb[near*m.CStride:][:cw], m.Cr[near*m.CStride:][:cw]
		cbFar, crFar := m.Cb[far*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw]
		row := full
		switch {
		case across == 1 && down == 1:
			row = chroma{cb, cr}
		case across == 2 && down == 2 && cw > 2:
			widenBoth(full.cb, sums, cb, cbFar)
			widenBoth(full.cr, sums, cr, crFar)
		case across == 2 && down == 1 && cw > 2:
			widenRow(full.cb, cb)
			widenRow(full.cr, cr)
		case across == 1 && down == 2:
			blendRows(full.cb, cb, cbFar, y&1)
			blendRows(full.cr, cr, crFar, y&1)
		default:
			repeat(full.cb, cb, across)
			repeat(full.cr, cr, across)
		}
		luma := m.Y[y*m.YStride:][:w]
		cbRow, crRow := row.cb[:w], row.cr[:w]
		for x, l := range luma {
			jfifPixel(out[3*x:], int32(l), int32(cbRow[x]), int32(crRow[x]))
		}
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

func repeat(out, in []uint8, times int) {
	for x := range out {
		out[x] = in[x/times]
	}
}

// widenRow doubles a row: 3/4 of the nearer and 1/4 of the farther sample, the
// half rounded down to the left and up to the right.
func widenRow(out, in []uint8) {
	last := len(in) - 1
	for x, v := range in {
		left, right := in[max(x-1, 0)], in[min(x+1, last)]
		out[2*x] = uint8((3*int32(v) + int32(left) + 1) >> 2)
		out[2*x+1] = uint8((3*int32(v) + int32(right) + 2) >> 2)
	}
	out[0], out[2*last+1] = in[0], in[last]
}

// blendRows is widenRow's filter downwards.
func blendRows(out, near, far []uint8, odd int) {
	bias := int32(1 + odd)
	for x, v := range near {
		out[x] = uint8((3*int32(v) + int32(far[x]) + bias) >> 2)
	}
}

// widenBoth doubles a row whose neighbour row is far: sixteenths 9, 3, 3, 1.
func widenBoth(out []uint8, sums []int32, near, far []uint8) {
	far, sums = far[:len(near)], sums[:len(near)]
	for x, v := range near {
		sums[x] = 3*int32(v) + int32(far[x])
	}
	last := len(sums) - 1
	previous := sums[0]
	for x, v := range sums[:last] {
		pair := out[2*x : 2*x+2 : 2*x+2]
		pair[0] = uint8((3*v + previous + 8) >> 4)
		pair[1] = uint8((3*v + sums[x+1] + 7) >> 4)
		previous = v
	}
	out[2*last] = uint8((3*sums[last] + previous + 8) >> 4)
	out[2*last+1] = uint8((4*sums[last] + 7) >> 4)
}

// packWebP widens chroma as libwebp's default does, and lays the picture over
// white where alpha (one byte a pixel, may be nil) asks for it.
func packWebP(m *image.YCbCr, alpha []uint8, alphaStride int) func(y int, out []uint8) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	full := chroma{make([]uint8, 2*cw), make([]uint8, 2*cw)}
	return func(y int, out []uint8) {
		near := y / 2
		far := min(max(near-1+2*(y&1), 0), ch-1)
		widenWebP(full.cb[:w], m.Cb[near*m.CStride:][:cw], m.Cb[far*m.CStride:][:cw])
		widenWebP(full.cr[:w], m.Cr[near*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw])
		for x, l := range m.Y[y*m.YStride:][:w] {
			p := out[3*x : 3*x+3]
			webpPixel(p, int32(l), int32(full.cb[x]), int32(full.cr[x]))
			if alpha == nil {
				continue
			}
			if a := uint32(alpha[y*alphaStride+x]); a != 255 {
				p[0], p[1], p[2] = onWhite(p[0], a), onWhite(p[1], a), onWhite(p[2], a)
			}
		}
	}
}

// widenWebP is libwebp's 9, 3, 3, 1 filter with its double rounding; at both
// ends only the rows are blended.
func widenWebP(out, near, far []uint8) {
	ends := func(i int) uint8 { return uint8((3*int32(near[i]) + int32(far[i]) + 2) >> 2) }
	out[0] = ends(0)
	for x := 1; x < len(out); x++ {
		own, other := x/2, x/2-1+2*(x&1)
		if other >= len(near) {
			out[x] = ends(own)
			return
		}
		a, b := int32(near[own]), int32(near[other])
		c, d := int32(far[own]), int32(far[other])
		diagonal := (a + b + c + d + 8 + 2*(b+c)) >> 3
		out[x] = uint8((diagonal + a) >> 1)
	}
}
