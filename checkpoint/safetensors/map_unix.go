//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package safetensors

import (
	"errors"
	"math"
	"os"
	"syscall"
)

func mapFile(f *os.File, size int64) (mapped []byte, unmap func() error, err error) {
	if size <= 0 || size > math.MaxInt {
		return nil, nil, errors.New("size cannot be mapped")
	}
	mapped, err = syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return mapped, func() error { return syscall.Munmap(mapped) }, nil
}
