package jpeg

import "encoding/binary"

// The inverse cosine transform of Loeffler, Ligtenberg and Moschytz (ICASSP 1989)
// as libjpeg's "islow" computes it: 13 bits of fraction, columns first, two bits
// kept between the passes. Sums of two inputs are taken modulo 2^16 and results
// between the passes saturate to 16 bits, as its vector forms do; only hostile
// coefficients show that.
const (
	fraction = 13
	kept     = 2
)

// blocks is what the blocks of a row have in common and what is known of each.
type blocks struct {
	quant *[64]int16
	flat  []bool // one more than there are blocks
}

// inverse transforms a row of blocks, samples of block i to out[8*i] and seven rows
// below. An odd last block may be given a partner, so that out and coefficients
// must have room for one block more.
func inverse(out []uint8, stride int, coefficients []int16, b blocks) {
	n := len(b.flat) - 1
	if !hasAVX2 {
		for i := range n {
			block := (*[64]int16)(coefficients[64*i:])
			if b.flat[i] {
				fill(out[8*i:], stride, mean(block[0]*b.quant[0]))
			} else {
				inverseBlock(out[8*i:], stride, block, b.quant)
			}
		}
		return
	}
	for i := 0; i < n; {
		if b.flat[i] && b.flat[i+1] {
			fill(out[8*i:], stride, mean(coefficients[64*i]*b.quant[0]))
			if i+1 < n {
				fill(out[8*i+8:], stride, mean(coefficients[64*i+64]*b.quant[0]))
			}
			i += 2
			continue
		}
		j := i + 2
		for j < n && !(b.flat[j] && b.flat[j+1]) {
			j += 2
		}
		_, _ = out[7*stride+8*j-1], coefficients[64*j-1]
		inverseAVX2(&out[8*i], &coefficients[64*i], &b.quant[0], stride, (j-i)/2)
		i = j
	}
}

// mean is the sample of a block without AC coefficients.
func mean(dc int16) uint8 {
	between := int32(saturate(int32(dc) << kept))
	return sample((between + 1<<(kept+2)) >> (kept + 3))
}

func fill(out []uint8, stride int, v uint8) {
	word := uint64(v) * 0x0101010101010101
	for y := range 8 {
		binary.LittleEndian.PutUint64(out[y*stride:], word)
	}
}

func inverseBlock(out []uint8, stride int, block, quant *[64]int16) {
	var columns, rows [64]int16
	for y := range 8 {
		for x := range 8 {
			columns[8*x+y] = block[8*y+x] * quant[8*y+x]
		}
	}
	inverseEights(&rows, &columns, fraction-kept)
	inverseEights(&columns, &rows, fraction+kept+3)
	for y := range 8 {
		row := out[y*stride:][:8]
		for x := range row {
			row[x] = sample(int32(columns[8*x+y]))
		}
	}
}

// inverseEights transforms each row of in to a column of out, divided by 2^shift
// and rounded.
func inverseEights(out, in *[64]int16, shift int) {
	half := int32(1) << (shift - 1)
	for i := range 8 {
		in, out := (*[8]int16)(in[8*i:]), (*[57]int16)(out[i:])
		in2, in6 := int32(in[2]), int32(in[6])
		sum, difference := int32(in[0]+in[4])<<fraction+half, int32(in[0]-in[4])<<fraction+half
		turned2, turned6 := in2*10703+in6*4433, in2*4433-in6*10704
		a0, a3 := sum+turned2, sum-turned2
		a1, a2 := difference+turned6, difference-turned6

		in1, in3, in5, in7 := int32(in[1]), int32(in[3]), int32(in[5]), int32(in[7])
		z3, z4 := int32(in[7]+in[3]), int32(in[5]+in[1])
		y3, y4 := z4*9633-z3*6436, z3*9633+z4*6437
		b0 := y3 - in7*4927 - in1*7373
		b1 := y4 - in5*4176 - in3*20995
		b2 := y3 - in5*20995 + in3*4177
		b3 := y4 - in7*7373 + in1*4926

		out[0], out[56] = saturate((a0+b3)>>shift), saturate((a0-b3)>>shift)
		out[8], out[48] = saturate((a1+b2)>>shift), saturate((a1-b2)>>shift)
		out[16], out[40] = saturate((a2+b1)>>shift), saturate((a2-b1)>>shift)
		out[24], out[32] = saturate((a3+b0)>>shift), saturate((a3-b0)>>shift)
	}
}

func saturate(v int32) int16 { return int16(min(max(v, -1<<15), 1<<15-1)) }

// sample centres a transformed value.
func sample(v int32) uint8 { return uint8(min(max(v+128, 0), 255)) }
