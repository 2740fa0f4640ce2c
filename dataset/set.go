package dataset

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/loopitr/loopitr"
)

// Set is an open set of pictures with captions. Its methods may be called
// concurrently; Close comes last.
type Set struct {
	// Records are in the order of the files. They must not be changed.
	Records []Record
	// Skipped is what was left out on the way.
	Skipped Skips

	places  []place
	sources []source
	limit   int64
	tokens  *TokenFile
	rows    []int // token row of each record
}

// Picture returns the bytes of the picture of record i as they are stored; they
// are the caller's.
//
// The error wraps loopitr.ErrNotFound when the picture is not there (it may be
// absent when Options.Tokens is set), loopitr.ErrInvalid when it is over
// Limits.PictureBytes or is no file, loopitr.ErrCorrupt when the archive around
// it is damaged.
func (s *Set) Picture(i int) ([]byte, error) {
	p := s.places[i]
	if p.source == nil {
		found, reason, detail := p.finder.find(s.Records[i].ID)
		if reason != "" {
			return nil, fmt.Errorf("read picture %q: %s: %s: %w", s.Records[i].ID, reason, detail, reason.kind())
		}
		p = found
	}
	picture, err := p.source.picture(p, s.limit)
	if err != nil {
		return nil, fmt.Errorf("read picture %q: %w", s.Records[i].ID, err)
	}
	return picture, nil
}

// File returns the file that holds the picture of record i: its own, or the
// archive (ARCHIVE:ENTRY). It is empty when the picture is absent.
func (s *Set) File(i int) string { return s.places[i].name }

// TokenShape returns how many tokens a picture has and how many features a
// token; both are 0 when the set was opened without a token file.
func (s *Set) TokenShape() (count, width int) {
	if s.tokens == nil {
		return 0, 0
	}
	return s.tokens.Count, s.tokens.Width
}

// Tokens writes the tokens of record i into dst, which must hold count*width
// values. Without a token file the error wraps loopitr.ErrNotFound.
func (s *Set) Tokens(i int, dst []float32) error {
	if s.tokens == nil {
		return fmt.Errorf("read tokens of %q: no token file was opened: %w", s.Records[i].ID, loopitr.ErrNotFound)
	}
	return s.tokens.Read(s.rows[i], dst)
}

// Close releases the files that the set holds open.
func (s *Set) Close() error {
	var errs []error
	for _, source := range s.sources {
		errs = append(errs, source.close())
	}
	if s.tokens != nil {
		errs = append(errs, s.tokens.Close())
	}
	return errors.Join(errs...)
}

// Open reads a set. What Options.Path may be, by its name and its first bytes:
//
//   - a folder: pictures with a .txt of the same name beside them, one caption a
//     line, recursively; folders train, val and test at the top state the split.
//     With metadata.jsonl or metadata.csv in it that file is read instead; a
//     folder of .tar or .parquet files is their pattern.
//   - .tar: WebDataset shards. A sample's key is its name up to the first dot of
//     the last element; KEY.EXT is the picture, KEY.txt the captions, one a line,
//     KEY.json may hold caption or captions, split, and image, the record's name.
//   - .json: Karpathy's dataset_*.json; COCO's images with annotations; lists of
//     objects with image and caption (a string or a list).
//   - .jsonl: such an object on each line.
//   - .csv: a header that names image, caption and perhaps split.
//   - .tsv, .txt, .token: such a header, or rows of FILE, number, ..., caption, or
//     of FILE#number, caption. split.NAME.txt files beside it state the splits.
//   - .parquet: an image column (bytes, or a struct of bytes and path), captions
//     as text, as a list, or as caption_0, caption_1, ...
//
// A table's pictures are looked for beside it, each table of a pattern by itself.
// Rows of one picture are grouped in the order of the file. Where a row
// states no split, the file's name may ("flickr30k_test.json", "train-00000-of-00002.parquet").
//
// The error wraps loopitr.ErrNotFound when a named file is not there;
// loopitr.ErrInvalid when the format is unknown or broken, the split does not
// exist (the error lists those that do), nothing is left, or, with Strict,
// anything was skipped; loopitr.ErrCorrupt when a binary format is damaged. It is
// ctx's when that ended.
func Open(ctx context.Context, o Options) (*Set, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	b := newBuilder(ctx, o.Limits.withDefaults())
	s, err := open(b, o)
	if err != nil {
		b.close()
		return nil, fmt.Errorf("open data %q: %w", o.Path, err)
	}
	return s, nil
}

