package pixels

import "math"

// AffineConfig is how training pictures are turned, slanted, moved and scaled:
// torchvision's RandomAffine on a share of them, bilinear. It makes a network see
// one thing in drawings of different proportions. The zero value does nothing.
type AffineConfig struct {
	// Share is the probability that a picture is transformed.
	Share float64 `json:"share"`
	// Degrees and Shear are the most that it turns and slants, each at most 45.
	Degrees float64 `json:"degrees"`
	Shear   float64 `json:"shear"`
	// Translate is the most that it moves, of its side, each way.
	Translate float64 `json:"translate"`
	// Scale is the most that its size departs from 1.
	Scale float64 `json:"scale"`
	// Fill is the grey, 0 to 255, of what comes from beyond the border.
	Fill int `json:"fill"`
}

// maxDegrees keeps angles where sinCos's series holds.
const maxDegrees = 45

func (c AffineConfig) bounded() []bounded {
	return []bounded{
		{"affine.share", c.Share, 1}, {"affine.degrees", c.Degrees, maxDegrees}, {"affine.shear", c.Shear, maxDegrees},
		{"affine.translate", c.Translate, 1}, {"affine.scale", c.Scale, 0.9}, {"affine.fill", float64(c.Fill), 255},
	}
}

// vary draws what is done to m and does it.
func (c AffineConfig) vary(m Image, s *scratch, draw *counter) {
	if c.Share == 0 || draw.unit() >= c.Share {
		return
	}
	move := pose{degrees: draw.between(-c.Degrees, c.Degrees)}
	move.right = math.RoundToEven(draw.between(-c.Translate, c.Translate) * float64(m.Width))
	move.down = math.RoundToEven(draw.between(-c.Translate, c.Translate) * float64(m.Height))
	move.scale = draw.between(1-c.Scale, 1+c.Scale)
	move.shear = draw.between(-c.Shear, c.Shear)
	affineBilinear(m, s, move.matrix(m), uint8(c.Fill))
}

// pose is where a transformed picture stands: turned clockwise about its middle,
// slanted along its rows, scaled, then moved by whole pixels.
type pose struct{ degrees, shear, scale, right, down float64 }

// matrix says where each pixel of the posed picture comes from: the inverse of
// translation * centre * rotation * shear * scale * centre back, as torchvision's.
func (p pose) matrix(m Image) [6]float64 {
	sin, cos := sinCos(p.degrees * math.Pi / 180)
	slantSin, slantCos := sinCos(p.shear * math.Pi / 180)
	tan := slantSin / slantCos
	x, y := float64(m.Width)*0.5, float64(m.Height)*0.5
	xx, xy := (float64(-sin*tan)+cos)/p.scale, (float64(cos*tan)+sin)/p.scale
	yx, yy := -sin/p.scale, cos/p.scale
	return [6]float64{
		xx, xy, float64(xx*(-x-p.right)) + float64(xy*(-y-p.down)) + x,
		yx, yy, float64(yx*(-x-p.right)) + float64(yy*(-y-p.down)) + y,
	}
}

// affineBilinear is affineNearest with four neighbours blended, in float64 as Pillow's.
// Beyond the border is fill; no pixel is blended with it.
func affineBilinear(m Image, s *scratch, matrix [6]float64, fill uint8) {
	src := s.copyOf(m)
	for y := range m.Height {
		out := m.RGB[3*y*m.Width:][:3*m.Width]
		for x := range m.Width {
			column, row := float64(x)+0.5, float64(y)+0.5
			fromX := float64(matrix[0]*column) + float64(matrix[1]*row) + matrix[2]
			fromY := float64(matrix[3]*column) + float64(matrix[4]*row) + matrix[5]
			to := out[3*x : 3*x+3]
			if !(fromX >= 0 && fromX < float64(m.Width) && fromY >= 0 && fromY < float64(m.Height)) {
				to[0], to[1], to[2] = fill, fill, fill
				continue
			}
			src.bilinear(to, fromX-0.5, fromY-0.5)
		}
	}
}

// bilinear blends the four pixels round (x, y), which is at most half a pixel
// outside m; border pixels stand for those outside.
func (m Image) bilinear(to []uint8, x, y float64) {
	left, top := math.Floor(x), math.Floor(y)
	dx, dy := x-left, y-top
	x0, x1 := max(int(left), 0), min(int(left)+1, m.Width-1)
	y0, y1 := max(int(top), 0), min(int(top)+1, m.Height-1)
	above, below := m.RGB[3*y0*m.Width:], m.RGB[3*y1*m.Width:]
	mix := func(a, b, d float64) float64 { return a + float64((b-a)*d) }
	for c := range to {
		v := mix(float64(above[3*x0+c]), float64(above[3*x1+c]), dx)
		v = mix(v, mix(float64(below[3*x0+c]), float64(below[3*x1+c]), dx), dy)
		to[c] = uint8(v)
	}
}

// affineNearest fetches pixel (x, y) from (m0 x + m1 y + m2, m3 x + m4 y + m5), nearest,
// in Pillow's 16.16 fixed point.
func affineNearest(m Image, s *scratch, matrix [6]float64) {
	src := s.copyOf(m)
	fixed := func(v float64) int { return int(math.Floor(float64(v*65536) + 0.5)) }
	rightX, downX := fixed(matrix[0]), fixed(matrix[1])
	rightY, downY := fixed(matrix[3]), fixed(matrix[4])
	startX := fixed(matrix[2] + float64(matrix[0]*0.5) + float64(matrix[1]*0.5))
	startY := fixed(matrix[5] + float64(matrix[3]*0.5) + float64(matrix[4]*0.5))
	for y := range m.Height {
		fromX, fromY := startX, startY
		out := m.RGB[3*y*m.Width:][:3*m.Width]
		for len(out) >= 3 {
			x, y := fromX>>16, fromY>>16
			if uint(x) < uint(m.Width) && uint(y) < uint(m.Height) {
				copy(out[:3], src.RGB[3*(y*m.Width+x):])
			} else {
				out[0], out[1], out[2] = grey, grey, grey
			}
			fromX, fromY = fromX+rightX, fromY+rightY
			out = out[3:]
		}
		startX, startY = startX+downX, startY+downY
	}
}

// rotation turns anticlockwise about the centre, as Pillow's rotate.
func rotation(m Image, degrees float64) [6]float64 {
	sin, cos := sinCos(float64(-degrees * math.Pi / 180))
	sin, cos = fifteenDigits(sin), fifteenDigits(cos)
	x, y := float64(m.Width)/2, float64(m.Height)/2
	return [6]float64{
		cos, sin, float64(cos*-x) + float64(sin*-y) + x,
		-sin, cos, float64(-sin*-x) + float64(cos*-y) + y,
	}
}

// fifteenDigits rounds to fifteen decimals: it hides the last bit, in which
// machines and series differ.
func fifteenDigits(v float64) float64 { return math.RoundToEven(v*1e15) / 1e15 }
