package torch

import (
	"bufio"
	"encoding/binary"
	"io"
)

// maxPickle bounds a pickle. ALBEF's with its optimizer takes less than 1 MB.
const maxPickle = 64 << 20

// input is the bytes of a pickle, counted.
type input struct {
	from *bufio.Reader
	read int64 // so far
	size int64 // in all
}

func newInput(r io.ReaderAt, offset, size int64) *input {
	size = min(size, maxPickle)
	return &input{from: bufio.NewReader(io.NewSectionReader(r, offset, size)), size: size}
}

func (in *input) byte() (byte, error) {
	b, err := in.from.ReadByte()
	if err != nil {
		return 0, in.ended(err)
	}
	in.read++
	return b, nil
}

// take returns the next n bytes, growing with what is really there.
func (in *input) take(n uint64) ([]byte, error) {
	if n > uint64(in.size-in.read) {
		return nil, corrupt("pickle: %d bytes wanted at byte %d of %d", n, in.read, in.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(in.from, b); err != nil {
		return nil, in.ended(err)
	}
	in.read += int64(n)
	return b, nil
}

// number reads a little-endian number of width bytes, at most 8.
func (in *input) number(width int) (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(in.from, b[:width]); err != nil {
		return 0, in.ended(err)
	}
	in.read += int64(width)
	return binary.LittleEndian.Uint64(b[:]), nil
}

// counted reads a length of width bytes and then as many bytes.
func (in *input) counted(width int) ([]byte, error) {
	n, err := in.number(width)
	if err != nil {
		return nil, err
	}
	return in.take(n)
}

// line reads up to a line break.
func (in *input) line() (string, error) {
	var line []byte
	for len(line) <= maxGlobal {
		b, err := in.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		line = append(line, b)
	}
	return "", corrupt("pickle: a name over %d bytes", maxGlobal)
}

// maxGlobal bounds the name of a module or of a thing in it.
const maxGlobal = 256

func (in *input) ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return corrupt("pickle: ends within byte %d of %d", in.read, in.size)
	}
	return err
}
