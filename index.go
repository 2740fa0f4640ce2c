package loopitr

import (
	"context"
	"encoding/hex"
	"time"
)

// Hash is the SHA-256 digest of a file's bytes.
type Hash [32]byte

// String returns the digest in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Item is one picture file as an index knows it.
type Item struct {
	// Path is relative to the indexed folder, slash-separated, and unique.
	Path string
	// Size is in bytes. Modified is kept to the microsecond, Facts.Taken to the
	// millisecond, both as UTC.
	Size     int64
	Modified time.Time
	Hash     Hash
	Facts    Facts
}

// Entry is what Put stores. An entry whose Encoding.Vector is nil takes the
// encoding of an item with the same hash, already stored or in the same call.
type Entry struct {
	Item
	Encoding
}

// Move says that the picture at From is now To. The encoding stays.
type Move struct {
	From string
	To   Item
}

// Lookup asks for the pictures nearest to a vector.
type Lookup struct {
	Vector Vector // unit length
	Filter Filter // applied before the nearest are chosen
	Count  int    // at most so many neighbours
}

// Neighbour is one picture found by Nearest. Files with equal content are one
// neighbour: Item is the one whose path sorts first, Duplicates the paths of the
// others in order. All of them pass the filter.
type Neighbour struct {
	Item       Item
	Duplicates []string
	Cosine     float32
}

// Index holds the encodings of pictures that one model made. It may be called
// concurrently. Arguments are not retained, results are the caller's. Each call
// that changes something does so wholly or not at all, and what it changed is
// there after a crash.
//
// Every method returns ctx's error when ctx ends first. Damaged storage wraps
// ErrCorrupt; a full disk, a locked file, a server that is away or an index
// opened for reading only wraps ErrUnavailable.
type Index interface {
	// Fingerprint names the model whose encodings are held. An index of another
	// model is refused when it is opened.
	Fingerprint() string
	// Put inserts entries or replaces what their paths held. It wraps ErrInvalid
	// when a path is empty, absolute or leaves the folder, or when a vector is
	// not of unit length, holds a NaN or is not as wide as those stored; it wraps
	// ErrNotFound when an entry brings no vector and no item has its hash.
	// Encodings of equal hashes are interchangeable: which is kept is not said.
	// Entries without states, or an index that keeps none, are fine.
	Put(ctx context.Context, entries []Entry) error
	// Delete removes items and returns how many of the paths were there.
	Delete(ctx context.Context, paths []string) (int, error)
	// Move renames items, in order, and replaces what the new paths held. It
	// wraps ErrNotFound when a From is not there and ErrInvalid when the hash
	// of To is not the stored one.
	Move(ctx context.Context, moves []Move) error
	// Item returns the item at path and its vector, or wraps ErrNotFound.
	Item(ctx context.Context, path string) (Item, Vector, error)
	// Items lists at most limit items whose paths sort after the given one,
	// in ascending byte order of path. Fewer than limit means that was the end.
	Items(ctx context.Context, after string, limit int) ([]Item, error)
	// Holders lists the items with this content by path; none is no error.
	Holders(ctx context.Context, hash Hash) ([]Item, error)
	// Nearest returns the pictures with the highest cosine among those that pass
	// the filter, exactly, best first, equal cosines by path. Fewer than Count
	// means there are no more. It wraps ErrInvalid when the vector is not as wide
	// as those stored or not of unit length, or when Count is negative.
	Nearest(ctx context.Context, l Lookup) ([]Neighbour, error)
	// States returns the image tokens of the items at paths, in order; an item
	// that is not there or has none gives States with Count 0.
	States(ctx context.Context, paths []string) ([]States, error)
	// Publish makes a rebuilt index (of a new model, beside the old one) the one
	// that is opened from now on and drops the old. It does nothing when there is
	// nothing to switch.
	Publish(ctx context.Context) error
	// Close waits for running calls. Calls after it wrap ErrUnavailable.
	Close() error
}
