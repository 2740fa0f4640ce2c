package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/torch"
)

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pth")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(written(f))
	f.Fuzz(checkRead)
}

// FuzzPickle puts a pickle into a zip file with one storage, which mutation of zip
// files seldom leaves whole.
func FuzzPickle(f *testing.F) {
	for _, file := range []string{"testdata/zip.pth", "testdata/attack_key.pth"} {
		z, err := zip.OpenReader(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, entry := range z.File {
			if strings.HasSuffix(entry.Name, "data.pkl") {
				r, err := entry.Open()
				if err != nil {
					f.Fatal(err)
				}
				pickle, err := io.ReadAll(r)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(pickle)
			}
		}
		z.Close() // only read
	}
	f.Fuzz(func(t *testing.T, pickle []byte) { checkRead(t, archive(t, pickle)) })
}

// archive is the zip form around a pickle, with storages of 64 bytes.
func archive(t testing.TB, pickle []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, content []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add("data.pkl", pickle)
	for i := range 4 {
		add(fmt.Sprint("data/", i), make([]byte, 64))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkRead reads a file whose tensors stay within it, or tells why not.
func checkRead(t *testing.T, raw []byte) {
	f, err := torch.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		if !errors.Is(err, loopitr.ErrCorrupt) && !errors.Is(err, loopitr.ErrInvalid) {
			t.Fatalf("error of another kind: %v", err)
		}
		return
	}
	for _, tensor := range f.Tensors() {
		values, err := tensor.Float32()
		if err != nil && !errors.Is(err, loopitr.ErrCorrupt) {
			t.Fatalf("error of another kind: %v", err)
		}
		if len(values) > len(raw) {
			t.Fatalf("%d values of %d bytes", len(values), len(raw))
		}
	}
}

// A small pickle cannot ask for much: not by dictionaries made of one list again and
// again, not by names within names, not by lengths it does not have.
func TestHungryPicklesEnd(t *testing.T) {
	long := func(op byte, n uint32) []byte { return binary.LittleEndian.AppendUint32([]byte{op}, n) }
	list := append([]byte("\x80\x02]q\x00("), bytes.Repeat([]byte("K\x01K\x02\x86"), 1<<16)...)
	list = append(list, 'e', '0')
	again := bytes.Repeat([]byte("ccollections\nOrderedDict\nh\x00\x85R0"), 1<<12)
	for what, pickle := range map[string][]byte{
		"one list in many dictionaries": append(append(list, again...), "N."...),
		"a text of 4 GB":                append([]byte("\x80\x02"), long('X', 1<<32-1)...),
		"bytes of 2 GB":                 append([]byte("\x80\x02"), long('B', 1<<31)...),
		"a text of 2^63 bytes":          []byte("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f."),
		"nothing but marks":             append([]byte("\x80\x02"), bytes.Repeat([]byte("("), 5<<20)...),
	} {
		raw := archive(t, pickle)
		if _, err := torch.Read(bytes.NewReader(raw), int64(len(raw))); !errors.Is(err, loopitr.ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
