package pixels

// strength is RandAugment's level with the random sign that the geometric
// operations take.
type strength struct {
	level    float64 // 0 to 10
	negative bool
}

func (s strength) signed(v float64) float64 {
	if s.negative {
		return -v
	}
	return v
}

// ALBEF's mapping of the level (ALBEF's code): at 7, factor 1.36, shear 0.21,
// 7 pixels, 21 degrees.
func (s strength) factor() float64  { return float64(s.level/10*1.8) + 0.1 }
func (s strength) shear() float64   { return s.signed(s.level / 10 * 0.3) }
func (s strength) shift() float64   { return s.signed(s.level / 10 * 10) }
func (s strength) degrees() float64 { return s.signed(s.level / 10 * 30) }

// scratch is the second picture that some operations read from.
type scratch struct{ rgb []uint8 }

// copyOf returns a picture with m's pixels in scratch memory.
func (s *scratch) copyOf(m Image) Image {
	s.rgb = resized(s.rgb, len(m.RGB))
	copy(s.rgb, m.RGB)
	return Image{Width: m.Width, Height: m.Height, RGB: s.rgb}
}

// grey is what RandAugment's geometric operations leave where no pixel comes from.
const grey = 128

// operations are RandAugment's ten, in ALBEF's order. Each changes m in place and
// follows Pillow bit for bit.
var operations = [...]func(m Image, s *scratch, by strength){
	func(Image, *scratch, strength) {}, // identity
	func(m Image, _ *scratch, _ strength) { autoContrast(m) },
	func(m Image, _ *scratch, _ strength) { equalize(m) },
	func(m Image, _ *scratch, by strength) { brightness(m, by.factor()) },
	func(m Image, s *scratch, by strength) { sharpness(m, s, by.factor()) },
	func(m Image, s *scratch, by strength) { affineNearest(m, s, [6]float64{1, by.shear(), 0, 0, 1, 0}) },
	func(m Image, s *scratch, by strength) { affineNearest(m, s, [6]float64{1, 0, 0, by.shear(), 1, 0}) },
	func(m Image, s *scratch, by strength) { affineNearest(m, s, [6]float64{1, 0, by.shift(), 0, 1, 0}) },
	func(m Image, s *scratch, by strength) { affineNearest(m, s, [6]float64{1, 0, 0, 0, 1, by.shift()}) },
	func(m Image, s *scratch, by strength) { affineNearest(m, s, rotation(m, by.degrees())) },
}

// tables is one look-up table per channel.
type tables [3][256]uint8

func (t *tables) apply(m Image) {
	for i := 0; i+3 <= len(m.RGB); i += 3 {
		p := m.RGB[i : i+3 : i+3]
		p[0], p[1], p[2] = t[0][p[0]], t[1][p[1]], t[2][p[2]]
	}
}

func histogram(m Image) *[3][256]int {
	var h [3][256]int
	for i := 0; i+3 <= len(m.RGB); i += 3 {
		p := m.RGB[i : i+3 : i+3]
		h[0][p[0]]++
		h[1][p[1]]++
		h[2][p[2]]++
	}
	return &h
}

// autoContrast stretches each channel to 0..255.
func autoContrast(m Image) {
	var t tables
	for c, h := range histogram(m) {
		low, high := 0, 255
		for low < 255 && h[low] == 0 {
			low++
		}
		for high > 0 && h[high] == 0 {
			high--
		}
		if high <= low {
			low, high = 0, 255
		}
		scale := 255 / float64(high-low)
		offset := float64(float64(-low) * scale)
		for v := range t[c] {
			t[c][v] = uint8(min(max(int(float64(float64(v)*scale)+offset), 0), 255))
		}
	}
	t.apply(m)
}

// equalize spreads each channel's histogram evenly.
func equalize(m Image) {
	var t tables
	for c, h := range histogram(m) {
		total, last := 0, 0
		for _, n := range h {
			if n > 0 {
				total, last = total+n, n
			}
		}
		step := (total - last) / 255
		n := step / 2
		for v := range t[c] {
			if step == 0 { // also a channel of one value
				t[c][v] = uint8(v)
				continue
			}
			t[c][v] = uint8(min(n/step, 255))
			n += h[v]
		}
	}
	t.apply(m)
}

// brightness multiplies by factor: a blend from black.
func brightness(m Image, factor float64) {
	var t tables
	for v := range t[0] {
		t[0][v] = blend(0, uint8(v), float32(factor))
	}
	t[1], t[2] = t[0], t[0]
	t.apply(m)
}

// blend moves from a towards b, and beyond it for factors above one; truncated
// and clipped.
func blend(a, b uint8, factor float32) uint8 {
	v := float32(a) + float32(factor*float32(int(b)-int(a)))
	switch {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	}
	return uint8(v)
}

// sharpness blends from the picture smoothed by the kernel 1 1 1, 1 5 1, 1 1 1
// over 13, which leaves the border as it is.
func sharpness(m Image, s *scratch, factor float64) {
	src := s.copyOf(m)
	stride := 3 * m.Width
	for y := 1; y < m.Height-1; y++ {
		above, here, below := src.RGB[(y-1)*stride:][:stride], src.RGB[y*stride:][:stride], src.RGB[(y+1)*stride:][:stride]
		out := m.RGB[y*stride:][:stride]
		for i := 3; i < stride-3; i++ {
			sum := int(above[i-3]) + int(above[i]) + int(above[i+3]) +
				int(here[i-3]) + 5*int(here[i]) + int(here[i+3]) +
				int(below[i-3]) + int(below[i]) + int(below[i+3])
			// Thirteenths never fall on a half, so integers round as Pillow's floats.
			out[i] = blend(uint8((2*sum+13)/26), here[i], float32(factor))
		}
	}
}
