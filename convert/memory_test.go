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

// bigViT writes a vision tower of so many layers, 512 wide: 12.6 MB a layer.
func bigViT(t *testing.T, layers int) (path string, size int64) {
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
	var entries []torch.Entry
	for i := range all {
		entries = append(entries, torch.Entry{Key: all[i].Name, Source: &all[i]})
	}
	path = filepath.Join(t.TempDir(), "vit.pth")
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
	stat, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return path, stat.Size()
}

// A file is never in memory as a whole: only its largest tensor is.
func TestImportTakesFarLessMemoryThanTheFile(t *testing.T) {
	path, size := bigViT(t, 12)
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
	words, err := os.ReadFile("testdata/vit_hf/vocab.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err = convert.Import(path, filepath.Join(t.TempDir(), "model"), convert.Config{Vocabulary: words, Around: convert.Around{Network: network.Nano()}})
	stop <- true
	took := int64(<-peak - before.HeapAlloc)
	if err != nil {
		t.Fatal(err)
	}
	if took > size/4 {
		t.Errorf("a file of %d bytes took %d of memory", size, took)
	}
}
