package jpeg

// edge is how many bytes a row of samples has before its first, and behind its
// last block: room for the repeated edge and for whole vectors.
const edge = 64

// band is what of the picture is between the inverse transform and the colours:
// one row of MCUs of every component, and the few sample rows before it that the
// chroma filters still need.
type band struct {
	*Picture
	planes []plane
	full   [4][]uint8 // widened rows
	busy   []bool     // for blocks of which nothing is known
	done   int        // rows of the picture that were emitted
	colour func(out []uint8, in *[4][]uint8)
}

// plane is one component's part of a band.
type plane struct {
	*component
	samples []uint8
	stride  int
	base    int // the component's row that samples begin with
	before  int // rows kept of the band before
	widen   widening
}

func newBand(p *Picture) *band {
	b := &band{Picture: p, planes: make([]plane, len(p.components))}
	blocks := 0
	for i := range b.planes {
		c := &p.components[i]
		t := &b.planes[i]
		// One row group, and one row of context above it.
		*t = plane{component: c, before: c.v + 1, stride: edge + 8*c.wide + edge}
		t.base = -t.before
		t.samples = make([]uint8, (t.before+8*c.v)*t.stride)
		t.widen = p.widening(c)
		b.full[i] = make([]uint8, p.Width+4*edge)
		blocks = max(blocks, c.wide)
	}
	b.busy = make([]bool, blocks+1)
	b.colour = p.colours()
	return b
}

// row is the component's sample row y, clamped to those it has, from its first
// sample to where the padding ends.
func (t *plane) row(y int) []uint8 {
	y = min(max(y, 0), t.height-1) - t.base
	return t.samples[y*t.stride+edge : (y+1)*t.stride]
}

// transform turns a row of blocks into samples: blocks rows of 8 from the band's
// top and from block x on. flat has one more element than there are blocks.
func (t *plane) transform(row, x int, coefficients []int16, flat []bool) {
	at := (t.before+8*row)*t.stride + edge + 8*x
	inverse(t.samples[at:], t.stride, coefficients, blocks{t.quant, flat})
}

// emit converts the rows that MCU row y completes; a row group waits for the
// context below it.
func (b *band) emit(y int, row func(y int) []uint8) {
	end := min((y+1)*8*b.vMax, b.Height)
	for i := range b.planes {
		if t := &b.planes[i]; t.widen.needsEdges {
			t.repeatEdges(y)
		}
	}
	if y+1 < b.mcus.high {
		end = (y+1)*8*b.vMax - b.vMax
	}
	in := &[4][]uint8{}
	for ; b.done < end; b.done++ {
		for i := range b.planes {
			in[i] = b.planes[i].widened(b.full[i], b.done)
		}
		b.colour(row(b.done)[:3*b.Width], in)
	}
	for i := range b.planes {
		t := &b.planes[i]
		copy(t.samples, t.samples[8*t.v*t.stride:])
		t.base += 8 * t.v
	}
}

// repeatEdges sets the samples beside the first and the last of the rows of MCU
// row y, with which the filters need no special case there.
func (t *plane) repeatEdges(y int) {
	for v := y * 8 * t.v; v < min((y+1)*8*t.v, t.height); v++ {
		r := t.samples[(v-t.base)*t.stride+edge-1:]
		r[0], r[t.width+1] = r[1], r[t.width]
	}
}
