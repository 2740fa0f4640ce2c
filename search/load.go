package search

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/loopitr/loopitr"
)

func sameFolder(a, b fs.FileInfo) bool { return os.SameFile(a, b) }

func hashOf(encoded []byte) loopitr.Hash { return sha256.Sum256(encoded) }

// readFile reads at most limit bytes; more is an error that wraps ErrInvalid.
func readFile(folder fs.FS, path string, limit int64) ([]byte, error) {
	f, err := folder.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	encoded, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(encoded)) > limit {
		return nil, fmt.Errorf("it has more than %d bytes: %w", limit, loopitr.ErrInvalid)
	}
	return encoded, nil
}

// readItem reads the file of an item if it has the size that the index says. What
// an index says may be a stranger's: what never ends or is too large stays shut.
func readItem(folder fs.FS, i loopitr.Item) ([]byte, error) {
	stat, err := fs.Stat(folder, i.Path)
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() || stat.Size() != i.Size || i.Size > defaultFileBytes {
		return nil, fmt.Errorf("it is not a file of %d bytes: %w", i.Size, loopitr.ErrInvalid)
	}
	return readFile(folder, i.Path, i.Size)
}

// loaded is a picture file that has to go into the index.
type loaded struct {
	item loopitr.Item
	// stored says that the index holds something at this path.
	stored bool
	// known says that the index holds this content; picture is set otherwise.
	known   bool
	picture loopitr.Picture
	// err says why the file is skipped. unread says that its bytes are not known,
	// so that what the index holds of it stays.
	err    error
	unread bool
	// failed is the index's own error, which is no fault of the file.
	failed error
}

// load reads, hashes and, if the content is new, decodes a file.
func (b *build) load(ctx context.Context, e event) loaded {
	l := loaded{item: loopitr.Item{Path: e.path, Modified: e.stat.ModTime()}, stored: e.stored}
	if e.stat.Size() > b.MaxFileBytes {
		l.err = fmt.Errorf("it has %d bytes, the limit is %d: %w", e.stat.Size(), b.MaxFileBytes, loopitr.ErrInvalid)
		return l
	}
	encoded, err := readFile(b.Folder, e.path, b.MaxFileBytes)
	switch {
	case err != nil:
		l.err, l.unread = err, true
		return l
	case len(encoded) == 0:
		l.err = fmt.Errorf("it is empty: %w", loopitr.ErrInvalid)
		return l
	}
	l.item.Size, l.item.Hash = int64(len(encoded)), hashOf(encoded)
	holders, err := b.holders(ctx, l.item.Hash)
	if err != nil {
		l.failed = err
		return l
	}
	if len(holders) > 0 {
		l.known, l.item.Facts = true, holders[0].Facts
		return l
	}
	l.picture, l.item.Facts, l.err = b.Preparer.Prepare(encoded)
	l.item.Facts = tidy(l.item.Facts)
	return l
}
