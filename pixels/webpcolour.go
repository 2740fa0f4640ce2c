package pixels

import "image"

// WebP's colours, in the fixed point and with the chroma filter of libwebp: BT.601
// in studio range, which Go takes for full range.

func webpPixel(p []uint8, y, u, v int32) {
	p = p[:3]
	luma := y * 19077 >> 8
	p[0] = clip8((luma + v*26149>>8 - 14234) >> 6)
	p[1] = clip8((luma - u*6419>>8 - v*13320>>8 + 8708) >> 6)
	p[2] = clip8((luma + u*33050>>8 - 17685) >> 6)
}

func clip8(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}

// packWebP widens chroma as libwebp's default does, and lays the picture over
// white where alpha (one byte a pixel, may be nil) asks for it.
func packWebP(m *image.YCbCr, alpha []uint8, alphaStride int) func(y int, out []uint8) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	u, v := make([]uint8, w), make([]uint8, w)
	return func(y int, out []uint8) {
		near := y / 2
		far := min(max(near-1+2*(y&1), 0), ch-1)
		widenWebP(u, m.Cb[near*m.CStride:][:cw], m.Cb[far*m.CStride:][:cw])
		widenWebP(v, m.Cr[near*m.CStride:][:cw], m.Cr[far*m.CStride:][:cw])
		for x, l := range m.Y[y*m.YStride:][:w] {
			p := out[3*x : 3*x+3]
			webpPixel(p, int32(l), int32(u[x]), int32(v[x]))
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
