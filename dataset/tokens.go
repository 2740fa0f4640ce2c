package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// TokenFile is an open token file: a safetensors file with tokens [N, T, F] of
// F32, F16, BF16, or I8 with scale [F], and in its metadata ids, N names as a JSON
// list or one a line. It may be read concurrently.
type TokenFile struct {
	// IDs name the pictures, row by row. They must not be changed.
	IDs []string
	// Count is T, the tokens of a picture; Width is F, the features of a token.
	Count, Width int

	file   *safetensors.File
	tokens safetensors.Tensor
	scale  []float32 // nil unless the tokens are I8
	rows   map[string]int
}

// mostFeatures bounds one picture's tokens: 577 tokens of 4096 are 2.4 million.
const mostFeatures = 64 << 20

// OpenTokens maps a token file and checks its shapes. The error wraps
// loopitr.ErrNotFound, or loopitr.ErrCorrupt when the file is no token file.
func OpenTokens(path string) (*TokenFile, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open tokens: %w", err)
	}
	t, err := newTokenFile(file)
	if err != nil {
		_ = file.Close() // only reads were done
		return nil, fmt.Errorf("open tokens %q: %w", path, err)
	}
	return t, nil
}

// ReadTokens reads a token file of size bytes from r, as OpenTokens does from disk.
func ReadTokens(r io.ReaderAt, size int64) (*TokenFile, error) {
	file, err := safetensors.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	t, err := newTokenFile(file)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return t, nil
}

func newTokenFile(file *safetensors.File) (*TokenFile, error) {
	tokens, ok := file.Tensor("tokens")
	if !ok {
		return nil, fmt.Errorf(`no tensor "tokens": %w`, loopitr.ErrCorrupt)
	}
	if len(tokens.Shape) != 3 {
		return nil, fmt.Errorf("tokens have shape %v, [N, T, F] is expected: %w", tokens.Shape, loopitr.ErrCorrupt)
	}
	n, count, width := tokens.Shape[0], tokens.Shape[1], tokens.Shape[2]
	if count < 1 || width < 1 || count > mostFeatures/width {
		return nil, fmt.Errorf("tokens have shape %v, 1 to %d values a picture are expected: %w", tokens.Shape, mostFeatures, loopitr.ErrCorrupt)
	}
	t := &TokenFile{Count: count, Width: width, file: file, tokens: tokens}
	var err error
	if t.scale, err = scaleOf(file, tokens); err != nil {
		return nil, err
	}
	if t.IDs, err = idsOf(file); err != nil {
		return nil, err
	}
	if len(t.IDs) != n {
		return nil, fmt.Errorf("%d ids for %d pictures: %w", len(t.IDs), n, loopitr.ErrCorrupt)
	}
	t.rows = make(map[string]int, n)
	for i, id := range t.IDs {
		if _, known := t.rows[id]; known {
			return nil, fmt.Errorf("id %.120q is there twice: %w", id, loopitr.ErrCorrupt)
		}
		t.rows[id] = i
	}
	return t, nil
}

func scaleOf(file *safetensors.File, tokens safetensors.Tensor) ([]float32, error) {
	switch tokens.DType {
	case safetensors.F32, safetensors.F16, safetensors.BF16:
		return nil, nil
	case safetensors.I8:
	default:
		return nil, fmt.Errorf("tokens are %s: F32, F16, BF16 or I8 is expected: %w", tokens.DType, loopitr.ErrCorrupt)
	}
	scale, ok := file.Tensor("scale")
	width := tokens.Shape[2]
	if !ok || len(scale.Shape) != 1 || scale.Shape[0] != width || !scale.DType.Float() {
		return nil, fmt.Errorf("tokens are I8: a float tensor scale of shape [%d] is expected: %w", width, loopitr.ErrCorrupt)
	}
	values, err := scale.Float32()
	if err != nil {
		return nil, err
	}
	if i, finite := safetensors.Finite(values); !finite {
		return nil, fmt.Errorf("scale %d is not finite: %w", i, loopitr.ErrCorrupt)
	}
	return values, nil
}

