package dataset

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
)

// row is what a format's reader found of one picture.
type row struct {
	at       spot
	name     string
	captions []string
	split    string // as written
	stated   bool   // split is stated, be it empty: the file's name does not count
	whole    bool   // all there is of the picture: a second one is a duplicate
	place    place  // where the bytes lie, when the format itself holds them
}

// builder groups rows into records in file order.
type builder struct {
	ctx    context.Context
	limits Limits
	skips  Skips

	records  []Record
	places   []place
	spots    []spot
	byID     map[string]int
	sources  []source
	rows     int
	inferred string // the split that the current file's name states
	finder   finder // of the pictures of the current file
	stands   bool   // tokens stand in for pictures: a name is one picture in all folders
}

func newBuilder(ctx context.Context, limits Limits) *builder {
	return &builder{ctx: ctx, limits: limits, byID: map[string]int{}}
}

func (b *builder) skip(at spot, reason Reason, detail string) {
	b.skips.add(b.limits.Details, Skip{Where: at.String(), Reason: reason, Detail: detail})
}

// add takes one row. The error is the context's, or says that the set is over
// its limit of records; a bad row is skipped.
func (b *builder) add(r row) error {
	if b.rows++; b.rows%1024 == 0 {
		if err := b.ctx.Err(); err != nil {
			return err
		}
	}
	id, err := cleanName(r.name)
	if err != nil {
		b.skip(r.at, UnsafeName, fmt.Sprintf("%q: %v", r.name, err))
		return nil
	}
	if !utf8.ValidString(r.split) || len(r.split) > 256 {
		b.skip(r.at, BadRow, "split is not a word")
		return nil
	}
	split := cleanSplit(oneLine(r.split))
	if split == "" && !r.stated {
		split = b.inferred
	}
	i, known := b.byID[id]
	if known {
		if reason, detail := b.conflict(i, r, split); reason != "" {
			b.skip(r.at, reason, detail)
			return nil
		}
	}
	captions := b.clean(r)
	switch {
	case known:
		b.records[i].Captions = append(b.records[i].Captions, captions...)
		if split != "" {
			b.records[i].Split = split
		}
		return nil
	case len(captions) == 0:
		if len(r.captions) == 0 { // otherwise each of them was counted
			b.skip(r.at, NoCaption, id)
		}
		return nil
	case len(b.records) >= b.limits.Records:
		return fmt.Errorf("read %s: more than %d pictures: %w", r.at.file, b.limits.Records, loopitr.ErrInvalid)
	}
	if r.place.source == nil {
		r.place.finder = b.finder
	}
	b.byID[id] = len(b.records)
	b.records = append(b.records, Record{ID: id, Captions: captions, Split: split})
	b.places = append(b.places, r.place)
	b.spots = append(b.spots, r.at)
	return nil
}

// conflict is why a row of the same name does not belong to record i; it is
// empty when the row does.
func (b *builder) conflict(i int, r row, split string) (Reason, string) {
	was, place := b.records[i], b.places[i]
	switch {
	case place.source == nil && r.place.source == nil && place.finder != b.finder && !b.stands:
		return DuplicateID, fmt.Sprintf("%s was at %s, beside other pictures", was.ID, b.spots[i])
	case split != "" && was.Split != "" && was.Split != split:
		return SeveralSplits, fmt.Sprintf("%s is in %q, and here in %q", was.ID, was.Split, split)
	case r.whole:
		return DuplicateID, fmt.Sprintf("%s was at %s", was.ID, b.spots[i])
	}
	return "", ""
}

// clean keeps the captions of a row that are text.
func (b *builder) clean(r row) []string {
	captions := make([]string, 0, len(r.captions))
	for _, caption := range r.captions {
		if caption, ok := b.cleanOne(r.at, caption); ok {
			captions = append(captions, caption)
		}
	}
	return captions
}

func (b *builder) cleanOne(at spot, caption string) (string, bool) {
	if !utf8.ValidString(caption) {
		b.skip(at, InvalidText, fmt.Sprintf("caption %.80q", caption))
		return "", false
	}
	line := oneLine(caption)
	switch {
	case line == "":
		b.skip(at, EmptyCaption, "")
		return "", false
	case len(line) > b.limits.CaptionBytes:
		b.skip(at, OversizedInput, fmt.Sprintf("caption of %d bytes, limit %d", len(line), b.limits.CaptionBytes))
		return "", false
	}
	return line, true
}

// keep drops the records for which want is false, in order, and forgets them.
func (b *builder) keep(want func(i int) bool) {
	n := 0
	for i := range b.records {
		if !want(i) {
			continue
		}
		b.records[n], b.places[n], b.spots[n] = b.records[i], b.places[i], b.spots[i]
		n++
	}
	clear(b.records[n:])
	b.records, b.places, b.spots = b.records[:n], b.places[:n], b.spots[:n]
	b.byID = nil
}

func (b *builder) close() {
	for _, s := range b.sources {
		_ = s.close() // only reads were done
	}
}
