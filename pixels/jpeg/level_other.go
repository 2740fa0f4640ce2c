//go:build !amd64

package jpeg

var hasAVX2 = false
