//go:build !amd64

package simd

const pairsAtHand = false

func detect() Level { return Generic }
