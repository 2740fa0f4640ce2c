package dataset_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/dataset"
)

func writer(d safetensors.DType, ids ...string) dataset.TokenWriter {
	w := dataset.TokenWriter{IDs: ids, Count: 2, Width: 3, DType: d, Metadata: map[string]string{"source": "by hand"}}
	if d == safetensors.I8 {
		w.Scale = []float32{0.5, 1, 2}
	}
	w.Row = func(i int, dst []float32) error {
		for at := range dst {
			dst[at] = float32(i*10+at) - 3
		}
		return nil
	}
	return w
}

func TestTokenFileRoundTrip(t *testing.T) {
	for _, d := range []safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16, safetensors.I8} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := dataset.WriteTokens(path, writer(d, "b.jpg", "dir/a.jpg", "plain")); err != nil {
			t.Fatal(err)
		}
		f, err := dataset.OpenTokens(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != 3 || f.Count != 2 || f.Width != 3 {
			t.Errorf("%s: %d x %d x %d", d, f.Len(), f.Count, f.Width)
		}
		got, want := make([]float32, 6), []float32{17, 18, 19, 20, 21, 22}
		if d == safetensors.I8 {
			want = []float32{17, 18, 20, 20, 21, 22} // feature 2 has steps of 2, ties away from zero
		}
		if err := f.Read(2, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d, diff)
		}
		for id, want := range map[string]int{"b.jpg": 0, "images/b.jpg": 0, "dir/a.jpg": 1, "a.jpg": -1, "x/plain": 2, "plain.png": 2, "other": -1} {
			row, ok := f.Row(id)
			if ok != (want >= 0) || ok && row != want {
				t.Errorf("%s: row of %q is %d, %v", d, id, row, ok)
			}
		}
		for _, bad := range []int{-1, 3} {
			if err := f.Read(bad, got); !errors.Is(err, loopitr.ErrInvalid) {
				t.Errorf("row %d: got %v", bad, err)
			}
		}
		if err := f.Read(0, got[:5]); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("short destination: got %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTokenWriterRefusesBadInput(t *testing.T) {
	for name, change := range map[string]func(w *dataset.TokenWriter){
		"type":      func(w *dataset.TokenWriter) { w.DType = safetensors.I64 },
		"no scale":  func(w *dataset.TokenWriter) { w.DType = safetensors.I8 },
		"no tokens": func(w *dataset.TokenWriter) { w.Count = 0 },
		"huge":      func(w *dataset.TokenWriter) { w.Count, w.Width = math.MaxInt, math.MaxInt },
		"same id":   func(w *dataset.TokenWriter) { w.IDs = []string{"a", "a"} },
		"empty id":  func(w *dataset.TokenWriter) { w.IDs = []string{"a", ""} },
		"no UTF-8":  func(w *dataset.TokenWriter) { w.IDs = []string{"a", "b\xff"} },
		"no rows":   func(w *dataset.TokenWriter) { w.Row = nil },
		"scale not finite": func(w *dataset.TokenWriter) {
			w.DType, w.Scale = safetensors.I8, []float32{1, float32(math.NaN()), 2}
		},
		"not finite": func(w *dataset.TokenWriter) {
			w.Row = func(_ int, dst []float32) error { dst[1] = float32(math.NaN()); return nil }
		},
		"does not fit": func(w *dataset.TokenWriter) {
			w.DType, w.Row = safetensors.F16, func(_ int, dst []float32) error { dst[1] = 1e30; return nil }
		},
	} {
		w := writer(safetensors.F32, "a", "b")
		change(&w)
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := dataset.WriteTokens(path, w); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestSetWithTokensNeedsNoPictures(t *testing.T) {
	dir := tree(t, entry{"c.tsv", "a.jpg\t0\tone\nb.jpg\t0\tbee\nc.jpg\t0\tsea\n"}, entry{"b.jpg", "B"})
	tokens := filepath.Join(dir, "x.safetensors")
	if err := dataset.WriteTokens(tokens, writer(safetensors.F32, "c.jpg", "b.jpg", "unused")); err != nil {
		t.Fatal(err)
	}
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "c.tsv"), Tokens: tokens})
	sameRecords(t, s, record("b.jpg", "", "bee"), record("c.jpg", "", "sea"))
	sameSkips(t, s, map[dataset.Reason]int{dataset.MissingTokens: 1})
	got := make([]float32, 6)
	if err := s.Tokens(1, got); err != nil || got[0] != -3 {
		t.Errorf("tokens of c.jpg begin with %g, %v", got[0], err)
	}
	if picture, err := s.Picture(0); err != nil || string(picture) != "B" {
		t.Errorf("picture beside: %q, %v", picture, err)
	}
	if _, err := s.Picture(1); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("absent picture: got %v, want ErrNotFound", err)
	}

	without := openWith(t, dataset.Options{Path: filepath.Join(dir, "c.tsv")})
	if err := without.Tokens(0, got); !errors.Is(err, loopitr.ErrNotFound) {
		t.Errorf("no token file: got %v, want ErrNotFound", err)
	}
	if count, width := without.TokenShape(); count != 0 || width != 0 {
		t.Errorf("no token file: shape %d x %d", count, width)
	}
	other := filepath.Join(dir, "other.safetensors")
	if err := dataset.WriteTokens(other, writer(safetensors.F32, "z.jpg")); err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]dataset.Options{
		"the tokens of 3 records in " + other: {Path: filepath.Join(dir, "c.tsv"), Tokens: other},
		"the pictures of 3 records in":        {Path: filepath.Join(dir, "c.tsv"), Images: t.TempDir()},
	} {
		if _, err := dataset.Open(context.Background(), o); !errors.Is(err, loopitr.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing left: got %v, want %s", err, want)
		}
	}
	if _, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "c.tsv"), Tokens: filepath.Join(dir, "c.tsv")}); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("a table as token file: got %v, want ErrCorrupt", err)
	}
}