func open(b *builder, o Options) (*Set, error) {
	files, err := inputs(b, o.Path)
	if err != nil {
		return nil, err
	}
	b.stands = o.Tokens != ""
	if err := readInputs(b, o, files); err != nil {
		return nil, err
	}
	read := CountOf(b.records)
	if err := keepSplit(b, o.Split); err != nil {
		return nil, err
	}
	s := &Set{limit: b.limits.PictureBytes}
	if o.Tokens != "" {
		if err := s.openTokens(b, o.Tokens); err != nil {
			return nil, err
		}
	}
	if err := s.findPictures(b, o); err != nil {
		s.closeTokens()
		return nil, err
	}
	if s.tokens != nil {
		s.rows = make([]int, len(b.records))
		for i, r := range b.records {
			s.rows[i], _ = s.tokens.Row(r.ID) // those without were dropped
		}
	}
	s.Records, s.Skipped, s.places, s.sources = b.records, b.skips, b.places, b.sources
	if err := s.check(b, o, read); err != nil {
		s.closeTokens()
		return nil, err
	}
	return s, nil
}

// ErrNoSplits says that a split was asked of data that states none; it comes with
// loopitr.ErrInvalid.
var ErrNoSplits = errors.New("the data states no splits")

// keepSplit drops the records of other splits.
func keepSplit(b *builder, split string) error {
	if split == "" {
		return nil
	}
	counts := map[string]Count{}
	for _, r := range b.records {
		c := counts[r.Split]
		counts[r.Split] = Count{c.Pictures + 1, c.Captions + len(r.Captions)}
	}
	wanted := map[string]bool{}
	for _, word := range strings.Split(split, "+") {
		word = cleanSplit(word)
		if _, exists := counts[word]; !exists || word == "" {
			return fmt.Errorf("no split %q: %w: %w", word, noSplit(counts), loopitr.ErrInvalid)
		}
		wanted[word] = true
	}
	b.keep(func(i int) bool { return wanted[b.records[i].Split] })
	return nil
}

// noSplit says which splits there are where another was asked for.
func noSplit(counts map[string]Count) error {
	without := counts[""]
	delete(counts, "")
	if len(counts) == 0 && without.Pictures > 0 {
		return fmt.Errorf("%w (%s)", ErrNoSplits, without.Text())
	}
	if len(counts) == 0 {
		return errors.New("the set is empty")
	}
	stated := sortedKeys(counts)
	for i, name := range stated {
		if i == 20 {
			stated = append(stated[:i], fmt.Sprintf("and %d more", len(counts)-i))
			break
		}
		stated[i] = fmt.Sprintf("%s (%s)", printable(name), counts[name].Text())
	}
	text := "there are " + strings.Join(stated, ", ")
	if without.Pictures > 0 {
		text += "; " + without.Text() + " without a split"
	}
	return errors.New(text)
}

// findPictures finds out where each record's picture lies and drops those that
// have none, unless tokens stand in for them.
func (s *Set) findPictures(b *builder, o Options) error {
	if s.tokens != nil && o.Images == "" {
		return nil
	}
	b.keep(func(i int) bool {
		if b.places[i].source != nil || b.ctx.Err() != nil {
			return true
		}
		found, reason, detail := b.places[i].finder.find(b.records[i].ID)
		if reason != "" {
			b.skip(b.spots[i], reason, detail)
			return false
		}
		b.places[i] = found
		return true
	})
	return b.ctx.Err()
}

// check makes an error of what Options forbid and of an empty set.
func (s *Set) check(b *builder, o Options, read Count) error {
	if o.Strict && s.Skipped.Total() > 0 {
		return fmt.Errorf("strict: %s; first %s: %w", s.Skipped, s.Skipped.Details[0], loopitr.ErrInvalid)
	}
	if len(s.Records) > 0 {
		return nil
	}
	looked := "pictures with captions"
	if read.Pictures > 0 {
		records := counted(read.Pictures, "record")
		looked = fmt.Sprintf("the pictures of %s beside it or in images/", records)
		if o.Images != "" {
			looked = fmt.Sprintf("the pictures of %s in %s", records, o.Images)
		}
		if o.Tokens != "" {
			looked = fmt.Sprintf("the tokens of %s in %s", records, o.Tokens)
		}
	}
	if s.Skipped.Total() > 0 {
		return fmt.Errorf("nothing left: looked for %s: %s; first %s: %w", looked, s.Skipped, s.Skipped.Details[0], loopitr.ErrInvalid)
	}
	return fmt.Errorf("nothing found: looked for %s: %w", looked, loopitr.ErrInvalid)
}

func (s *Set) openTokens(b *builder, path string) error {
	t, err := OpenTokens(path)
	if err != nil {
		return err
	}
	s.tokens = t
	b.keep(func(i int) bool {
		_, ok := t.Row(b.records[i].ID)
		if !ok {
			b.skip(b.spots[i], MissingTokens, b.records[i].ID)
		}
		return ok
	})
	return nil
}

func (s *Set) closeTokens() {
	if s.tokens != nil {
		_ = s.tokens.Close() // only reads were done
	}
}
