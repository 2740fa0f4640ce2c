package pixels

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
)

// coefficientBits is the fixed-point precision of Pillow's resampling: 32 bits
// less 8 for the pixel and 2 for what bicubic overshoots.
const coefficientBits = 32 - 8 - 2

const half = 1 << (coefficientBits - 1)

// bicubicSupport is the reach of the bicubic kernel at scale one, in pixels.
const bicubicSupport = 2.0

// Resize makes the picture width x height pixels with Pillow's bicubic filter
// (a = -0.5, support widened when shrinking), bit-exact with
// Image.resize((width, height), BICUBIC) of the Pillow versions the field trained
// with: the horizontal pass first. (Pillow 13 takes some shapes the other way
// round, which moves samples by a few levels.) Each side of the result may be 1 to
// 16,384 pixels; otherwise, or when src is not valid, the error wraps
// loopitr.ErrInvalid. src is not changed.
func Resize(src Image, width, height int) (Image, error) {
	if err := src.Validate(); err != nil {
		return Image{}, fmt.Errorf("resize: %w", err)
	}
	if width < 1 || height < 1 || width > maxSize || height > maxSize {
		return Image{}, fmt.Errorf("resize to %dx%d: want sides of 1 to %d: %w", width, height, maxSize, loopitr.ErrInvalid)
	}
	out := newImage(width, height)
	var r resampler
	r.resize(out.RGB, resizeJob{
		src: src, region: rect{0, 0, src.Width, src.Height},
		width: width, height: height, window: rect{0, 0, width, height},
	})
	return out, nil
}

type rect struct{ x, y, width, height int }

// resizeJob says: cut region out of src, resize it to width x height, keep window.
type resizeJob struct {
	src           Image
	region        rect
	width, height int
	window        rect
}

// row is row y of the region.
func (j *resizeJob) row(y int) []uint8 {
	return j.src.RGB[3*((j.region.y+y)*j.src.Width+j.region.x):][:3*j.region.width]
}

// resampler holds the tables and the picture between the two passes, so that one
// goroutine's next picture reuses them. The zero value is ready.
type resampler struct {
	across, down axis
	pairs        []lanes // two input rows
	between      []uint8 // rows of the horizontal pass
}

// resize writes window.height rows of window.width pixels to dst. The two passes
// follow Pillow: horizontal first, rounded to 8 bits, then vertical. A pass that
// keeps the length is the identity and is skipped.
func (r *resampler) resize(dst []uint8, j resizeJob) {
	keepWidth := j.width == j.region.width
	keepHeight := j.height == j.region.height
	r.across.build(j.region.width, j.width, j.window.x, j.window.width)
	r.down.build(j.region.height, j.height, j.window.y, j.window.height)

	// Only rows that the vertical pass will read are made.
	first, last := r.down.reach()
	if keepHeight {
		first, last = j.window.y, j.window.y+j.window.height
	}
	stride := 3 * j.window.width
	between := dst
	if !keepHeight {
		if n := (last - first) * stride; cap(r.between) < n {
			r.between = make([]uint8, n)
		}
		between = r.between[:(last-first)*stride]
	}
	out := func(y int) []uint8 { return between[(y-first)*stride:][:stride] }
	for y := first; y < last; y += 2 {
		if keepWidth {
			copy(out(y), j.row(y)[3*j.window.x:])
			if y+1 < last {
				copy(out(y+1), j.row(y + 1)[3*j.window.x:])
			}
			continue
		}
		next := min(y+1, last-1)
		r.rows([2][]uint8{out(y), out(next)}, [2][]uint8{j.row(y), j.row(next)})
	}
	if !keepHeight {
		r.vertical(dst, between, first, stride)
	}
}

// block is how many samples of a row the vertical pass sums in registers.
const block = 8