// Where tokens stand in for pictures a name is one picture in every table.
func TestTokensNameThePicturesOfAllTables(t *testing.T) {
	dir := tree(t, entry{"a/s.tsv", "a.jpg\t0\tone\n"}, entry{"a/a.jpg", "A"}, entry{"b/s.tsv", "a.jpg\t0\ttwo\nb.jpg\t0\tbee\n"})
	tokens := filepath.Join(dir, "x.safetensors")
	if err := dataset.WriteTokens(tokens, writer(safetensors.F32, "a.jpg", "b.jpg")); err != nil {
		t.Fatal(err)
	}
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "{a,b}", "s.tsv"), Tokens: tokens, Strict: true})
	sameRecords(t, s, record("a.jpg", "", "one", "two"), record("b.jpg", "", "bee"))
	if picture, err := s.Picture(0); err != nil || string(picture) != "A" {
		t.Errorf("picture beside its table: %q, %v", picture, err)
	}
}

func TestTokenFilesThatLieAreCorrupt(t *testing.T) {
	ids := map[string]string{"ids": "a\nb"}
	raw := make([]byte, 64)
	source := func(name string, d safetensors.DType, shape ...int) safetensors.Source {
		size := d.Size()
		for _, n := range shape {
			size *= n
		}
		return safetensors.FromBytes(name, d, shape, raw[:size])
	}
	nan := make([]byte, 8)
	binary.LittleEndian.PutUint32(nan, math.Float32bits(float32(math.NaN())))
	for name, c := range map[string]struct {
		metadata map[string]string
		sources  []safetensors.Source
	}{
		"no tensor":      {ids, []safetensors.Source{source("other", safetensors.F32, 2, 1, 1)}},
		"two dimensions": {ids, []safetensors.Source{source("tokens", safetensors.F32, 2, 2)}},
		"no features":    {ids, []safetensors.Source{source("tokens", safetensors.F32, 2, 2, 0)}},
		"type":           {ids, []safetensors.Source{source("tokens", safetensors.I32, 2, 1, 1)}},
		"no ids":         {nil, []safetensors.Source{source("tokens", safetensors.F32, 2, 1, 1)}},
		"ids too few":    {map[string]string{"ids": "a"}, []safetensors.Source{source("tokens", safetensors.F32, 2, 1, 1)}},
		"same id":        {map[string]string{"ids": `["a", "a"]`}, []safetensors.Source{source("tokens", safetensors.F32, 2, 1, 1)}},
		"no scale":       {ids, []safetensors.Source{source("tokens", safetensors.I8, 2, 1, 2)}},
		"short scale":    {ids, []safetensors.Source{source("scale", safetensors.F32, 1), source("tokens", safetensors.I8, 2, 1, 2)}},
		"whole scale":    {ids, []safetensors.Source{source("scale", safetensors.I32, 2), source("tokens", safetensors.I8, 2, 1, 2)}},
		"scale not finite": {ids, []safetensors.Source{safetensors.FromBytes("scale", safetensors.F32, []int{2}, nan),
			source("tokens", safetensors.I8, 2, 1, 2)}},
	} {
		var b bytes.Buffer
		if err := safetensors.Write(&b, c.metadata, c.sources); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := dataset.ReadTokens(bytes.NewReader(b.Bytes()), int64(b.Len())); !errors.Is(err, loopitr.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, ids, []safetensors.Source{safetensors.FromBytes("tokens", safetensors.F32, []int{2, 1, 1}, nan)}); err != nil {
		t.Fatal(err)
	}
	f, err := dataset.ReadTokens(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Read(0, make([]float32, 1)); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("NaN token: got %v, want ErrCorrupt", err)
	}
}

func TestInt8TokensAreWithinHalfAStep(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.Float32Range(1e-3, 10).Draw(t, "scale")
		want := rapid.SliceOfN(rapid.Float32Range(-127*scale, 127*scale), 1, 8).Draw(t, "values")
		path := filepath.Join(dir, "x.safetensors")
		w := dataset.TokenWriter{IDs: []string{"a"}, Count: len(want), Width: 1, DType: safetensors.I8, Scale: []float32{scale},
			Row: func(_ int, dst []float32) error { copy(dst, want); return nil }}
		if err := dataset.WriteTokens(path, w); err != nil {
			t.Fatal(err)
		}
		f, err := dataset.OpenTokens(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got := make([]float32, len(want))
		if err := f.Read(0, got); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(float64(want[i]-got[i])) > float64(scale)*0.5001 {
				t.Fatalf("value %d: %g became %g with steps of %g", i, want[i], got[i], scale)
			}
		}
	})
}

