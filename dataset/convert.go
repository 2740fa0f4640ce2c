package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// Format is what Convert writes.
type Format string

const (
	JSONL      Format = "jsonl"      // an object with image, captions and split a line
	TSV        Format = "tsv"        // rows of image, caption, split under a header
	CSV        Format = "csv"        // the same, quoted where needed
	Karpathy   Format = "karpathy"   // one JSON object as in dataset_coco.json
	WebDataset Format = "webdataset" // a folder of tar shards with the pictures

	// Flickr is rows of NAME#number, caption, with a split.SPLIT.txt beside for each
	// split. A set without splits should not be named after one: see Open.
	Flickr Format = "flickr"
)

// formats are the writers of those that are one file.
var formats = map[Format]func(w io.Writer, records []Record) error{
	JSONL: writeJSONL, TSV: writeTSV, CSV: writeCSV, Karpathy: writeKarpathy, Flickr: writeFlickr,
}

// Formats lists what Convert can write.
func Formats() []Format { return append(sortedKeys(formats), WebDataset) }

// ConvertConfig says what Convert writes and where.
type ConvertConfig struct {
	Format Format
	// Path is the file to write; for WebDataset a folder, in which shards
	// 000000.tar and on are made.
	Path string
	// Pictures also writes the pictures to images/ beside Path. Shards always
	// hold them.
	Pictures bool
	// ShardBytes is when a shard is full. 0 is 256 MiB.
	ShardBytes int64
	// Details is how many skipped pictures are listed; all are counted. 0 is 1000.
	Details int
	// Progress is told, when not nil, for how many records a picture was read or
	// skipped; lists without pictures are not counted.
	Progress func(done, total int)
}

// Validate names the field that can never work; it wraps loopitr.ErrInvalid.
func (c ConvertConfig) Validate() error {
	switch {
	case !slices.Contains(Formats(), c.Format):
		return fmt.Errorf("convert: format %q is none of %v: %w", c.Format, Formats(), loopitr.ErrInvalid)
	case c.Path == "":
		return fmt.Errorf("convert: path is empty: %w", loopitr.ErrInvalid)
	case c.ShardBytes < 0:
		return fmt.Errorf("convert: shard of %d bytes: %w", c.ShardBytes, loopitr.ErrInvalid)
	}
	return nil
}

// Converted is what came of Convert.
type Converted struct {
	// Skipped is what was left out.
	Skipped Skips
	// Images is what Options.Images must name for the list to be read: its pictures
	// lie where its names do not lead. Empty where no option is needed.
	Images string
	// Apart says that no Images would do: the pictures are in shards, Parquet files
	// or several folders, and only Pictures brings them to the list.
	Apart bool
}

// Convert writes a set. Opening what it wrote gives the same Records, and with
// pictures the same bytes. A list without pictures is written to be opened where
// it lies: where its names would not lead from there to the pictures, they become
// the pictures' paths below its folder, but not in a set with a token file, whose
// tokens are found by the names. Where they stay, Converted says how to open it.
//
// A picture that cannot be read, or whose captions take more than a row's default
// limit in the format, is left out, with its record, and listed. Every file is
// complete or not there. The error wraps loopitr.ErrInvalid when the format cannot
// hold the set's names; otherwise it is ctx's or the operating system's.
func Convert(ctx context.Context, s *Set, config ConvertConfig) (Converted, error) {
	if err := config.Validate(); err != nil {
		return Converted{}, err
	}
	if config.Details == 0 {
		config.Details = DefaultLimits().Details
	}
	if config.ShardBytes == 0 {
		config.ShardBytes = 256 << 20
	}
	c := &converter{ctx: ctx, set: s, config: config}
	var err error
	if config.Format == WebDataset {
		err = c.shards()
	} else {
		err = c.file()
	}
	if err != nil {
		return c.done, fmt.Errorf("convert to %q: %w", config.Path, err)
	}
	return c.done, nil
}

type converter struct {
	ctx    context.Context
	set    *Set
	config ConvertConfig
	done   Converted
}

// picture reads one picture; ok is false, and the reason listed, when it cannot.
func (c *converter) picture(i int) (picture []byte, ok bool, err error) {
	if err := c.ctx.Err(); err != nil {
		return nil, false, err
	}
	if c.config.Progress != nil {
		defer c.config.Progress(i+1, len(c.set.Records))
	}
	if !c.fits(c.set.Records[i]) {
		return nil, false, nil
	}
	picture, err = c.set.Picture(i)
	if err != nil {
		c.skip(i, err)
		return nil, false, nil
	}
	return picture, true, nil
}

func (c *converter) skip(i int, err error) {
	reason := Unreadable
	if errors.Is(err, loopitr.ErrNotFound) {
		reason = MissingFile
	}
	c.done.Skipped.add(c.config.Details, Skip{Where: c.set.Records[i].ID, Reason: reason, Detail: err.Error()})
}

// jsonSpelling is the most bytes that JSON writes for one.
const jsonSpelling = 6

