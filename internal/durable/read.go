package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/loopitr/loopitr"
)

// ReadFile reads a plain file of at most limit bytes, whatever its name, size or
// growth pretends: nothing is opened that would wait, and nothing read beyond limit.
//
// The error names path. It wraps loopitr.ErrNotFound for a file that is not there,
// loopitr.ErrInvalid for one that is no plain file or too large, or the operating
// system's.
func ReadFile(path string, limit int64) ([]byte, error) {
	content, err := readFile(path, limit)
	if err == nil {
		return content, nil
	}
	if p, ok := err.(*fs.PathError); ok { // the path is named below
		err = p.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w (%w)", err, loopitr.ErrNotFound)
	}
	return nil, fmt.Errorf("read %q: %w", path, err)
}

func readFile(path string, limit int64) ([]byte, error) {
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !stat.Mode().IsRegular():
		return nil, fmt.Errorf("not a plain file: %w", loopitr.ErrInvalid)
	case stat.Size() > limit:
		return nil, fmt.Errorf("%d bytes, more than the limit of %d: %w", stat.Size(), limit, loopitr.ErrInvalid)
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit { // it grew, or has no size, as in /proc
		err = fmt.Errorf("more than the limit of %d bytes: %w", limit, loopitr.ErrInvalid)
	}
	return content, err
}
