package pixels

// row is the horizontal pass for one row of packed RGB. Almost all of a large
// picture's resize is spent here: about four multiplications per input byte.
func (a *axis) row(dst, src []uint8) {
	for i, start := range a.start {
		r, g, b := int32(half), int32(half), int32(half)
		weights := a.weights(i)
		in := src[3*start:][:3*len(weights)]
		for _, k := range weights {
			if len(in) < 3 {
				break
			}
			r += k * int32(in[0])
			g += k * int32(in[1])
			b += k * int32(in[2])
			in = in[3:]
		}
		out := dst[3*i:][:3]
		out[0], out[1], out[2] = clip(r), clip(g), clip(b)
	}
}
