package pixels

import "math/bits"

// counter is a generator without history: draw n is a function of the key and n
// alone (SplitMix64, Steele et al. 2014), so that any picture of any step can be
// augmented again, anywhere, to the same bits.
type counter struct{ key, n uint64 }

// newCounter keys the draws of one picture of one step of one run.
func newCounter(seed, step, item uint64) counter {
	return counter{key: mix(mix(mix(seed)+step) + item)}
}

const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio, odd

func mix(z uint64) uint64 {
	z += golden
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (c *counter) next() uint64 {
	c.n++
	return mix(c.key + c.n*golden)
}

// unit is uniform in [0, 1).
func (c *counter) unit() float64 {
	return float64(c.next()>>11) / (1 << 53)
}

// between is uniform in [low, high).
func (c *counter) between(low, high float64) float64 {
	return low + float64(c.unit()*(high-low))
}

// below is uniform in 0..n-1, n > 0; the bias is under n/2^64.
func (c *counter) below(n int) int {
	high, _ := bits.Mul64(c.next(), uint64(n))
	return int(high)
}

// normal is standard normal to a few percent: the sum of twelve uniform numbers,
// which is the same on every machine.
func (c *counter) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += c.unit()
	}
	return sum
}
