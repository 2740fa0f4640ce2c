package convert_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/checkpoint/torch"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/infer"
)

// formats are those that can hold what a case is.
func (g *golden) formats() []convert.Format {
	switch g.told.Kind {
	case convert.ALBEF:
		return []convert.Format{convert.AsALBEF, convert.AsSafetensors}
	case convert.BLIP, convert.HuggingFaceBLIP:
		return []convert.Format{convert.AsHuggingBLIP, convert.AsSafetensors}
	}
	return []convert.Format{convert.AsSafetensors}
}

// identity is all that decides what a model computes.
func identity(t *testing.T, dir string) (infer.Config, string) {
	t.Helper()
	c, fingerprint, err := infer.Identify(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, fingerprint
}

// The fingerprint covers weights, element types, vocabulary and preprocessing, to the
// bit; the configuration holds the rest.
func TestWhatWasExportedComesBackBitForBit(t *testing.T) {
	for _, name := range cases(t) {
		g := readGolden(t, name)
		dir, _ := g.importTo(t, g.config())
		config, fingerprint := identity(t, dir)
		for _, f := range g.formats() {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				out, again := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "again")
				if err := convert.Export(t.Context(), dir, out, convert.ExportConfig{Format: f}); err != nil {
					t.Fatal(err)
				}
				if _, err := convert.Import(t.Context(), out, again, convert.Config{}); err != nil {
					t.Fatal(err)
				}
				gotConfig, got := identity(t, again)
				if diff := cmp.Diff(config, gotConfig); diff != "" {
					t.Errorf("configuration (-before +after):\n%s", diff)
				}
				if got != fingerprint {
					t.Errorf("fingerprint %s, was %s", got, fingerprint)
				}
				same(t, filepath.Join(dir, "model.safetensors"), filepath.Join(again, "model.safetensors"))
			})
		}
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// shapesOf describes every tensor of a file but how long queues are, which is code's.
func shapesOf(t *testing.T, path string) []string {
	t.Helper()
	var all []string
	add := func(name string, dtype safetensors.DType, shape []int) {
		if strings.HasSuffix(name, "_queue") {
			shape = shape[:1]
		}
		all = append(all, fmt.Sprint(name, " ", dtype, " ", shape))
	}
	if strings.HasSuffix(path, ".pth") {
		f, err := torch.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, x := range f.Tensors() {
			if name, found := strings.CutPrefix(x.Name, "model."); found {
				add(name, x.DType, x.Shape)
			}
		}
	} else {
		f, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, x := range f.Tensors() {
			if !strings.HasSuffix(x.Name, "position_ids") { // later releases of the library left it out
				add(x.Name, x.DType, x.Shape)
			}
		}
	}
	slices.Sort(all)
	return all
}

// An export has the very names, types and shapes of the state that the original
// module saved, momentum copies and buffers included: it loads strictly.
func TestExportsAreWhatTheOriginalCodeSaves(t *testing.T) {
	for name, files := range map[string][2]string{
		"albef_finetuned": {"checkpoint_best.pth", "model.pth"}, "blip_hf_base": {"model.safetensors", "model.safetensors"},
	} {
		g := readGolden(t, name)
		dir, _ := g.importTo(t, g.config())
		out := filepath.Join(t.TempDir(), "out")
		if err := convert.Export(t.Context(), dir, out, convert.ExportConfig{Format: g.formats()[0]}); err != nil {
			t.Fatal(err)
		}
		want, got := shapesOf(t, filepath.Join(g.dir, files[0])), shapesOf(t, filepath.Join(out, files[1]))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-original +export):\n%s", name, diff)
		}
	}
}

func TestExportListsWhyAFormatCannotHoldANetwork(t *testing.T) {
	g := readGolden(t, "blip_hf_base")
	dir, _ := g.importTo(t, g.config())
	out := filepath.Join(t.TempDir(), "out")
	err := convert.Export(t.Context(), dir, out, convert.ExportConfig{Format: convert.AsALBEF})
	if !errors.Is(err, loopitr.ErrInvalid) {
		t.Fatal(err)
	}
	for _, want := range []string{"text states", "token types", "epsilon"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("it wrote something")
	}
	if err := convert.Export(t.Context(), dir, out, convert.ExportConfig{Format: "gguf"}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Error(err)
	}
	if err := convert.Export(t.Context(), dir, dir, convert.ExportConfig{Format: convert.AsSafetensors}); !errors.Is(err, loopitr.ErrInvalid) {
		t.Errorf("over another folder: %v", err)
	}
	if err := convert.Export(t.Context(), filepath.Join(dir, "absent"), out, convert.ExportConfig{Format: convert.AsSafetensors}); !errors.Is(err, loopitr.ErrNotFound) {
		t.Error(err)
	}
}