// fits tells whether a record can be read back from the format, in which it may be
// one row; if not, it is listed.
func (c *converter) fits(r Record) bool {
	limit, size := DefaultLimits().RowBytes, 0
	for _, caption := range r.Captions {
		size += len(caption) + 1
	}
	switch c.config.Format {
	case JSONL, Karpathy:
		if jsonSpelling*size > limit {
			var row bytes.Buffer
			if err := formats[c.config.Format](&row, []Record{r}); err == nil {
				size = row.Len()
			}
		}
	case WebDataset:
	default:
		return true // a caption a row
	}
	if size > limit {
		c.done.Skipped.add(c.config.Details, Skip{Where: r.ID, Reason: OversizedInput, Detail: fmt.Sprintf("captions of %d bytes, a row's limit is %d", size, limit)})
	}
	return size <= limit
}

func (c *converter) file() error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	var records []Record
	if c.config.Pictures {
		var err error
		if records, err = c.pictures(); err != nil {
			return err
		}
	} else {
		for _, r := range c.listed() {
			if c.fits(r) {
				records = append(records, r)
			}
		}
		if err := c.ctx.Err(); err != nil { // it may have ended the search for pictures
			return err
		}
	}
	if c.config.Format == Flickr {
		if err := writeSplitFiles(filepath.Dir(c.config.Path), records); err != nil {
			return err
		}
	}
	return durable.WriteFile(c.config.Path, func(w io.Writer) error { return formats[c.config.Format](w, records) })
}

// pictures writes images/ID for every record and returns those that it could.
func (c *converter) pictures() ([]Record, error) {
	root := filepath.Join(filepath.Dir(c.config.Path), "images")
	names := make(map[string]bool, len(c.set.Records))
	for _, r := range c.set.Records {
		names[r.ID] = true
	}
	kept := make([]Record, 0, len(c.set.Records))
	written := make(map[string]string, len(c.set.Records)) // lower case to path
	for i, r := range c.set.Records {
		picture, ok, err := c.picture(i)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		name := r.ID
		if !spelledAlike(name, names) && !isPicture(name) {
			name += pictureExtension(picture)
		}
		path := filepath.Join(root, filepath.FromSlash(name)) // IDs have no ".."
		if why := unwritable(name, path, written[strings.ToLower(name)]); why != "" {
			c.done.Skipped.add(c.config.Details, Skip{Where: r.ID, Reason: UnsafeName, Detail: why})
			continue
		}
		written[strings.ToLower(name)] = path
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := durable.WriteBytes(path, picture); err != nil {
			return nil, err
		}
		if err := c.found(r.ID, path, picture); err != nil {
			return nil, err
		}
		kept = append(kept, r)
	}
	return kept, nil
}

// unwritable says why the disk has no file of its own for a picture's name: the
// system allows no such name, or takes it for the one that was written as before,
// which differs in case alone. It is empty when it has.
func unwritable(name, path, before string) string {
	if runtime.GOOS == "windows" && windowsRefuses(name) {
		return "Windows allows no file of this name"
	}
	old, err := os.Stat(before)
	if err != nil {
		return ""
	}
	if now, err := os.Stat(path); err == nil && os.SameFile(old, now) {
		return fmt.Sprintf("the disk takes it for %q", filepath.Base(before))
	}
	return ""
}

// found tells whether the picture written to path is the one that is read for its
// name: a file that was there before may be found first.
func (c *converter) found(id, path string, picture []byte) error {
	at, reason, detail := foldersBeside(filepath.Dir(c.config.Path), c.set.limit).find(id)
	switch {
	case reason != "":
		return fmt.Errorf("%s cannot be found again: %s: %s: %w", path, reason, detail, loopitr.ErrInvalid)
	case at.name == path:
		return nil
	}
	other, err := at.source.picture(at, c.set.limit)
	if err == nil && bytes.Equal(other, picture) {
		return nil
	}
	return fmt.Errorf("%s is there already and would be read instead of %s: %w", at.name, path, loopitr.ErrInvalid)
}

// spelledAlike reports a name under which another of the names would be found, or
// would be overwritten: "a" beside "a.jpg".
func spelledAlike(name string, names map[string]bool) bool {
	alike := false
	spellings(name, func(spelled string) bool {
		alike = spelled != name && names[spelled]
		return !alike
	})
	return alike
}

// pictureExtension is what a picture's first bytes say it is; .jpg when they say
// nothing, because a name must end somehow.
func pictureExtension(picture []byte) string {
	for _, magic := range []struct{ begin, extension string }{
		{"\x89PNG", ".png"}, {"GIF8", ".gif"}, {"BM", ".bmp"}, {"II*\x00", ".tiff"}, {"MM\x00*", ".tiff"},
	} {
		if strings.HasPrefix(string(picture[:min(len(picture), 8)]), magic.begin) {
			return magic.extension
		}
	}
	if len(picture) > 12 && bytes.HasPrefix(picture, []byte("RIFF")) && string(picture[8:12]) == "WEBP" {
		return ".webp"
	}
	return ".jpg"
}
