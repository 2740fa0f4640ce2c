package convert_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/convert"
)

// tensors are a stored file's, to be changed and written again.
func tensors(t *testing.T, path string) []safetensors.Source {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []safetensors.Source
	for _, x := range f.Tensors() {
		raw, err := x.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.FromBytes(x.Name, x.DType, x.Shape, slices.Clone(raw)))
	}
	return all
}

// copyCase is a case's folder with other weights.
func copyCase(t *testing.T, name string, weights []safetensors.Source) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"golden.safetensors", "model.safetensors"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	if err := safetensors.WriteFile(filepath.Join(dir, "model.safetensors"), nil, weights); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refuses wants an error of a kind that says all of it, and nothing written.
func refuses(t *testing.T, source string, c convert.Config, kind error, says ...string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "model")
	_, err := convert.Import(t.Context(), source, out, c)
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want %v", source, err, kind)
		return
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(out, "config.json")); err == nil {
		t.Errorf("%s: a model was written", source)
	}
}

func TestAllThatDiffersIsListedAtOnce(t *testing.T) {
	all := tensors(t, "testdata/blip_hf_base/model.safetensors")
	gone := []string{"vision_model.encoder.layers.1.mlp.fc2.bias", "text_encoder.encoder.layer.0.attention.self.key.weight"}
	all = slices.DeleteFunc(all, func(s safetensors.Source) bool { return slices.Contains(gone, s.Name) })
	for i := range all {
		switch all[i].Name {
		case "text_proj.bias":
			all[i] = safetensors.FromFloat32("text_proj.bias", safetensors.F32, []int{3}, make([]float32, 3))
		case "itm_head.bias":
			all[i] = safetensors.FromBytes("itm_head.bias", safetensors.I64, []int{2}, make([]byte, 16))
		}
	}
	all = append(all, safetensors.FromFloat32("vision_model.lora.weight", safetensors.F32, []int{1}, []float32{0}))
	refuses(t, copyCase(t, "blip_hf_base", all), convert.Config{}, loopitr.ErrCorrupt,
		"2 missing", gone[0], gone[1], "1 unexpected", "vision_model.lora.weight", "1 mis-shaped", `"text_proj.bias" is [3], want [32]`, `"itm_head.bias" is I64`)
}

func TestUnreadableSizesAreListedWithTheRest(t *testing.T) {
	all := tensors(t, "testdata/blip_hf_base/model.safetensors")
	all = slices.DeleteFunc(all, func(s safetensors.Source) bool {
		return s.Name == "vision_proj.weight" || s.Name == "text_proj.bias" || s.Name == "vision_model.embeddings.position_embedding"
	})
	all = append(all, safetensors.FromFloat32("strange", safetensors.F32, nil, []float32{0}))
	refuses(t, copyCase(t, "blip_hf_base", all), convert.Config{}, loopitr.ErrCorrupt,
		`"vision_proj.weight" is missing`, `"text_proj.bias" is missing`, `position_embedding" is missing`, `"strange" is unexpected`)
}

func TestWhatIsNoNetworkSaysWhatItIs(t *testing.T) {
	one := func(names ...string) string {
		var all []safetensors.Source
		for _, n := range names {
			all = append(all, safetensors.FromFloat32(n, safetensors.F32, []int{1}, []float32{0}))
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := safetensors.WriteFile(path, nil, all); err != nil {
			t.Fatal(err)
		}
		return path
	}
	words := "text_encoder.embeddings.word_embeddings.weight"
	refuses(t, one("layers.0.weight", "lm_head.weight"), convert.Config{}, loopitr.ErrInvalid, "neither ALBEF", `"lm_head.weight"`)
	refuses(t, one(words, "vision_encoder.layers.0.blocks.0.norm1.weight"), convert.Config{}, loopitr.ErrInvalid, "Swin")
	refuses(t, one(words, "vision_encoder.pos_embed.weight"), convert.Config{}, loopitr.ErrInvalid, "CLIP")
	refuses(t, one("dist_token", "cls_token", "patch_embed.proj.weight"), convert.Config{}, loopitr.ErrInvalid, "distillation token")
	refuses(t, one("vision/patch/weight"), convert.Config{}, loopitr.ErrCorrupt, "describe")
	refuses(t, filepath.Join(t.TempDir(), "absent.pth"), convert.Config{}, loopitr.ErrNotFound, "absent.pth")
	refuses(t, t.TempDir(), convert.Config{}, loopitr.ErrNotFound, "no weights")
}

func TestDamagedAndMaliciousFilesAreRefused(t *testing.T) {
	attack, err := filepath.Abs("../checkpoint/torch/testdata/attack_key.pth")
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, attack, convert.Config{}, loopitr.ErrCorrupt, `"system"`, "nothing was run")
	if _, err := os.Stat("was_run"); err == nil {
		t.Error("it was run")
	}
	for _, file := range []string{"blip_hf_base/model.safetensors", "albef_finetuned/checkpoint_best.pth", "albef_pretrained/ALBEF.pth"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, length := range []int{9, len(raw) / 2, len(raw) - 1} {
			cut := filepath.Join(t.TempDir(), filepath.Base(file))
			if err := os.WriteFile(cut, raw[:length], 0o644); err != nil {
				t.Fatal(err)
			}
			refuses(t, cut, convert.Config{}, loopitr.ErrCorrupt)
		}
	}
	lie := filepath.Join(t.TempDir(), "model.safetensors")
	header := `{"a":{"dtype":"F32","shape":[1073741824,1073741824],"data_offsets":[0,4]}}`
	content := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...)
	if err := os.WriteFile(lie, append(content, 0, 0, 0, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, lie, convert.Config{}, loopitr.ErrCorrupt, `"a"`)
}

