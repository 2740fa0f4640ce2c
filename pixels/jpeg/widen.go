package jpeg

// How a component with fewer samples than pixels is widened, as libjpeg's default
// ("fancy") does: triangle filters for halves, repetition for the rest.

// widening is one component's way.
type widening struct {
	across, down int // pixels a sample
	needsEdges   bool
	filter       func(out []uint8, t *plane, y int)
}

func (p *Picture) widening(c *component) widening {
	w := widening{across: p.hMax / c.h, down: p.vMax / c.v}
	switch {
	case w.across == 2 && w.down == 2 && c.width > 2:
		w.filter, w.needsEdges = widenBoth, true
	case w.across == 2 && w.down == 1 && c.width > 2:
		w.filter, w.needsEdges = widenAcross, true
	case w.across == 1 && w.down == 2:
		w.filter = widenDown
	case w.across > 1 || w.down > 1:
		w.filter = repeat
	}
	return w
}

// widened is the component's share of the picture's row y: a sample per pixel.
func (t *plane) widened(out []uint8, y int) []uint8 {
	if t.widen.filter == nil {
		return t.row(y)
	}
	t.widen.filter(out, t, y)
	return out
}

func repeat(out []uint8, t *plane, y int) {
	in, n := t.row(y / t.widen.down)[:t.width], t.widen.across
	for x, v := range in {
		for i := range n {
			out[n*x+i] = v
		}
	}
}

// neighbours are the sample rows for row y of twice as many: the one it lies in
// and the one on its other side.
func (t *plane) neighbours(y int) (near, far []uint8) {
	return t.row(y / 2), t.row(y/2 - 1 + 2*(y&1))
}

// widenDown takes 3/4 of the nearer and 1/4 of the farther sample, the half
// rounded down above and up below.
func widenDown(out []uint8, t *plane, y int) {
	near, far := t.neighbours(y)
	blend(out, near[:t.width], far, 1+y&1)
}

func blend(out, near, far []uint8, bias int) {
	far, out = far[:len(near)], out[:len(near)]
	for x, v := range near {
		out[x] = uint8((3*int(v) + int(far[x]) + bias) >> 2)
	}
}

// widenAcross is the same to both sides.
func widenAcross(out []uint8, t *plane, y int) {
	i := (min(y, t.height-1)-t.base)*t.stride + edge
	doubleRow(out, t.samples[i-1:i+t.width+1])
}

// doubleRow doubles a row that comes with its two edges repeated.
func doubleRow(out, in []uint8) {
	if n := len(in) - 2; hasAVX2 && n > 0 {
		doubleRowAVX2(&out[0], &in[1], n)
		return
	}
	doubleRowGeneric(out, in)
}

func doubleRowGeneric(out, in []uint8) {
	for x := range len(in) - 2 {
		v := 3 * int(in[x+1])
		out[2*x] = uint8((v + int(in[x]) + 1) >> 2)
		out[2*x+1] = uint8((v + int(in[x+2]) + 2) >> 2)
	}
}

// widenBoth weighs the four samples around a pixel 9, 3, 3, 1 sixteenths.
func widenBoth(out []uint8, t *plane, y int) {
	at := func(y int) []uint8 {
		i := (min(max(y, 0), t.height-1)-t.base)*t.stride + edge
		return t.samples[i-1 : i+t.width+1]
	}
	doubleRows(out, at(y/2), at(y/2-1+2*(y&1)))
}

// doubleRows doubles a row with the help of its neighbour; both come with their
// edges repeated.
func doubleRows(out, near, far []uint8) {
	if n := len(near) - 2; hasAVX2 && n > 0 {
		doubleRowsAVX2(&out[0], &near[1], &far[1], n)
		return
	}
	doubleRowsGeneric(out, near, far)
}

func doubleRowsGeneric(out, near, far []uint8) {
	far = far[:len(near)]
	sum := func(x int) int { return 3*int(near[x]) + int(far[x]) }
	before, own := sum(0), sum(1)
	for x := range len(near) - 2 {
		next := sum(x + 2)
		out[2*x] = uint8((3*own + before + 8) >> 4)
		out[2*x+1] = uint8((3*own + next + 7) >> 4)
		before, own = own, next
	}
}
