//go:build !amd64

package simd

const bytesAtHand = false

func detect() features { return features{best: Generic} }
