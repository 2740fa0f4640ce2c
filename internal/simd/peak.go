package simd

import "time"

// Peak measures this core's float32 fused multiply-add rate at the active level
// in GFLOPS (two operations each): the mean of a loop without memory access over
// about budget, because clocks that last a millisecond are no measure of work that
// takes longer. Other work on the core lowers it.
func Peak(budget time.Duration) float64 {
	began, operations := time.Now(), peakRound()
	for time.Since(began) < budget {
		operations += peakRound()
	}
	return float64(operations) / float64(time.Since(began).Nanoseconds())
}

// peakRound takes about a millisecond.
func peakRound() (operations int) {
	if active.level == Generic {
		return peakGeneric(1 << 17)
	}
	const rounds = 1 << 16
	if active.level >= AVX512 {
		peakAVX512(rounds)
		return rounds * 24 * 32
	}
	peakAVX2(rounds)
	return rounds * 24 * 16
}

// peakGeneric does eight independent chains of multiply-adds.
func peakGeneric(rounds int) (operations int) {
	var s [8]float32
	for i := range rounds {
		x := float32(i & 1)
		for j := range s {
			s[j] = s[j]*0.5 + x
		}
	}
	if s[0]+s[1]+s[2]+s[3]+s[4]+s[5]+s[6]+s[7] < 0 {
		return 0
	}
	return rounds * 16
}
