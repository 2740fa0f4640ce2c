package safetensors_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"pgregory.net/rapid"
)

func TestReferenceFileIsReproducedByteForByte(t *testing.T) {
	want, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Read(bytes.NewReader(want), int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	var sources []safetensors.Source
	for _, tensor := range f.Tensors() {
		raw, err := tensor.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		// Backwards, so that Sort has something to do.
		sources = append([]safetensors.Source{safetensors.FromBytes(tensor.Name, tensor.DType, tensor.Shape, raw)}, sources...)
	}
	safetensors.Sort(sources)
	var got bytes.Buffer
	if err := safetensors.Write(&got, f.Metadata(), sources); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("want %q\n got %q", want, got.Bytes())
	}
}

func TestRoundingEqualsNumPy(t *testing.T) {
	f, err := safetensors.Open("testdata/rounding.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tensor, _ := f.Tensor("float32")
	values, err := tensor.Float32()
	if err != nil {
		t.Fatal(err)
	}
	for name, round := range map[string]func(float32) uint16{"float16": safetensors.Float16, "bfloat16": safetensors.BFloat16} {
		tensor, _ := f.Tensor(name)
		want, err := tensor.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if got, want := round(v), binary.LittleEndian.Uint16(want[2*i:]); got != want {
				t.Errorf("%s of %g (%#x): got %#x, want %#x", name, v, math.Float32bits(v), got, want)
			}
		}
	}
}

func TestFloat16WidensAsNumPyDoes(t *testing.T) {
	// Printed by scripts/golden/checkpoint.py.
	const want = "680bbc22915f61aa1bbfc7265bc3882a6aa42d299bfd2c571807196e5544de2e"
	var raw []byte
	for h := range 1 << 16 {
		if v := safetensors.Float32FromFloat16(uint16(h)); v == v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != want {
		t.Errorf("digest of all widened values: got %s, want %s", got, want)
	}
}

func TestNarrowFormatsComeBackUnchanged(t *testing.T) {
	for h := range 1 << 16 {
		h := uint16(h)
		if v := safetensors.Float32FromFloat16(h); v == v && safetensors.Float16(v) != h {
			t.Errorf("float16 %#x came back as %#x", h, safetensors.Float16(v))
		} else if v != v && safetensors.Float32FromFloat16(safetensors.Float16(v)) == 0 {
			t.Errorf("float16 NaN %#x was lost", h)
		}
		v := safetensors.Float32FromBFloat16(h)
		if v == v && safetensors.BFloat16(v) != h {
			t.Errorf("bfloat16 %#x came back as %#x", h, safetensors.BFloat16(v))
		}
		if back := safetensors.Float32FromBFloat16(safetensors.BFloat16(v)); v != v && back == back {
			t.Errorf("bfloat16 NaN %#x was lost", h)
		}
	}
}

func TestFiniteFindsTheFirst(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	tests := []struct {
		values []float32
		first  int
		ok     bool
	}{
		{nil, 0, true},
		{[]float32{0, math.MaxFloat32, -math.MaxFloat32}, 3, true},
		{[]float32{1, inf, nan}, 1, false},
		{[]float32{nan}, 0, false},
	}
	for _, tt := range tests {
		if first, ok := safetensors.Finite(tt.values); first != tt.first || ok != tt.ok {
			t.Errorf("%v: got %d %v, want %d %v", tt.values, first, ok, tt.first, tt.ok)
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.String().Filter(func(s string) bool { return s != "__metadata__" }), 0, 5, rapid.ID[string]).Draw(t, "names")
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		values := map[string][]float32{}
		var sources []safetensors.Source
		for _, name := range names {
			shape := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "shape")
			n := 1
			for _, d := range shape {
				n *= d
			}
			values[name] = rapid.SliceOfN(rapid.Float32Range(-1e30, 1e30), n, n).Draw(t, "values")
			sources = append(sources, safetensors.FromFloat32(name, safetensors.F32, shape, values[name]))
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, metadata, sources); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(f.Metadata(), metadata) || len(f.Tensors()) != len(names) {
			t.Fatalf("metadata or count: got %v, %d", f.Metadata(), len(f.Tensors()))
		}
		for i, tensor := range f.Tensors() {
			got, err := tensor.Float32()
			if err != nil || tensor.Name != names[i] || !cmp.Equal(got, values[names[i]]) {
				t.Fatalf("tensor %d: got %q %v %v, want %q %v", i, tensor.Name, got, err, names[i], values[names[i]])
			}
		}
	})
}

func TestImpossibleSourcesAreRefused(t *testing.T) {
	raw := func(name string, d safetensors.DType, shape []int, n int) safetensors.Source {
		return safetensors.FromBytes(name, d, shape, make([]byte, n))
	}
	tests := []struct {
		name    string
		sources []safetensors.Source
	}{
		{"short", []safetensors.Source{raw("a", safetensors.U8, []int{3}, 2)}},
		{"long", []safetensors.Source{raw("a", safetensors.U8, []int{3}, 4)}},
		{"dtype", []safetensors.Source{raw("a", "F8", []int{3}, 3)}},
		{"negative", []safetensors.Source{raw("a", safetensors.U8, []int{-3, -1}, 3)}},
		{"twice", []safetensors.Source{raw("a", safetensors.U8, nil, 1), raw("a", safetensors.U8, nil, 1)}},
		{"reserved name", []safetensors.Source{raw("__metadata__", safetensors.U8, nil, 1)}},
		{"bad name", []safetensors.Source{raw("\xff", safetensors.U8, nil, 1)}},
		{"too large for float16", []safetensors.Source{safetensors.FromFloat32("a", safetensors.F16, []int{1}, []float32{65520})}},
		{"too large for bfloat16", []safetensors.Source{safetensors.FromFloat32("a", safetensors.BF16, []int{1}, []float32{3.4e38})}},
		{"float as int", []safetensors.Source{safetensors.FromFloat32("a", safetensors.I32, []int{1}, []float32{1})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := safetensors.Write(io.Discard, nil, tt.sources); !errors.Is(err, loopitr.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := safetensors.WriteFile(path, nil, []safetensors.Source{{
		Name: "a", DType: safetensors.U8, Shape: []int{1},
		Write: func(io.Writer) error { return full },
	}})
	if !errors.Is(err, full) {
		t.Errorf("got %v, want the writer's error", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("old file: got %q, %v", got, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

func BenchmarkFloat32(b *testing.B) {
	for _, d := range []safetensors.DType{safetensors.F32, safetensors.F16} {
		b.Run(string(d), func(b *testing.B) {
			const n = 1 << 20
			path := filepath.Join(b.TempDir(), "f")
			if err := safetensors.WriteFile(path, nil, []safetensors.Source{safetensors.FromFloat32("a", d, []int{n}, make([]float32, n))}); err != nil {
				b.Fatal(err)
			}
			f, err := safetensors.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			tensor, _ := f.Tensor("a")
			dst := make([]float32, n)
			b.SetBytes(4 * n)
			for b.Loop() {
				if err := tensor.Float32At(dst, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
