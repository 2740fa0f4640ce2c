package safetensors_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

func FuzzRead(f *testing.F) {
	reference, err := os.ReadFile("testdata/reference.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reference)
	for _, l := range lies() {
		f.Add(l.file)
	}
	f.Add(file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"F16","shape":[1,1],"data_offsets":[2,4]}}`, 4))
	f.Add(file(`{"__metadata__":{"a":"b"},"z":{"data_offsets":[0,0],"shape":[0,9],"dtype":"I64"}}`, 0))
	f.Fuzz(checkRead)
}

// FuzzHeader puts a right length before the header, which mutation seldom finds.
func FuzzHeader(f *testing.F) {
	for _, l := range lies() {
		if len(l.file) > 8 {
			f.Add(string(l.file[8:]), uint16(4))
		}
	}
	f.Add(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, uint16(2))
	f.Fuzz(func(t *testing.T, header string, body uint16) { checkRead(t, file(header, int(body))) })
}

// checkRead reads a file that is right or tells why not, and that comes back
// when it is written again.
func checkRead(t *testing.T, raw []byte) {
	file, err := safetensors.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		if !errors.Is(err, loopitr.ErrCorrupt) {
			t.Fatalf("error of another kind: %v", err)
		}
		return
	}
	var again bytes.Buffer
	var sources []safetensors.Source
	for _, tensor := range file.Tensors() {
		if _, err := tensor.Float32(); err != nil {
			t.Fatal(err)
		}
		b, err := tensor.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, safetensors.FromBytes(tensor.Name, tensor.DType, tensor.Shape, b))
	}
	if err := safetensors.Write(&again, file.Metadata(), sources); err != nil {
		t.Fatal(err)
	}
	back, err := safetensors.Read(bytes.NewReader(again.Bytes()), int64(again.Len()))
	if err != nil {
		t.Fatalf("what was read cannot be read after writing: %v", err)
	}
	if len(back.Tensors()) != len(sources) || !cmp.Equal(back.Metadata(), file.Metadata()) {
		t.Fatal("writing lost something")
	}
}