func idsOf(file *safetensors.File) ([]string, error) {
	text, ok := file.Metadata()["ids"]
	if !ok {
		return nil, fmt.Errorf("no ids in the metadata: %w", loopitr.ErrCorrupt)
	}
	if strings.HasPrefix(text, "[") {
		var ids []string
		if err := json.Unmarshal([]byte(text), &ids); err == nil {
			return ids, nil
		}
	}
	if text == "" {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n"), nil
}

// Row returns the row of a picture: of its name, of an ending of it, or of
// either without extension. Where ids are only file names, folders do not count.
func (t *TokenFile) Row(id string) (row int, ok bool) {
	for _, name := range []string{id, strings.TrimSuffix(id, path.Ext(id))} {
		endings(name, func(end string) bool {
			row, ok = t.rows[end]
			return !ok
		})
		if ok {
			return row, true
		}
	}
	return 0, false
}

// Len returns N, the number of pictures.
func (t *TokenFile) Len() int { return len(t.IDs) }

// Read writes the tokens of one row into dst, which must hold Count*Width
// values, token after token. The error wraps loopitr.ErrInvalid when it does not
// or when there is no such row, and loopitr.ErrCorrupt when a value is not finite.
func (t *TokenFile) Read(row int, dst []float32) error {
	size := t.Count * t.Width
	if len(dst) != size || row < 0 || row >= len(t.IDs) {
		return fmt.Errorf("read tokens row %d of %d into %d values of %d: %w", row, len(t.IDs), len(dst), size, loopitr.ErrInvalid)
	}
	if err := t.tokens.Float32At(dst, row*size); err != nil {
		return fmt.Errorf("read tokens row %d: %w", row, err)
	}
	if t.scale != nil {
		for at := 0; at < size; at += t.Width {
			token := dst[at : at+t.Width]
			for i, scale := range t.scale {
				token[i] *= scale
			}
		}
	}
	if i, finite := safetensors.Finite(dst); !finite {
		return fmt.Errorf("read tokens row %d: value %d is not finite: %w", row, i, loopitr.ErrCorrupt)
	}
	return nil
}

// Close unmaps the file.
func (t *TokenFile) Close() error { return t.file.Close() }

// TokenWriter says what WriteTokens writes.
type TokenWriter struct {
	IDs          []string
	Count, Width int
	// DType is F32, F16, BF16, or I8. I8 needs Scale.
	DType safetensors.DType
	// Scale is the step of each feature for I8: round(x/scale), cut to ±127.
	Scale []float32
	// Metadata is kept beside ids, for example which network made the tokens.
	Metadata map[string]string
	// Row fills dst with the tokens of picture i. It is called once for each i in
	// order, so that the file may be larger than memory.
	Row func(i int, dst []float32) error
}

// Validate names the field that can never work; it wraps loopitr.ErrInvalid.
func (w TokenWriter) Validate() error {
	wrong := ""
	switch {
	case w.Count < 1 || w.Width < 1 || w.Count > mostFeatures/w.Width:
		wrong = fmt.Sprintf("%d tokens of %d features", w.Count, w.Width)
	case w.DType != safetensors.F32 && w.DType != safetensors.F16 && w.DType != safetensors.BF16 && w.DType != safetensors.I8:
		wrong = fmt.Sprintf("element type %s", w.DType)
	case w.DType == safetensors.I8 && len(w.Scale) != w.Width:
		wrong = fmt.Sprintf("%d scales for %d features", len(w.Scale), w.Width)
	case w.Row == nil:
		wrong = "no rows"
	}
	if i, finite := safetensors.Finite(w.Scale); !finite {
		wrong = fmt.Sprintf("scale %d is not finite", i)
	}
	seen := make(map[string]bool, len(w.IDs))
	for _, id := range w.IDs {
		if id == "" || seen[id] || !utf8.ValidString(id) {
			wrong = fmt.Sprintf("id %q is empty, there twice or no UTF-8", id)
		}
		seen[id] = true
	}
	if wrong != "" {
		return fmt.Errorf("token writer: %s: %w", wrong, loopitr.ErrInvalid)
	}
	return nil
}

// WriteTokens writes a token file that is either complete or not there. The
// error wraps loopitr.ErrInvalid when a value is not finite or does not fit.
func WriteTokens(path string, w TokenWriter) error {
	if err := w.Validate(); err != nil {
		return err
	}
	ids, err := json.Marshal(append([]string{}, w.IDs...)) // none are [], not null
	if err != nil {
		return fmt.Errorf("write tokens %q: %w", path, err)
	}
	metadata := map[string]string{}
	for key, value := range w.Metadata {
		metadata[key] = value
	}
	metadata["ids"] = string(ids)
	sources := []safetensors.Source{{Name: "tokens", DType: w.DType, Shape: []int{len(w.IDs), w.Count, w.Width}, Write: w.write}}
	if w.DType == safetensors.I8 {
		sources = append(sources, safetensors.FromFloat32("scale", safetensors.F32, []int{w.Width}, w.Scale))
	}
	safetensors.Sort(sources)
	if err := safetensors.WriteFile(path, metadata, sources); err != nil {
		return fmt.Errorf("write tokens: %w", err)
	}
	return nil
}

var errNotFinite = errors.New("not finite")

func (w TokenWriter) write(out io.Writer) error {
	values := make([]float32, w.Count*w.Width)
	for i := range w.IDs {
		if err := w.Row(i, values); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if at, finite := safetensors.Finite(values); !finite {
			return fmt.Errorf("row %d value %d: %w: %w", i, at, errNotFinite, loopitr.ErrInvalid)
		}
		var err error
		if w.DType == safetensors.I8 {
			_, err = out.Write(quantized(values, w.Scale))
		} else {
			err = safetensors.FromFloat32("tokens", w.DType, nil, values).Write(out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// quantized rounds to the nearest step, ties away from zero.
func quantized(values, scale []float32) []byte {
	steps := make([]byte, len(values))
	for i, v := range values {
		s := scale[i%len(scale)]
		if s == 0 {
			continue
		}
		q := v / s
		if q < 0 {
			q -= 0.5
		} else {
			q += 0.5
		}
		steps[i] = byte(int8(max(-127, min(127, q))))
	}
	return steps
}
