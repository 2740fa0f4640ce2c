package search_test

import (
	"io/fs"
	"testing"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

// sealed is a folder of files that must not be opened: some never end, some wait
// for a writer, some are larger than memory.
type sealed struct {
	t     *testing.T
	files map[string]sealedInfo
}

type sealedInfo struct {
	fs.FileInfo
	size int64
	mode fs.FileMode
}

func (i sealedInfo) Size() int64       { return i.size }
func (i sealedInfo) Mode() fs.FileMode { return i.mode }

func (s sealed) Open(name string) (fs.File, error) {
	s.t.Errorf("%q is opened", name)
	return nil, fs.ErrPermission
}

func (s sealed) Stat(name string) (fs.FileInfo, error) { return s.files[name], nil }

// An index may come from a stranger, and says which files to read and how much.
func TestTokensAreMadeOfPictureFilesOnly(t *testing.T) {
	folder := sealed{t, map[string]sealedInfo{
		"zero": {mode: fs.ModeDevice | fs.ModeCharDevice},
		"pipe": {mode: fs.ModeNamedPipe},
		"huge": {size: 1 << 40},
		"grew": {size: 1 << 20},
	}}
	var items []loopitr.Item
	for name, size := range map[string]int64{"zero": 1 << 40, "pipe": 1 << 40, "huge": 1 << 40, "grew": 1 << 10} {
		items = append(items, loopitr.Item{Path: name, Size: size})
	}
	model := newFake()
	tokens, err := search.TokensFrom(folder, model, model)(t.Context(), items)
	must(t, err)
	for i, states := range tokens {
		if states.Count != 0 {
			t.Errorf("%q has tokens", items[i].Path)
		}
	}
}
