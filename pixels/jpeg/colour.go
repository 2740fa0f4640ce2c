package jpeg

// Colours, in libjpeg's fixed point: 16 bits of fraction, chroma about 128.
const (
	redOfCr   = 91881 // 1.402
	greenOfCb = 22554 // 0.344136
	greenOfCr = 46802 // 0.714136
	blueOfCb  = 116130
	oneHalf   = 1 << 15
)

// colours says how the components become RGB, by libjpeg's rules: a JFIF segment
// means YCbCr, then an Adobe segment's transform counts, then the components'
// names. Four components are inks stored inverted, as Adobe began and Pillow
// assumes.
func (p *Picture) colours() func(out []uint8, in *[4][]uint8) {
	switch {
	case len(p.components) == 1:
		return fromGray
	case len(p.components) == 4 && p.adobe <= 0:
		return fromInks
	case len(p.components) == 4:
		return fromLumaAndInk
	case !p.jfif && (p.adobe == 0 || p.adobe < 0 && p.named("RGB")):
		return fromRGB
	}
	return fromLuma
}

func (p *Picture) named(ids string) bool {
	for i, c := range p.components {
		if c.id != ids[i] {
			return false
		}
	}
	return true
}

func fromGray(out []uint8, in *[4][]uint8) {
	luma := in[0][:len(out)/3]
	for x, v := range luma {
		p := out[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = v, v, v
	}
}

func fromRGB(out []uint8, in *[4][]uint8) {
	n := len(out) / 3
	red, green, blue := in[0][:n], in[1][:n], in[2][:n]
	for x := range n {
		p := out[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = red[x], green[x], blue[x]
	}
}

// pixelsAtOnce is what the assembly converts in one step; rows are padded for it.
const pixelsAtOnce = 32

func fromLuma(out []uint8, in *[4][]uint8) {
	n, whole := len(out)/3, 0
	if hasAVX2 {
		if whole = n &^ (pixelsAtOnce - 1); whole > 0 {
			coloursAVX2(&out[0], &in[0][0], &in[1][0], &in[2][0], whole)
		}
		if whole < n {
			var rest [3 * pixelsAtOnce]uint8
			coloursAVX2(&rest[0], &in[0][whole], &in[1][whole], &in[2][whole], pixelsAtOnce)
			copy(out[3*whole:], rest[:])
		}
		return
	}
	fromLumaGeneric(out, in)
}

func fromLumaGeneric(out []uint8, in *[4][]uint8) {
	n := len(out) / 3
	luma, blue, red := in[0][:n], in[1][:n], in[2][:n]
	for x := range n {
		y, cb, cr := int32(luma[x]), int32(blue[x])-128, int32(red[x])-128
		p := out[3*x : 3*x+3 : 3*x+3]
		p[0] = clip(y + (redOfCr*cr+oneHalf)>>16)
		p[1] = clip(y + (-greenOfCb*cb-greenOfCr*cr+oneHalf)>>16)
		p[2] = clip(y + (blueOfCb*cb+oneHalf)>>16)
	}
}

func fromInks(out []uint8, in *[4][]uint8) {
	n := len(out) / 3
	cyan, magenta, yellow, black := in[0][:n], in[1][:n], in[2][:n], in[3][:n]
	for x := range n {
		p := out[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = 255-cyan[x], 255-magenta[x], 255-yellow[x]
		inked(p, black[x])
	}
}

// fromLumaAndInk undoes YCCK: its first three are the inks' complement as YCbCr,
// which libjpeg complements and Pillow once more.
func fromLumaAndInk(out []uint8, in *[4][]uint8) {
	fromLuma(out, in)
	for x, v := range in[3][:len(out)/3] {
		inked(out[3*x:3*x+3:3*x+3], v)
	}
}

// inked turns three inks and the light that the inverted black lets through to
// RGB: Pillow's plain conversion, without an ink profile.
func inked(p []uint8, light uint8) {
	for i, ink := range p[:3] {
		v := uint32(ink)*uint32(light) + 128
		p[i] = light - uint8((v+v>>8)>>8)
	}
}

func clip(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}
