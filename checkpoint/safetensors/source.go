package safetensors

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/loopitr/loopitr"
)

// source is where a file's bytes are: mapped or behind a reader.
type source struct {
	mapped []byte
	reader io.ReaderAt
}

// view returns n bytes from offset: of the mapping itself, or read afresh. The
// caller has checked the range against the file's size.
func (s source) view(offset, n int64) ([]byte, error) {
	if s.mapped != nil {
		return s.mapped[offset : offset+n : offset+n], nil
	}
	b := make([]byte, n)
	return b, s.read(b, offset)
}

// read copies len(dst) bytes from offset.
func (s source) read(dst []byte, offset int64) error {
	if s.mapped != nil {
		return guard(func() { copy(dst, s.mapped[offset:]) })
	}
	n, err := s.reader.ReadAt(dst, offset)
	if n == len(dst) {
		return nil
	}
	if errors.Is(err, io.EOF) || err == nil {
		return corrupt("file ends at byte %d", offset+int64(n))
	}
	return fmt.Errorf("read at byte %d: %w", offset+int64(n), err)
}

// guard runs a read of mapped memory. A file that another process cut short, or
// a disk that fails, makes the processor fault on access; that becomes an error
// instead of the end of the program.
func guard(read func()) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			if !faulted(r) {
				panic(r)
			}
			err = fmt.Errorf("file became shorter or unreadable while mapped (%v): %w", r, loopitr.ErrCorrupt)
		}
	}()
	read()
	return nil
}

// faulted tells a fault on memory from other panics. Not every system says where it
// was: qemu's user mode says nowhere, which Go takes for a nil pointer.
func faulted(r any) bool {
	if _, ok := r.(interface{ Addr() uintptr }); ok {
		return true
	}
	failed, ok := r.(runtime.Error)
	return ok && strings.Contains(failed.Error(), "invalid memory address")
}
