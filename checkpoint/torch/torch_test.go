package torch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/checkpoint/torch"
)

// Testdata is made by scripts/golden/checkpoint_torch.py with PyTorch itself.
func expected(t *testing.T) map[string][]float32 {
	t.Helper()
	f, err := safetensors.Open("testdata/expected.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]float32{}
	for _, tensor := range f.Tensors() {
		if all[tensor.Name], err = tensor.Float32(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestBothFormsHoldWhatPyTorchSaved(t *testing.T) {
	want := expected(t)
	for _, name := range []string{"zip.pth", "legacy.pth"} {
		t.Run(name, func(t *testing.T) {
			f, err := torch.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got := map[string][]float32{}
			for _, tensor := range f.Tensors() {
				if got[tensor.Name], err = tensor.Float32(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tensors (-PyTorch +here):\n%s", diff)
			}
			if got := f.Text("name"); got != "text é" {
				t.Errorf("text is %q", got)
			}
		})
	}
}

func TestPartsOfATensorAreItsElements(t *testing.T) {
	f, err := torch.Open("testdata/zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, tensor := range f.Tensors() {
		whole, err := tensor.Float32()
		if err != nil {
			t.Fatal(err)
		}
		for first := range len(whole) {
			part := make([]float32, (len(whole)-first+1)/2)
			if err := tensor.Float32At(part, first); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(part, whole[first:first+len(part)]) {
				t.Errorf("%s from %d: %v, want %v", tensor.Name, first, part, whole[first:first+len(part)])
			}
		}
		if err := tensor.Float32At(make([]float32, 1), len(whole)); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: beyond its end: %v", tensor.Name, err)
		}
	}
}

// Nothing of a pickle is run, and what it asked for is named.
func TestMaliciousPicklesAreRefusedAndNotRun(t *testing.T) {
	files, err := filepath.Glob("testdata/attack_*.pth")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d attacks: %v", len(files), err)
	}
	asked := map[string]string{
		"os_system": `"system"`, "eval": `"eval"`, "exec": `"exec"`, "popen": `"Popen"`, "getattr": `"getattr"`, "open": `"open"`,
		"import": `"__import__"`, "load": `"load"`, "state": `"system"`, "key": `"system"`,
		"protocol2": `"system"`, "protocol3": `"system"`, "protocol4": `"system"`, "protocol5": `"system"`,
	}
	named := 0
	for _, file := range files {
		_, err := torch.Open(file)
		kind := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "attack_"), ".pth"), "_legacy")
		bare := strings.HasPrefix(kind, "bare") // no file of torch.save at all
		switch {
		case err == nil:
			t.Errorf("%s: no error", file)
		case !errors.Is(err, loopitr.ErrCorrupt) && !(bare && errors.Is(err, loopitr.ErrInvalid)):
			t.Errorf("%s: %v", file, err)
		case !strings.Contains(err.Error(), asked[kind]):
			t.Errorf("%s: %v: does not name %s", file, err, asked[kind])
		}
		if asked[kind] != "" {
			named++
		}
	}
	if named < 20 {
		t.Errorf("only %d attacks were to be named", named)
	}
	for _, path := range []string{"was_run", "testdata/was_run"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

func TestEveryTruncationIsAnError(t *testing.T) {
	for _, name := range []string{"zip.pth", "legacy.pth"} {
		whole, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for length := range len(whole) {
			if _, err := torch.Read(bytes.NewReader(whole[:length]), int64(length)); err == nil {
				t.Fatalf("%s: its first %d of %d bytes are read", name, length, len(whole))
			} else if !errors.Is(err, loopitr.ErrCorrupt) && length > 4 {
				t.Fatalf("%s: its first %d bytes: %v", name, length, err)
			}
		}
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	for path, want := range map[string]error{
		"testdata/absent.pth":           loopitr.ErrNotFound,
		"testdata":                      loopitr.ErrInvalid,
		"testdata/expected.safetensors": loopitr.ErrInvalid,
	} {
		if _, err := torch.Open(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// written is a small file of every kind of entry.
func written(t testing.TB) []byte {
	t.Helper()
	weight := safetensors.FromFloat32("weight", safetensors.F32, []int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	half := safetensors.FromFloat32("half", safetensors.BF16, []int{2}, []float32{1, -2})
	count := safetensors.FromBytes("count", safetensors.I64, []int{1}, binary.LittleEndian.AppendUint64(nil, math.MaxUint64))
	var b bytes.Buffer
	err := torch.Write(&b, []torch.Entry{
		{Key: "note", Text: "é"},
		{Key: "model", Dictionary: []torch.Entry{
			{Key: "weight", Source: &weight}, {Key: "half", Source: &half}, {Key: "count", Source: &count},
			{Key: "turned", View: &torch.View{Of: "weight", Shape: []int{3, 2}, Strides: []int{1, 3}}},
			{Key: "many", View: &torch.View{Of: "half", Shape: []int{9, 9}, Strides: []int{0, 0}}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	raw := written(t)
	f, err := torch.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{
		"model.weight": {1, 2, 3, 4, 5, 6}, "model.half": {1, -2}, "model.count": {-1}, "model.turned": {1, 4, 2, 5, 3, 6},
	} {
		tensor, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		if got, err := tensor.Float32(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v (%v)", name, got, want, err)
		}
	}
	many, _ := f.Tensor("model.many")
	if _, err := many.Float32(); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("a tensor larger than its storage: %v", err)
	}
	if f.Text("note") != "é" || !bytes.Equal(raw, written(t)) {
		t.Error("the text is lost, or the same input gave other bytes")
	}
}

func TestWriteRefusesWhatItCannotHold(t *testing.T) {
	short := safetensors.FromBytes("a", safetensors.F32, []int{2}, make([]byte, 4))
	for what, entry := range map[string]torch.Entry{
		"too few bytes":   {Key: "a", Source: &short},
		"a view of none":  {Key: "a", View: &torch.View{Of: "absent", Shape: []int{1}, Strides: []int{1}}},
		"an unknown type": {Key: "a", Source: &safetensors.Source{Name: "a", DType: "F8", Shape: []int{1}}},
	} {
		if err := torch.Write(new(bytes.Buffer), []torch.Entry{entry}); !errors.Is(err, loopitr.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestIsTellsSafetensorsApart(t *testing.T) {
	for head, want := range map[string]bool{
		"PK\x03\x04\x00\x00\x08\x08\x00": true, "\x80\x02\x8a\nl\xfc\x9cF\xf9": true,
		"\x80\x02\x00\x00\x00\x00\x00\x00{": false, "\x80\x33\x02\x00\x00\x00\x00\x00{": false, "": false, "\x80": true,
	} {
		if got := torch.Is([]byte(head)); got != want {
			t.Errorf("%q: %v, want %v", head, got, want)
		}
	}
}
