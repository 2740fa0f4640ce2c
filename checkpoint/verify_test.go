package checkpoint_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/loopitr/loopitr"
)

// One changed byte, with size and modification time as before: only reading tells.
func TestVerifyReadsTheWeights(t *testing.T) {
	dir := saved(t, parts())
	if err := open(t, dir).Verify(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, stat.ModTime(), stat.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Verify(); !errors.Is(err, loopitr.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
