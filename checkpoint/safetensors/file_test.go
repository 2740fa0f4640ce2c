package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// wantReference is what scripts/golden/checkpoint.py put into reference.safetensors.
var wantReference = map[string][]float32{
	"int64":   {-(1 << 40), 0, 7},
	"float64": {1.5, -0.1},
	"float32": {0, 0.25, 0.5, 0.75, 1, 1.25},
	"int32":   {-70000, 70000},
	"float16": {0.099975586, -65504}, "bfloat16": {0.100097656, -3.0040553e38},
	"int16": {-300, 300}, "int8": {-128, 127, 1}, "uint8": {0, 255}, "bool": {1, 0, 1},
	"scalar": {2.5}, "empty": {}, "na\"me/ü<": {9},
}

func TestReferenceFileIsRead(t *testing.T) {
	const path = "testdata/reference.safetensors"
	mapped, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inPieces, err := safetensors.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*safetensors.File{"mapped": mapped, "in pieces": inPieces} {
		t.Run(name, func(t *testing.T) { checkReference(t, f) })
	}
}

func checkReference(t *testing.T, f *safetensors.File) {
	t.Helper()
	got := map[string][]float32{}
	for _, tensor := range f.Tensors() {
		values, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		got[tensor.Name] = values
	}
	if diff := cmp.Diff(wantReference, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	want := map[string]string{"made by": "Python, \"ü\" <b>\n"}
	if diff := cmp.Diff(want, f.Metadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	tensor, ok := f.Tensor("float32")
	if !ok || tensor.DType != safetensors.F32 || !cmp.Equal(tensor.Shape, []int{2, 3}) || tensor.Len() != 6 {
		t.Errorf("float32: got %v %s %v", ok, tensor.DType, tensor.Shape)
	}
	if _, ok := f.Tensor("absent"); ok {
		t.Error("an absent tensor was found")
	}
	part := make([]float32, 2)
	if err := tensor.Float32At(part, 3); err != nil || !cmp.Equal(part, []float32{0.75, 1}) {
		t.Errorf("elements 3 and 4: got %v, %v", part, err)
	}
	whole, err := tensor.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 8)
	if err := tensor.BytesAt(piece, 12); err != nil || !bytes.Equal(piece, whole[12:20]) {
		t.Errorf("bytes 12 to 20: got %v, %v", piece, err)
	}
	for _, first := range []int{-1, 5, 7, math.MaxInt} {
		if err := tensor.Float32At(part, first); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("two elements from %d: got %v, want ErrInvalid", first, err)
		}
	}
	for _, first := range []int{-1, 17, 25, math.MaxInt} {
		if err := tensor.BytesAt(piece, first); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("eight bytes from %d: got %v, want ErrInvalid", first, err)
		}
	}
}

// file puts a length prefix before header and body bytes behind it.
func file(header string, body int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, body)...)
}

type lie struct {
	name string
	file []byte
	says string
}

// lies are files that are wrong in one way each.
func lies() []lie {
	huge := binary.LittleEndian.AppendUint64(nil, 1<<63)
	return []lie{
		{"empty file", nil, "no header"},
		{"short prefix", []byte{1, 2, 3}, "no header"},
		{"header over the limit", append(huge, make([]byte, 100)...), "over the limit"},
		{"header longer than the file", append(binary.LittleEndian.AppendUint64(nil, 99), '{', '}'), "header of 99 bytes"},
		{"header of nothing", file("", 0), "does not start"},
		{"not JSON", file("{]", 0), "header"},
		{"array", file("[]", 0), "does not start"},
		{"two objects", file("{}{}", 0), "behind the JSON"},
		{"cut JSON", file(`{"a":{"dtype":"F32"`, 0), "header"},
		{"not UTF-8", file("{\"a\xff\":1}", 0), "UTF-8"},
		{"tensor is null", file(`{"a":null}`, 0), "no JSON object"},
		{"missing shape", file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1), "not all there"},
		{"unknown key", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1), "unknown or duplicate key"},
		{"duplicate key", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), "unknown or duplicate key"},
		{"duplicate name", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "duplicate name"},
		{"unknown dtype", file(`{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}`, 1), `unknown dtype "F8"`},
		{"negative dimension", file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), "no size"},
		{"fraction", file(`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, 1), "no size"},
		{"text for number", file(`{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, 1), "no size"},
		{"shape overflow", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "overflows"},
		{"number overflow", file(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,0]}}`, 0), "no size"},
		{"rank", file(`{"a":{"dtype":"U8","shape":[`+strings.Repeat("1,", 64)+`1],"data_offsets":[0,1]}}`, 1), "too large"},
		{"one offset", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}`, 1), "instead of two"},
		{"three offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, 1), "more than two"},
		{"offsets backwards", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1), "takes 1 bytes"},
		{"shape larger than offsets", file(`{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4]}}`, 4), "takes 4000000 bytes"},
		{"truncated body", file(`{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`, 7), "truncated"},
		{"overlap", file(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6), `"b" overlaps "a"`},
		{"hole", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}}`, 6), "hole of 2"},
		{"bytes behind", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 3), "behind the last"},
		{"metadata of numbers", file(`{"__metadata__":{"a":1}}`, 0), "no string"},
		{"metadata twice", file(`{"__metadata__":{"a":"1","a":"1"}}`, 0), "duplicate key"},
		{"deep nesting", file(`{"a":`+strings.Repeat("[", 20000)+"}", 0), "no JSON object"},
	}
}

func TestLyingFilesAreRefused(t *testing.T) {
	for _, tt := range lies() {
		t.Run(tt.name, func(t *testing.T) {
			_, err := safetensors.Read(bytes.NewReader(tt.file), int64(len(tt.file)))
			if !errors.Is(err, loopitr.ErrCorrupt) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want ErrCorrupt saying %q", err, tt.says)
			}
		})
	}
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	if _, err := safetensors.Open(filepath.Join(folder, "absent")); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("absent file: got %v, want ErrNotFound", err)
	}
	if _, err := safetensors.Open(folder); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("folder: got %v, want ErrInvalid", err)
	}
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := safetensors.Open(empty); !errors.Is(err, loopitr.ErrCorrupt) || !strings.Contains(err.Error(), strconv.Quote(empty)) {
		t.Errorf("empty file: got %v, want ErrCorrupt naming it", err)
	}
}

func TestFileCutWhileOpenIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	values := make([]float32, 1<<16)
	err := safetensors.WriteFile(path, nil, []safetensors.Source{
		safetensors.FromFloat32("a", safetensors.F32, []int{len(values)}, values),
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	tensor, _ := f.Tensor("a")
	if _, err := tensor.Float32(); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
