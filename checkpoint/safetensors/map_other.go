//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package safetensors

import (
	"errors"
	"os"
)

func mapFile(*os.File, int64) (mapped []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
