package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/internal/durable"
)

// stamp remembers the digest of a weights file together with the size and time
// by which an unchanged file is known. Hashing costs a read of the whole file at
// about 1 GB/s; a copied model has another time and pays it at every start.
type stamp struct {
	SHA256   string    `json:"sha256"`
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
}

func makeStamp(path string) (stamp, error) {
	// Read in pieces, not mapped: a mapped file that is read through counts as
	// memory of this process.
	opened, err := durable.Open(path)
	if err != nil {
		return stamp{}, err
	}
	defer opened.Close() // only read
	stat, err := opened.Stat()
	if err != nil {
		return stamp{}, err
	}
	f, err := safetensors.Read(opened, stat.Size())
	if err != nil {
		return stamp{}, err
	}
	sum, err := digest(f)
	return stamp{SHA256: sum, Bytes: stat.Size(), Modified: stat.ModTime().UTC()}, err
}

// Fingerprint identifies everything that decides an encoding: the weights (names,
// element types, shapes and bytes, in the order of names), vocab.txt, and the
// preprocessing, any value whose JSON tells it. Thirty-two hexadecimal digits.
//
// The weights' digest was stored when the model was saved and is trusted while
// the file has the size and the modification time it had then; otherwise the file
// is hashed, and an error wrapping loopitr.ErrCorrupt says when it is another one.
func (m *Model) Fingerprint(preprocessing any) (string, error) {
	sum, err := m.weightsDigest()
	if err != nil {
		return "", fmt.Errorf("fingerprint model %q: %w", m.dir, err)
	}
	canonical, err := canonicalJSON(preprocessing)
	if err != nil {
		return "", fmt.Errorf("fingerprint model %q: preprocessing: %w", m.dir, err)
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte("loopitr fingerprint 1"), []byte(sum), m.vocabulary, canonical} {
		writePart(h, part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func (m *Model) weightsDigest() (string, error) {
	known := m.envelope.Weights
	if known != nil && known.Bytes == m.stat.Size() && known.Modified.Equal(m.stat.ModTime()) {
		return known.SHA256, nil
	}
	sum, err := digest(m.weights)
	if err != nil {
		return "", err
	}
	if known != nil && known.SHA256 != sum {
		return "", fmt.Errorf("%s is not the file that %s was saved with: %w", weightsFile, configFile, loopitr.ErrCorrupt)
	}
	return sum, nil
}

// hashed is one tensor as a digest covers it.
type hashed struct {
	name  string
	dtype safetensors.DType
	dims  []int
	write func(w io.Writer) error // the elements, little-endian
}

// digestOf covers names, element types, shapes and elements, in the order of names.
func digestOf(tensors []hashed) (string, error) {
	slices.SortFunc(tensors, func(a, b hashed) int { return cmp.Compare(a.name, b.name) })
	h := sha256.New()
	for _, t := range tensors {
		writePart(h, []byte(t.name))
		writePart(h, fmt.Appendf(nil, "%s %v", t.dtype, t.dims))
		if err := t.write(h); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digest covers a file's tensors: their order and the metadata do not count.
func digest(f *safetensors.File) (string, error) {
	var tensors []hashed
	for _, t := range f.Tensors() {
		tensors = append(tensors, hashed{t.Name, t.DType, t.Shape, func(w io.Writer) error { return copyBytes(w, t) }})
	}
	return digestOf(tensors)
}

// digestValues equals digest of the file that holds the tensors as F32.
func digestValues(tensors []Tensor) (string, error) {
	var all []hashed
	for _, t := range tensors {
		dims := t.Dims
		if dims == nil {
			dims = []int{}
		}
		source := safetensors.FromFloat32(t.Name, safetensors.F32, dims, t.Values)
		all = append(all, hashed{t.Name, safetensors.F32, dims, source.Write})
	}
	return digestOf(all)
}

// copyBytes goes through a buffer because a mapped file may be cut short by
// another process, which only copying turns into an error.
func copyBytes(w io.Writer, t safetensors.Tensor) error {
	size := t.Len() * t.DType.Size()
	buffer := make([]byte, min(size, 1<<20))
	for at := 0; at < size; at += len(buffer) {
		buffer = buffer[:min(len(buffer), size-at)]
		if err := t.BytesAt(buffer, at); err != nil {
			return err
		}
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return nil
}

// writePart puts the length in front, so that no two lists of parts hash alike.
func writePart(w io.Writer, part []byte) {
	_, _ = w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part)))) // A hash never fails.
	_, _ = w.Write(part)
}

// canonicalJSON orders object keys by name, so that the order of a struct's
// fields does not count.
func canonicalJSON(value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", err, loopitr.ErrInvalid)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var plain any
	if err := dec.Decode(&plain); err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}
