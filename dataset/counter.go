package dataset

import "math/bits"

// counter is a generator of random numbers without state beyond its position:
// the i-th number is a pure function of (key, i), so a run that resumes anywhere
// draws what it would have drawn. The mixing is SplitMix64 (Steele, Lea, Flood,
// OOPSLA 2014).
type counter struct{ key, at uint64 }

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, SplitMix64's step

// newCounter keys a counter by words, each mixed in turn.
func newCounter(words ...uint64) *counter {
	key := uint64(0)
	for _, w := range words {
		key = mix(key + golden + w)
	}
	return &counter{key: key}
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *counter) next() uint64 {
	c.at++
	return mix(c.key + c.at*golden)
}

// below draws from 0 to n-1. The bias of the multiplication is under n/2^64.
func (c *counter) below(n int) int {
	high, _ := bits.Mul64(c.next(), uint64(n))
	return int(high)
}

// shuffle is Fisher and Yates' permutation.
func shuffle[T any](c *counter, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := c.below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
