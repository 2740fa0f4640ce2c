package torch

import (
	"archive/zip"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// storage is a block of elements in the file that tensors are views of.
type storage struct {
	dtype  safetensors.DType
	count  int64 // elements
	from   io.ReaderAt
	offset int64 // in the file
}

func (s *storage) bytes() int64 { return s.count * int64(s.dtype.Size()) }

// storageSet knows the storages that a pickle has named so far.
type storageSet map[string]*storage

// named reads a persistent id: "storage", class, key, device, count and, in the
// legacy form, a view, which PyTorch has not written since 0.4.
func (all storageSet) named(id tuple) (key string, s *storage, known bool, err error) {
	if len(id) != 5 && len(id) != 6 {
		return "", nil, false, corrupt("persistent id of %d parts", len(id))
	}
	kind, _ := id[0].(string)
	class, isClass := id[1].(global)
	key, isKey := id[2].(string)
	count, isCount := id[4].(int64)
	dtype := storages[class.name]
	if kind != "storage" || !isClass || class.module != "torch" || dtype == "" || !isKey || !isCount || count < 0 {
		return "", nil, false, corrupt("persistent id that is no storage")
	}
	if len(id) == 6 && id[5] != nil {
		return "", nil, false, corrupt("storage %.40q is a view of another, as only PyTorch before 0.4 wrote: save it again", key)
	}
	if count > math.MaxInt64/8 {
		return "", nil, false, corrupt("storage %.40q of %d elements", key, count)
	}
	s, known = all[key]
	if !known {
		s = &storage{dtype: dtype, count: count}
		all[key] = s
	} else if s.dtype != dtype || s.count != count {
		return "", nil, false, corrupt("storage %.40q has two types or sizes", key)
	}
	return key, s, known, nil
}

// maxDirectory bounds what is read to list a zip file's entries.
const maxDirectory = 16 << 20

// archive is the zip form: data.pkl and a stored, uncompressed entry a storage.
type archive struct {
	from    io.ReaderAt
	prefix  string
	entries map[string]*zip.File
}

func readArchive(r io.ReaderAt, size int64) (any, error) {
	directory := &limitedReaderAt{from: r, left: maxDirectory}
	z, err := zip.NewReader(directory, size)
	if err != nil {
		if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errLimit) {
			return nil, corrupt("zip file: %v", err)
		}
		return nil, err
	}
	directory.left = math.MaxInt64
	a := archive{from: r, entries: map[string]*zip.File{}}
	for _, f := range z.File {
		if _, twice := a.entries[f.Name]; twice {
			return nil, corrupt("zip file: two entries %.80q", f.Name)
		}
		a.entries[f.Name] = f
		if prefix, ok := strings.CutSuffix(f.Name, "/data.pkl"); ok && !strings.Contains(prefix, "/") {
			a.prefix = prefix + "/"
		}
	}
	if a.prefix == "" {
		return nil, corrupt("zip file: no data.pkl: not written by torch.save")
	}
	if err := a.checkOrder(); err != nil {
		return nil, err
	}
	offset, length, err := a.locate("data.pkl")
	if err != nil {
		return nil, err
	}
	set := storageSet{}
	return unpickle(newInput(r, offset, length), func(id tuple) (*storage, error) { return a.storage(set, id) })
}

// checkOrder refuses files of big-endian machines.
func (a archive) checkOrder() error {
	if a.entries[a.prefix+"byteorder"] == nil {
		return nil // PyTorch before 2.1 did not say
	}
	offset, length, err := a.locate("byteorder")
	if err != nil {
		return err
	}
	order := make([]byte, min(length, 16))
	if err := readFull(a.from, order, offset); err != nil {
		return err
	}
	if string(order) != "little" {
		return corrupt("byte order %q", order)
	}
	return nil
}

// locate is where the bytes of an entry are.
func (a archive) locate(name string) (offset, length int64, err error) {
	f := a.entries[a.prefix+name]
	if f == nil {
		return 0, 0, corrupt("zip file: no entry %.80q", name)
	}
	if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 || f.UncompressedSize64 > math.MaxInt64 {
		return 0, 0, corrupt("zip file: entry %.80q is compressed, which torch.save never does", name)
	}
	if offset, err = f.DataOffset(); err != nil {
		return 0, 0, corrupt("zip file: entry %.80q: %v", name, err)
	}
	return offset, int64(f.UncompressedSize64), nil
}

func (a archive) storage(set storageSet, id tuple) (*storage, error) {
	key, s, known, err := set.named(id)
	if err != nil || known {
		return s, err
	}
	offset, length, err := a.locate("data/" + key)
	if err != nil {
		return nil, err
	}
	if length < s.bytes() {
		return nil, corrupt("storage %.40q has %d bytes, its %d elements take %d", key, length, s.count, s.bytes())
	}
	s.from, s.offset = a.from, offset
	return s, checkEnd(s)
}

// checkEnd reads the last byte of a storage, so that a file cut short is known
// before its tensors are wanted.
func checkEnd(s *storage) error {
	if s.count == 0 {
		return nil
	}
	if s.offset > math.MaxInt64-s.bytes() {
		return corrupt("a storage at byte %d", s.offset)
	}
	return readFull(s.from, make([]byte, 1), s.offset+s.bytes()-1)
}

var errLimit = errors.New("directory is too large")

// limitedReaderAt fails after left bytes.
type limitedReaderAt struct {
	from io.ReaderAt
	left int64
}

func (l *limitedReaderAt) ReadAt(b []byte, offset int64) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, errLimit
	}
	return l.from.ReadAt(b, offset)
}
