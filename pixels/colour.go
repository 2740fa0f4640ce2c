package pixels

import (
	"math"
)

// ColourConfig is how the colours of training pictures are varied: torchvision's
// ColorJitter on a share of them, then its RandomGrayscale, as SimCLR has it (Chen
// et al. 2020, appendix A). It makes a network see one thing in drawings, seasons
// and cameras of different colours. The zero value leaves colours alone.
type ColourConfig struct {
	// Share is the probability that a picture is jittered.
	Share float64 `json:"share"`
	// Brightness, Contrast and Saturation are the most that a factor departs from 1.
	Brightness float64 `json:"brightness"`
	Contrast   float64 `json:"contrast"`
	Saturation float64 `json:"saturation"`
	// Hue is the most that hues turn, of a whole circle: at most 0.5. Hues stay
	// where the caption names a colour.
	Hue float64 `json:"hue"`
	// Grey is the probability of losing all colour, where the caption names none.
	Grey float64 `json:"grey"`
}

func (c ColourConfig) bounded() []bounded {
	return []bounded{
		{"colour.share", c.Share, 1}, {"colour.brightness", c.Brightness, 1}, {"colour.contrast", c.Contrast, 1},
		{"colour.saturation", c.Saturation, 1}, {"colour.hue", c.Hue, 0.5}, {"colour.grey", c.Grey, 1},
	}
}

// vary draws what is done to m and does it, in an order drawn as well.
func (c ColourConfig) vary(m Image, draw *counter, caption string) {
	if c == (ColourConfig{}) {
		return
	}
	named := MentionsColour(caption)
	if draw.unit() < c.Share {
		order := [len(colourOperations)]int{0, 1, 2, 3}
		for i := len(order) - 1; i > 0; i-- {
			j := draw.below(i + 1)
			order[i], order[j] = order[j], order[i]
		}
		var by [len(colourOperations)]float64
		for i, most := range [...]float64{c.Brightness, c.Contrast, c.Saturation} {
			by[i] = draw.between(1-most, 1+most)
		}
		by[hueOperation] = draw.between(-c.Hue, c.Hue)
		for _, op := range order {
			if op != hueOperation || c.Hue > 0 && !named {
				colourOperations[op](m, by[op])
			}
		}
	}
	if draw.unit() < c.Grey && !named {
		saturation(m, 0)
	}
}

// colourOperations are ColorJitter's four, in torchvision's order. Each changes m in
// place and follows Pillow bit for bit.
var colourOperations = [...]func(m Image, by float64){brightness, contrast, saturation, turnHue}

const hueOperation = 3

// luma is Pillow's conversion to grey: ITU-R 601 in 16.16 fixed point.
func luma(p []uint8) uint8 {
	return uint8((int(p[0])*19595 + int(p[1])*38470 + int(p[2])*7471 + 0x8000) >> 16)
}

// contrast blends from the mean of the picture's grey.
func contrast(m Image, factor float64) {
	sum := 0
	for i := 0; i+3 <= len(m.RGB); i += 3 {
		sum += int(luma(m.RGB[i : i+3]))
	}
	mean := uint8(float64(sum)/float64(m.Width*m.Height) + 0.5)
	var t tables
	for v := range t[0] {
		t[0][v] = blend(mean, uint8(v), float32(factor))
	}
	t[1], t[2] = t[0], t[0]
	t.apply(m)
}

// saturation blends from the picture's grey; factor 0 is the grey.
func saturation(m Image, factor float64) {
	for i := 0; i+3 <= len(m.RGB); i += 3 {
		p := m.RGB[i : i+3 : i+3]
		grey := luma(p)
		for c := range p {
			p[c] = blend(grey, p[c], float32(factor))
		}
	}
}

// turnHue moves every hue by a part of the circle, -0.5 to 0.5, through Pillow's
// 8-bit HSV, which by itself changes colours by up to 6 levels.
func turnHue(m Image, part float64) {
	by := uint8(int(part * 255))
	for i := 0; i+3 <= len(m.RGB); i += 3 {
		p := m.RGB[i : i+3 : i+3]
		h, s, v := toHSV(p[0], p[1], p[2])
		p[0], p[1], p[2] = fromHSV(h+by, s, v)
	}
}

// toHSV rounds as Pillow does: quotients in float32, the hue's sixths in float64.
func toHSV(r, g, b uint8) (h, s, v uint8) {
	v = max(r, g, b)
	least := min(r, g, b)
	if least == v {
		return 0, 0, v
	}
	span := float32(v - least)
	fromR, fromG, fromB := float32(v-r)/span, float32(v-g)/span, float32(v-b)/span
	var hue float32
	switch v {
	case r:
		hue = fromB - fromG
	case g:
		hue = float32(2 + float64(fromR) - float64(fromB))
	default:
		hue = float32(4 + float64(fromG) - float64(fromR))
	}
	hue = float32(math.Mod(float64(hue)/6+1, 1))
	return uint8(float64(hue) * 255), uint8(float64(span/float32(v)) * 255), v
}

func fromHSV(h, s, v uint8) (r, g, b uint8) {
	if s == 0 {
		return v, v, v
	}
	sector := math.Floor(float64(float32(h)) * 6 / 255)
	f := float64(float32(float64(h)*6/255 - sector))
	fs := float64(float32(float64(s) / 255))
	level := func(share float64) uint8 { return uint8(math.Round(float64(v) * share)) }
	p, q, t := level(1-fs), level(1-float64(fs*f)), level(1-float64(fs*(1-f)))
	switch int(sector) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}
