package dataset

import (
	"fmt"
	"strings"

	"github.com/loopitr/loopitr"
)

// Options says what to open. The zero value of every field but Path works.
type Options struct {
	// Path is an annotation file, a shard or a pattern of shards ({00..03}, {a,b},
	// or *), or a folder. See Open.
	Path string
	// Images is the folder or zip that holds the pictures. Empty: beside the
	// annotations, or in images/ or Images/ there.
	Images string
	// Tokens is a token file that stands in for the pictures: a record without
	// tokens is skipped, and no picture is looked for unless Images is set.
	Tokens string
	// Split keeps the records of one split, or of several joined by "+"
	// ("train+restval"). Empty keeps all.
	Split string
	// Language takes the captions of tar shards from captions.LANGUAGE.tsv beside
	// them instead of from KEY.txt. "" and "en" read KEY.txt.
	Language string
	// Strict makes the first thing that would be skipped an error.
	Strict bool
	// Limits bounds what one input may cost.
	Limits Limits
}

// Limits bounds what one input of a stranger may cost. A zero field means its
// default.
type Limits struct {
	// PictureBytes is the largest picture file that is read. Default 64 MiB.
	PictureBytes int64
	// RowBytes is the largest row, line, list element or caption file. Default 1 MiB.
	// The text of a Parquet file may unpack to 256 times that, or to 64 times the
	// file's size if that is more.
	RowBytes int
	// CaptionBytes is the longest caption. Default 16 KiB.
	CaptionBytes int
	// Records is the largest number of pictures. Default 50 million.
	Records int
	// Details is how many skipped inputs are kept with their reason; all are
	// counted. Default 1000.
	Details int
}

// DefaultLimits returns the limits that zero fields stand for.
func DefaultLimits() Limits {
	return Limits{
		PictureBytes: 64 << 20,
		RowBytes:     1 << 20,
		CaptionBytes: 16 << 10,
		Records:      50_000_000,
		Details:      1000,
	}
}

// Validate names the field that can never work; it wraps loopitr.ErrInvalid.
func (o Options) Validate() error {
	if o.Path == "" {
		return fmt.Errorf("dataset options: path is empty: %w", loopitr.ErrInvalid)
	}
	if strings.ContainsAny(o.Language, `/\.`) {
		return fmt.Errorf("dataset options: language %q: %w", o.Language, loopitr.ErrInvalid)
	}
	return o.Limits.Validate()
}

// Validate names the limit that is negative; it wraps loopitr.ErrInvalid.
func (l Limits) Validate() error {
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"picture bytes", l.PictureBytes},
		{"row bytes", int64(l.RowBytes)},
		{"caption bytes", int64(l.CaptionBytes)},
		{"records", int64(l.Records)},
		{"details", int64(l.Details)},
	} {
		if field.value < 0 {
			return fmt.Errorf("dataset limits: %s %d is negative: %w", field.name, field.value, loopitr.ErrInvalid)
		}
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.PictureBytes > 0 {
		d.PictureBytes = l.PictureBytes
	}
	if l.RowBytes > 0 {
		d.RowBytes = l.RowBytes
	}
	if l.CaptionBytes > 0 {
		d.CaptionBytes = l.CaptionBytes
	}
	if l.Records > 0 {
		d.Records = l.Records
	}
	if l.Details > 0 {
		d.Details = l.Details
	}
	return d
}