func FuzzTokens(f *testing.F) {
	for _, d := range []safetensors.DType{safetensors.F32, safetensors.I8} {
		sources := []safetensors.Source{safetensors.FromBytes("tokens", d, []int{2, 1, 2}, make([]byte, 4*d.Size()))}
		if d == safetensors.I8 {
			sources = append([]safetensors.Source{safetensors.FromFloat32("scale", safetensors.F32, []int{2}, []float32{1, 2})}, sources...)
		}
		for _, ids := range []string{`["a","b"]`, "a\nb\n"} {
			var b bytes.Buffer
			if err := safetensors.Write(&b, map[string]string{"ids": ids}, sources); err != nil {
				f.Fatal(err)
			}
			f.Add(b.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tokens, err := dataset.ReadTokens(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		dst := make([]float32, tokens.Count*tokens.Width)
		for i, id := range tokens.IDs {
			if row, ok := tokens.Row(id); !ok || row != i {
				t.Fatalf("row of %q is %d, want %d", id, row, i)
			}
			if err := tokens.Read(i, dst); err != nil && !errors.Is(err, loopitr.ErrCorrupt) {
				t.Fatal(fmt.Errorf("row %d: %w", i, err))
			}
		}
	})
}

// A picture that tokens stand in for and that is there but cannot be one is not
// absent.
func TestBadPictureBesideTokensIsInvalid(t *testing.T) {
	dir := tree(t, entry{"c.tsv", "a.jpg\t0\tone\nb.jpg\t0\tbee\nc.jpg\t0\tsea\n"}, entry{"a.jpg/x", ""}, entry{"b.jpg", strings.Repeat("B", 100)})
	tokens := filepath.Join(dir, "x.safetensors")
	if err := dataset.WriteTokens(tokens, writer(safetensors.F32, "a.jpg", "b.jpg", "c.jpg")); err != nil {
		t.Fatal(err)
	}
	s := openWith(t, dataset.Options{Path: filepath.Join(dir, "c.tsv"), Tokens: tokens, Limits: dataset.Limits{PictureBytes: 10}})
	for i, want := range []error{loopitr.ErrInvalid, loopitr.ErrInvalid, loopitr.ErrNotFound} {
		if _, err := s.Picture(i); !errors.Is(err, want) || errors.Is(want, loopitr.ErrInvalid) && errors.Is(err, loopitr.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", s.Records[i].ID, err, want)
		}
	}
	f, err := dataset.Check(context.Background(), s, dataset.CheckConfig{})
	if err != nil || f.Absent != 1 || f.Undecodable.Count != 2 {
		t.Errorf("%d absent, %d undecodable, %v, want 1 and 2", f.Absent, f.Undecodable.Count, err)
	}
}

func TestTokenFileOfNoPicturesIsReadBack(t *testing.T) {
	for name, ids := range map[string][]string{"nil": nil, "empty": {}} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := dataset.WriteTokens(path, writer(safetensors.F32, ids...)); err != nil {
			t.Fatal(err)
		}
		f, err := dataset.OpenTokens(path)
		if err != nil || f.Len() != 0 {
			t.Fatalf("%s: got %v", name, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInt8TokenBeyondFloat32IsCorrupt(t *testing.T) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, map[string]string{"ids": "a"}, []safetensors.Source{
		safetensors.FromFloat32("scale", safetensors.F32, []int{1}, []float32{3e38}),
		safetensors.FromBytes("tokens", safetensors.I8, []int{1, 1, 1}, []byte{127}),
	}); err != nil {
		t.Fatal(err)
	}
	f, err := dataset.ReadTokens(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 1)
	if err := f.Read(0, dst); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("got %v, %v, want ErrCorrupt", dst, err)
	}
}
