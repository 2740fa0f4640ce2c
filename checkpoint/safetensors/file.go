package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// File is an open safetensors file whose header has been checked. It may be read
// from several goroutines; Close must come after all of them.
type File struct {
	tensors  []Tensor
	byName   map[string]int
	metadata map[string]string
	close    func() error
}

// Open maps the file at path, or opens it for reading in pieces where mapping is
// not available, and checks its header.
//
// The error wraps loopitr.ErrNotFound when there is no such file,
// loopitr.ErrInvalid when path is a directory or another thing that is no plain
// file, and loopitr.ErrCorrupt when the header or the length is wrong.
func Open(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return f, nil
}

func open(path string) (*File, error) {
	// Looked at before opening: opening a named pipe would wait for its writer.
	stat, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("no such file: %w", loopitr.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("not a plain file: %w", loopitr.ErrInvalid)
	}
	file, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	stat, err = file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	if mapped, unmap, err := mapFile(file, stat.Size()); err == nil {
		_ = file.Close() // The mapping stays without it.
		return finish(source{mapped: mapped}, stat.Size(), unmap)
	}
	return finish(source{reader: file}, stat.Size(), file.Close)
}

// Read checks the header of size bytes that r holds. Tensors are read from r
// when they are asked for. The error wraps loopitr.ErrCorrupt, or is r's.
func Read(r io.ReaderAt, size int64) (*File, error) {
	return finish(source{reader: r}, size, func() error { return nil })
}

func finish(src source, size int64, closer func() error) (*File, error) {
	f, err := parse(src, size)
	if err != nil {
		_ = closer()
		return nil, err
	}
	f.close = closer
	return f, nil
}

func parse(src source, size int64) (*File, error) {
	if size < 8 {
		return nil, corrupt("%d bytes hold no header", size)
	}
	var prefix [8]byte
	if err := src.read(prefix[:], 0); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, corrupt("header of %d bytes is over the limit of %d", length, maxHeader)
	}
	if int64(length) > size-8 {
		return nil, corrupt("header of %d bytes in a file of %d", length, size)
	}
	header := make([]byte, length)
	if err := src.read(header, 8); err != nil {
		return nil, err
	}
	body := 8 + int64(length)
	entries, metadata, err := parseHeader(header, size-body)
	if err != nil {
		return nil, err
	}
	f := &File{byName: make(map[string]int, len(entries)), metadata: metadata}
	for i, e := range entries {
		f.byName[e.name] = i
		f.tensors = append(f.tensors, Tensor{
			Name: e.name, DType: e.dtype, Shape: e.shape,
			offset: body + e.begin, size: e.end - e.begin, source: src,
		})
	}
	return f, nil
}

// Tensors returns the tensors in the order of their bytes.
func (f *File) Tensors() []Tensor { return append([]Tensor(nil), f.tensors...) }

// Tensor returns the tensor of that name; ok is false when there is none.
func (f *File) Tensor(name string) (t Tensor, ok bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Metadata returns the header's free strings, an empty map when there are none.
func (f *File) Metadata() map[string]string {
	m := maps.Clone(f.metadata)
	if m == nil {
		m = map[string]string{}
	}
	return m
}

// Close releases the file. Tensors and their byte views must not be used after it.
func (f *File) Close() error {
	closer := f.close
	f.close = func() error { return nil }
	return closer()
}
