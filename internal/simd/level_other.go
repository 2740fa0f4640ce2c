//go:build !amd64

package simd

const pairsAtHand, bytesAtHand = false, false

func detect() Level { return Generic }