func TestValuesThatAreNotFiniteAreRefused(t *testing.T) {
	all := tensors(t, "testdata/vit_hf/model.safetensors")
	for i, s := range all {
		if s.Name == "layernorm.bias" {
			raw := make([]byte, 4*s.Shape[0])
			copy(raw[8:], []byte{0, 0, 0xc0, 0x7f})
			all[i] = safetensors.FromBytes(s.Name, s.DType, s.Shape, raw)
		}
	}
	g := readGolden(t, "vit_hf")
	refuses(t, copyCase(t, "vit_hf", all), g.config(), loopitr.ErrInvalid, "vision/norm/bias", "NaN")
}

func TestVocabulariesMustFit(t *testing.T) {
	g := readGolden(t, "albef_finetuned")
	c := g.config()
	words, err := os.ReadFile("testdata/albef_finetuned/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	c.Vocabulary = append(slices.Clone(words), "more\n"...)
	refuses(t, g.source(t), c, loopitr.ErrInvalid, "52 tokens for an embedding of 51")
	bare := filepath.Join(t.TempDir(), "ALBEF.pth")
	raw, err := os.ReadFile(g.source(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bare, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, bare, g.config(), loopitr.ErrNotFound, "vocab.txt")
	c = g.config()
	c.First = convert.FirstEncode
	refuses(t, g.source(t), c, loopitr.ErrInvalid, "only BLIP")
	c = g.config()
	c.VisionHeads = 0
	c.ImageSize = 30
	refuses(t, g.source(t), c, loopitr.ErrInvalid, "image_size")
	vit := readGolden(t, "vit_hf")
	refuses(t, vit.dir, convert.Config{Around: vit.config().Around}, loopitr.ErrInvalid, "vocabulary")
}

func TestIndexesMustAgreeWithTheirFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/blip_hf_large")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors.index.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Files map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	rewrite := func(name, file string) {
		changed := map[string]string{}
		for n, f := range index.Files {
			changed[n] = f
		}
		delete(changed, "text_proj.bias")
		changed[name] = file
		content, err := json.Marshal(map[string]any{"weight_map": changed})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rewrite("invented", "model-00001-of-00004.safetensors")
	refuses(t, dir, convert.Config{}, loopitr.ErrCorrupt, `"invented" is missing`, `"text_proj.bias" is not in the index`)
	rewrite("text_proj.bias", "../elsewhere.safetensors")
	refuses(t, dir, convert.Config{}, loopitr.ErrCorrupt, "not beside it")
	rewrite("text_proj.bias", "absent.safetensors")
	refuses(t, dir, convert.Config{}, loopitr.ErrNotFound, "absent.safetensors")
}

func TestSettingsTheNetworkCannotComputeAreRefused(t *testing.T) {
	for says, config := range map[string]string{
		"hidden_act": `{"num_attention_heads":4,"hidden_act":"gelu_new"}`, "position_embedding_type": `{"num_attention_heads":4,"position_embedding_type":"relative_key"}`,
		"config.json": `{"num_attention_heads":`, "heads": `{"num_attention_heads":7}`,
	} {
		dir := copyCase(t, "bert_safetensors", tensors(t, "testdata/bert_safetensors/model.safetensors"))
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		kind := loopitr.ErrInvalid
		if says == "config.json" {
			kind = loopitr.ErrCorrupt
		}
		refuses(t, dir, readGolden(t, "bert_safetensors").config(), kind, says)
	}
}
