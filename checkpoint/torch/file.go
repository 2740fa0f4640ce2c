package torch

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/loopitr/loopitr"
)

// File is an open file whose pickle has been read. It may be read from several
// goroutines; Close must come after all of them.
type File struct {
	tensors []Tensor
	byName  map[string]int
	texts   map[string]string
	close   func() error
}

// Open reads the pickle of the file at path. Tensors are read from the file when
// they are asked for, and the file is not mapped: what has been read does not stay
// in memory.
//
// The error wraps loopitr.ErrNotFound when there is no such file,
// loopitr.ErrInvalid when path is no plain file or no file of PyTorch's, and
// loopitr.ErrCorrupt when it is damaged or its pickle asks for more than tensors.
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
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("no such file: %w", loopitr.ErrNotFound)
	case err != nil:
		return nil, err
	case !stat.Mode().IsRegular():
		return nil, fmt.Errorf("not a plain file: %w", loopitr.ErrInvalid)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := Read(file, stat.Size())
	if err != nil {
		_ = file.Close() // only read
		return nil, err
	}
	f.close = file.Close
	return f, nil
}

// zipMagic begins a zip file, pickleMark a pickle of protocol 2 and above.
var (
	zipMagic   = []byte("PK\x03\x04")
	pickleMark = []byte{opProto}
)

// Is reports whether the first nine bytes of a file are those of either form. A
// safetensors file, whose first byte may be a pickle's, has a "{" ninth, behind the
// upper half of its header's length.
func Is(head []byte) bool {
	if len(head) > 8 && head[8] == '{' && bytes.Equal(head[4:8], make([]byte, 4)) {
		return false
	}
	return bytes.HasPrefix(head, zipMagic) || bytes.HasPrefix(head, pickleMark)
}

// Read is Open for size bytes that r holds.
func Read(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, min(size, int64(len(zipMagic))))
	if err := readFull(r, head, 0); err != nil {
		return nil, err
	}
	var root any
	var err error
	switch {
	case bytes.HasPrefix(head, zipMagic):
		root, err = readArchive(r, size)
	case bytes.HasPrefix(head, pickleMark):
		root, err = readLegacy(r, size)
	default:
		return nil, fmt.Errorf("neither a zip file nor a pickle: %w", loopitr.ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	f := &File{byName: map[string]int{}, texts: map[string]string{}, close: func() error { return nil }}
	f.collectTexts(root)
	if err := f.collect("", root, map[*dict]bool{}, 0); err != nil {
		return nil, err
	}
	if len(f.tensors) == 0 {
		return nil, corrupt("no named tensors in it")
	}
	return f, nil
}

// collectTexts keeps the texts that the outermost dictionary holds.
func (f *File) collectTexts(root any) {
	d, ok := root.(*dict)
	if !ok {
		return
	}
	for i, key := range d.keys {
		name, isName := key.(string)
		text, isText := d.values[i].(string)
		if isName && isText {
			f.texts[name] = text
		}
	}
}

// deepest bounds dictionaries within each other. ALBEF's optimizer state, which is
// passed over later, has four levels.
const deepest = 16

// collect names the tensors of nested dictionaries by their keys, joined with
// dots. A dictionary that is in several places counts once.
func (f *File) collect(prefix string, value any, seen map[*dict]bool, depth int) error {
	switch v := value.(type) {
	case *Tensor:
		if prefix == "" {
			return nil // a tensor alone has no name
		}
		if _, twice := f.byName[prefix]; twice {
			return corrupt("two tensors are named %.80q", prefix)
		}
		if len(f.tensors) == maxTensors {
			return corrupt("more than %d tensors", maxTensors)
		}
		f.byName[prefix] = len(f.tensors)
		t := *v
		t.Name = prefix
		f.tensors = append(f.tensors, t)
	case *dict:
		if seen[v] || depth == deepest {
			return nil
		}
		seen[v] = true
		for i, key := range v.keys {
			name, ok := keyName(key)
			if !ok {
				continue
			}
			if prefix != "" {
				name = prefix + "." + name
			}
			if len(name) > maxName {
				return corrupt("a name of %d bytes", len(name))
			}
			if err := f.collect(name, v.values[i], seen, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bounds on a tensor's name and on how many there are: with them nested keys cannot
// multiply. BLIP-large with its optimizer has about 5000 tensors.
const (
	maxName    = 1024
	maxTensors = 1 << 17
)

func keyName(key any) (string, bool) {
	switch k := key.(type) {
	case string:
		return k, true
	case int64:
		return fmt.Sprint(k), true
	}
	return "", false
}

// Tensors returns the tensors in the order of the file's dictionaries.
func (f *File) Tensors() []Tensor { return append([]Tensor(nil), f.tensors...) }

// Tensor returns the tensor of that name; ok is false when there is none.
func (f *File) Tensor(name string) (t Tensor, ok bool) {
	i, ok := f.byName[name]
	if !ok {
		return Tensor{}, false
	}
	return f.tensors[i], true
}

// Text returns the text that the file's outermost dictionary holds under a key, or
// "" when it holds none.
func (f *File) Text(key string) string { return f.texts[key] }

// Close releases the file. Tensors must not be read after it.
func (f *File) Close() error {
	closer := f.close
	f.close = func() error { return nil }
	return closer()
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, loopitr.ErrCorrupt)...)
}

// readFull fills dst from offset; an early end is corrupt.
func readFull(r io.ReaderAt, dst []byte, offset int64) error {
	n, err := r.ReadAt(dst, offset)
	switch {
	case n == len(dst):
		return nil
	case err == nil || err == io.EOF:
		return corrupt("file ends at byte %d", offset+int64(n))
	}
	return fmt.Errorf("read at byte %d: %w", offset, err)
}
