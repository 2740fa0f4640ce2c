package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lines reads lines of bounded length; a longer one is reported and passed over.
type lines struct {
	in    *bufio.Reader
	limit int
	at    int // number of the last line, from 1
}

func newLines(r io.Reader, limit int) *lines {
	in := bufio.NewReaderSize(r, 64<<10)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = in.Discard(3)
	}
	return &lines{in: in, limit: limit}
}

// next returns the next line without its end. oversized is true, and the line
// empty, when it is longer than the limit. The error is io.EOF after the last.
func (l *lines) next() (line []byte, oversized bool, err error) {
	l.at++
	for {
		part, err := l.in.ReadSlice('\n')
		if !oversized {
			line = append(line, part...)
			if len(line) > l.limit+2 {
				line, oversized = nil, true
			}
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(line) > 0 || oversized):
		case err != nil:
			return nil, false, err
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		return bytes.TrimSuffix(line, []byte("\r")), oversized, nil
	}
}
