package convert_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/checkpoint/torch"
	"github.com/loopitr/loopitr/convert"
	"github.com/loopitr/loopitr/network"
)

// zeros is a source of any size that takes no memory.
func zeros(name string, shape ...int) safetensors.Source {
	return safetensors.Source{Name: name, DType: safetensors.F32, Shape: shape, Write: func(w io.Writer) error {
		left := 4
		for _, d := range shape {
			left *= d
		}
		chunk := make([]byte, 1<<16)
		for left > 0 {
			n, err := w.Write(chunk[:min(left, len(chunk))])
			if err != nil {
				return err
			}
			left -= n
		}
		return nil
	}}
}

// bigViT writes a vision tower of so many layers, 512 wide: 12.6 MB a layer. file's
// ending says in which format.
func bigViT(t *testing.T, file string, layers int) (path string, size int64) {
	t.Helper()
	const width, patch = 512, 16
	all := []safetensors.Source{
		zeros("patch_embed.proj.weight", width, 3, patch, patch), zeros("patch_embed.proj.bias", width), zeros("cls_token", 1, 1, width),
		zeros("pos_embed", 1, 197, width), zeros("norm.weight", width), zeros("norm.bias", width),
	}
	for i := range layers {
		at := fmt.Sprintf("blocks.%d.", i)
		for _, norm := range []string{"norm1", "norm2"} {
			all = append(all, zeros(at+norm+".weight", width), zeros(at+norm+".bias", width))
		}
		for name, shape := range map[string][2]int{"attn.qkv": {3 * width, width}, "attn.proj": {width, width}, "mlp.fc1": {4 * width, width}, "mlp.fc2": {width, 4 * width}} {
			all = append(all, zeros(at+name+".weight", shape[0], shape[1]), zeros(at+name+".bias", shape[0]))
		}
	}
	path = filepath.Join(t.TempDir(), file)
	if filepath.Ext(file) == ".safetensors" {
		safetensors.Sort(all)
		if err := safetensors.WriteFile(path, nil, all); err != nil {
			t.Fatal(err)
		}
	} else {
		writeTorch(t, path, all)
	}
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, stat.Size()
}

func writeTorch(t *testing.T, path string, all []safetensors.Source) {
	t.Helper()
	var entries []torch.Entry
	for i := range all {
		entries = append(entries, torch.Entry{Key: all[i].Name, Source: &all[i]})
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := bufio.NewWriter(f)
	if err := torch.Write(b, entries); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
}

// A file is never in memory as a whole, on its way in or out: only its largest
// tensor is.
func TestImportTakesFarLessMemoryThanTheFile(t *testing.T) {
	words, err := os.ReadFile("testdata/vit_hf/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"vit.pth", "vit.safetensors"} {
		path, size := bigViT(t, file, 12)
		model := filepath.Join(t.TempDir(), "model")
		c := convert.Config{Vocabulary: words, Around: convert.Around{Network: network.Nano()}}
		took := mostMemory(t, func() error {
			_, err := convert.Import(t.Context(), path, model, c)
			return err
		})
		if took > size/4 {
			t.Errorf("%s: a file of %d bytes took %d of memory", file, size, took)
		}
		took = mostMemory(t, func() error {
			return convert.Export(t.Context(), model, filepath.Join(t.TempDir(), "out"), convert.ExportConfig{Format: convert.AsALBEF})
		})
		if took > size/4 {
			t.Errorf("%s: its export took %d bytes of memory for a file of %d", file, took, size)
		}
	}
}

// mostMemory is how many bytes of heap were added at most while do ran.
func mostMemory(t *testing.T, do func() error) int64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, peak := make(chan bool), make(chan uint64)
	go func() {
		var most uint64
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			select {
			case <-stop:
				peak <- most
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	err := do()
	stop <- true
	took := int64(<-peak - before.HeapAlloc)
	if err != nil {
		t.Fatal(err)
	}
	return took
}
