package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/loopitr/loopitr"
)

// source is where the bytes of pictures lie. It may be read concurrently.
type source interface {
	// picture returns the bytes at p. More than limit bytes wrap
	// loopitr.ErrInvalid; the bytes are the caller's.
	picture(p place, limit int64) ([]byte, error)
	// close releases what the source holds open. No picture is read after it.
	close() error
}

// place is one picture within a source.
type place struct {
	source source
	finder finder // finds the picture while source is nil
	name   string // the file, or the shard that holds it
	offset int64  // tar: first byte; zip: entry; parquet: row
	size   int64  // tar: length
}

// files are pictures that are files of their own; place.name is the path.
type files struct{}

func (files) close() error { return nil }

func (files) picture(p place, limit int64) ([]byte, error) {
	f, size, err := openRegular(p.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, p.name, size, limit)
}

// openRegular opens a regular file. It looks before it opens, because opening a
// pipe waits for a writer.
func openRegular(path string) (*os.File, int64, error) {
	facts, err := os.Stat(path)
	if err != nil {
		return nil, 0, kind(err)
	}
	if !facts.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("open %s: %s: %w", path, modeWord(facts.Mode()), loopitr.ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, kind(err)
	}
	return f, facts.Size(), nil
}

// kind adds the root's kind of error to the operating system's.
func kind(err error) error {
	switch {
	case isMissing(err):
		return fmt.Errorf("%w: %w", err, loopitr.ErrNotFound)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%w: %w", err, loopitr.ErrInvalid)
	default:
		return err
	}
}

// isMissing reports that no file of a name is or can be there: a folder of its
// path is a file, or the name is longer than the file system's.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// reasonOf is the Reason behind an error of openRegular.
func reasonOf(err error) Reason {
	switch {
	case isMissing(err):
		return MissingFile
	case errors.Is(err, syscall.ELOOP):
		return SymlinkLoop
	case errors.Is(err, fs.ErrPermission):
		return Unreadable
	case errors.Is(err, loopitr.ErrInvalid):
		return NotAFile
	default:
		return Unreadable
	}
}

func modeWord(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "is a folder"
	case m&fs.ModeNamedPipe != 0:
		return "is a pipe"
	case m&fs.ModeSocket != 0:
		return "is a socket"
	default:
		return "is no regular file"
	}
}

// underContext ends a read with the context's error once that ended, however few
// of the rows can be used.
type underContext struct {
	ctx context.Context
	in  io.Reader
}

func (r underContext) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

// readAtMost reads all of r, whose stated size is checked first and not believed.
func readAtMost(r io.Reader, name string, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("read %s: %d bytes, more than the limit of %d: %w", name, size, limit, loopitr.ErrInvalid)
	}
	buf := make([]byte, 0, min(max(size, 0), 1<<20)+512)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, fmt.Errorf("read %s: more than the limit of %d bytes: %w", name, limit, loopitr.ErrInvalid)
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", name, err)
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}
