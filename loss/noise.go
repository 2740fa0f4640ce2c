package loss

import "math"

// Gumbel fills values with independent numbers of the standard Gumbel
// distribution, on the host. They depend on seed, step and place only, so a
// resumed run and every engine draw the same negatives.
func Gumbel(seed, step uint64, values []float32) {
	stream := mix(mix(seed) + step)
	for i := range values {
		// 52 bits, the middle of their interval: exact, never 0, never 1.
		u := (float64(mix(stream+uint64(i))>>12) + 0.5) / (1 << 52)
		values[i] = float32(-math.Log(-math.Log(u)))
	}
}

// mix is splitmix64's step: every bit of the result depends on every bit of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