// vertical makes each output row as a weighted sum of whole rows, block samples at
// a time; the last block overlaps the one before.
func (r *resampler) vertical(dst, between []uint8, first, stride int) {
	for y := range r.down.start {
		weights := r.down.weights(y)
		in := between[(int(r.down.start[y])-first)*stride:]
		out := dst[y*stride:][:stride]
		if stride < block {
			for x := range out {
				sum := int32(half)
				for j, k := range weights {
					sum += k * int32(in[j*stride+x])
				}
				out[x] = clip(sum)
			}
			continue
		}
		for x := 0; x < stride; x += block {
			x = min(x, stride-block)
			sumBlock(out[x:], in[x:], weights, stride)
		}
	}
}

func sumBlock(out, in []uint8, weights []int32, stride int) {
	var a, b, c, d, e, f, g, h int32 = half, half, half, half, half, half, half, half
	at := 0
	for _, k := range weights {
		p := in[at : at+block : at+block]
		a += k * int32(p[0])
		b += k * int32(p[1])
		c += k * int32(p[2])
		d += k * int32(p[3])
		e += k * int32(p[4])
		f += k * int32(p[5])
		g += k * int32(p[6])
		h += k * int32(p[7])
		at += stride
	}
	o := out[:block]
	o[0], o[1], o[2], o[3] = clip(a), clip(b), clip(c), clip(d)
	o[4], o[5], o[6], o[7] = clip(e), clip(f), clip(g), clip(h)
}

func clip(sum int32) uint8 {
	v := sum >> coefficientBits
	if uint32(v) > 255 {
		return uint8(^(v >> 31)) // 0 below, 255 above
	}
	return uint8(v)
}

// axis is the weights of one pass: output i is the sum over weights(i) of the
// inputs from start[i] on.
type axis struct {
	start  []int32
	count  []int32
	weight []int32 // reachPer for each output
	stride int
	real   []float64
}

func (a *axis) weights(i int) []int32 {
	return a.weight[i*a.stride:][:a.count[i]]
}

// reach is the range of inputs that any output reads.
func (a *axis) reach() (first, last int) {
	first = int(a.start[0])
	for i, s := range a.start {
		first = min(first, int(s))
		last = max(last, int(s+a.count[i]))
	}
	return first, last
}

// build fills the weights for outputs from..from+n of a resize of in pixels to
// out. Conversions to float64 forbid fused multiply-add, whose rounding would
// differ between machines.
func (a *axis) build(in, out, from, n int) {
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := float64(bicubicSupport * stretch)
	inverse := 1 / stretch
	a.stride = int(math.Ceil(support))*2 + 1
	a.start, a.count = resized(a.start, n), resized(a.count, n)
	a.weight, a.real = resized(a.weight, n*a.stride), resized(a.real, a.stride)
	for i := range n {
		centre := float64((float64(from+i) + 0.5) * scale)
		low := max(int(centre-support+0.5), 0)
		high := min(int(centre+support+0.5), in)
		a.start[i], a.count[i] = int32(low), int32(high-low)
		total := 0.0
		real := a.real[:high-low]
		for k := range real {
			real[k] = bicubic(float64((float64(k+low) - centre + 0.5) * inverse))
			total += real[k]
		}
		a.quantise(i, total)
	}
}

// quantise rounds output i's weights, divided by their total, to fixed point:
// half away from zero.
func (a *axis) quantise(i int, total float64) {
	for k, w := range a.real[:a.count[i]] {
		if total != 0 {
			w /= total
		}
		fixed := float64(w * (1 << coefficientBits))
		if w < 0 {
			a.weight[i*a.stride+k] = int32(fixed - 0.5)
		} else {
			a.weight[i*a.stride+k] = int32(fixed + 0.5)
		}
	}
}

// bicubic is Keys' cubic convolution kernel with a = -0.5.
func bicubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64(float64((a+2)*x)-(a+3))*x)*x) + 1
	case x < 2:
		return float64((float64(float64(float64(float64(x-5)*x)+8)*x) - 4) * a)
	}
	return 0
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
