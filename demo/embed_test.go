package demo_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/demo"
)

const concepts = 1852

// drawings are the concepts that a shard has a picture and a caption of.
func drawings(t *testing.T, shard string) map[string]bool {
	t.Helper()
	f, err := demo.Files().Open("emoji/" + shard)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pictures, captions := map[string]bool{}, map[string]bool{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", shard, err)
		}
		end := path.Ext(h.Name)
		of := map[string]map[string]bool{".png": pictures, ".txt": captions}[end]
		key := strings.TrimSuffix(path.Base(h.Name), end)
		if of == nil || of[key] || h.Size == 0 {
			t.Fatalf("%s: %s (%d bytes) is no picture or caption of its own", shard, h.Name, h.Size)
		}
		of[key] = true
	}
	if !maps.Equal(pictures, captions) {
		t.Errorf("%s: %d pictures and %d captions are not of the same concepts", shard, len(pictures), len(captions))
	}
	return pictures
}

func TestConceptsAreSplitAsDocumented(t *testing.T) {
	val, test := drawings(t, "val.tar"), drawings(t, "test.tar")
	if len(val) != concepts/2 || len(test) != concepts/2 {
		t.Errorf("%d concepts to validate on and %d to test on, want %d each", len(val), len(test), concepts/2)
	}
	all := maps.Clone(val)
	maps.Copy(all, test)
	if len(all) != concepts {
		t.Errorf("the halves have %d concepts, want %d: none in both", len(all), concepts)
	}
	// Two artists drew all of them.
	for _, shard := range []string{"train-00.tar", "train-01.tar"} {
		if train := drawings(t, shard); !maps.Equal(train, all) {
			t.Errorf("%s: %d concepts, want the %d of the halves", shard, len(train), len(all))
		}
	}
}

func TestEveryConceptHasCaptionsInTenLanguages(t *testing.T) {
	all := slices.Sorted(maps.Keys(drawings(t, "train-00.tar")))
	languages, err := fs.Glob(demo.Files(), "emoji/captions.*.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if len(languages) < 10 {
		t.Errorf("captions in %d languages besides English, want 10: %q", len(languages), languages)
	}
	for _, file := range languages {
		content, err := fs.ReadFile(demo.Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		captioned := map[string]bool{}
		for i, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
			key, caption, _ := strings.Cut(line, "\t")
			if key == "" || caption == "" {
				t.Fatalf("%s: line %d is no pair: %q", file, i+1, line)
			}
			if i > 0 {
				captioned[key] = true
			}
		}
		if !slices.Equal(slices.Sorted(maps.Keys(captioned)), all) {
			t.Errorf("%s: captions of %d concepts, want of all %d", file, len(captioned), len(all))
		}
	}
}

// The binary and everyone's clone carry these bytes.
func TestDemoIsSmall(t *testing.T) {
	for folder, most := range map[string]int64{"emoji": 25e6, "model": 15e6} {
		files, err := fs.ReadDir(demo.Files(), folder)
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, f := range files {
			facts, err := f.Info()
			if err != nil {
				t.Fatal(err)
			}
			total += facts.Size()
		}
		if total == 0 || total > most {
			t.Errorf("%s holds %d bytes, want at most %d", folder, total, most)
		}
	}
}

func TestWeightsAreStoredInHalfPrecision(t *testing.T) {
	raw, err := fs.ReadFile(demo.Files(), "model/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Read(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range f.Tensors() {
		if w.DType != safetensors.F16 {
			t.Errorf("%s is stored as %s, want %s", w.Name, w.DType, safetensors.F16)
		}
	}
}
