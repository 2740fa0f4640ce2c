package search

import (
	"fmt"
	"hash/fnv"
	"io"
	"slices"

	"github.com/loopitr/loopitr"
)

// Shard is part Number of Of parts, 1 to Of, of a folder's pictures, for jobs that
// fill one index at the same time. Paths are dealt out by their hash, so that a
// part has pictures of every folder and stays as it is when others come. The zero
// Shard is the whole folder.
type Shard struct{ Number, Of int }

// Validate wraps loopitr.ErrInvalid.
func (s Shard) Validate() error {
	if s != (Shard{}) && (s.Of < 1 || s.Number < 1 || s.Number > s.Of) {
		return fmt.Errorf("shard %d/%d: want 1/%d to %d/%d: %w", s.Number, s.Of, max(s.Of, 1), max(s.Of, 1), max(s.Of, 1), loopitr.ErrInvalid)
	}
	return nil
}

func (s Shard) whole() bool { return s.Of < 2 }

func (s Shard) has(path string) bool {
	if s.whole() {
		return true
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, path) // a hash takes everything
	return h.Sum64()%uint64(s.Of) == uint64(s.Number-1)
}

// own leaves only the part's items: another job may be about to drop the others,
// so nothing may depend on them. What moves from part to part is encoded again.
func (s Shard) own(items []loopitr.Item) []loopitr.Item {
	return slices.DeleteFunc(items, func(i loopitr.Item) bool { return !s.has(i.Path) })
}
