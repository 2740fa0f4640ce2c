package dataset

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loopitr/loopitr"
)

// The names of Parquet columns that are understood, in order of preference.
var (
	parquetImages = []string{"image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp"}
	parquetFiles  = []string{"filename", "file_name", "image_name", "image_path", "filepath", "file"}
	parquetIDs    = []string{"image_id", "img_id", "id", "key", "__key__"}
)

// parquetColumns are the leaves of a schema that hold a record.
type parquetColumns struct {
	bytes    *leaf
	names    []*leaf // the first that is not empty is the record's name
	captions []*leaf
	split    *leaf
}

// mostPageText bounds a page of text; writers end one at a megabyte.
const mostPageText = 64 << 20

// findColumns looks through the leaves of a schema for those of a record. A page
// of pictures may have largest bytes.
func findColumns(root *parquet.Column, largest int64) parquetColumns {
	var leaves []*leaf
	gatherLeaves(root, &leaves)
	top := func(names []string, fits func(l *leaf, rest []string) bool) []*leaf {
		var found []*leaf
		for _, name := range names {
			for _, l := range leaves {
				if strings.EqualFold(l.path[0], name) && fits(l, l.path[1:]) {
					found = append(found, l)
				}
			}
		}
		return found
	}
	flat := func(l *leaf, rest []string) bool { return len(rest) == 0 && l.repetition == 0 }
	first := func(found []*leaf) *leaf {
		if len(found) == 0 {
			return nil
		}
		return found[0]
	}
	var c parquetColumns
	c.bytes = first(top(parquetImages, func(l *leaf, rest []string) bool {
		return l.repetition == 0 && (slices.Equal(rest, []string{"bytes"}) || len(rest) == 0 && !l.text)
	}))
	if c.bytes != nil {
		c.bytes.largest = largest
	}
	c.names = append(top(parquetFiles, flat), top(parquetImages, func(l *leaf, rest []string) bool {
		return l.repetition == 0 && (slices.Equal(rest, []string{"path"}) || len(rest) == 0 && l.text)
	})...)
	c.names = append(c.names, top(parquetIDs, flat)...)
	c.split = first(top(splitNames, flat))
	captions := top(captionNames, func(_ *leaf, rest []string) bool {
		return len(rest) == 0 || len(rest) == 1 && slices.Contains([]string{"raw", "caption", "text"}, rest[0])
	})
	if len(captions) > 0 {
		c.captions = captions[:1]
		return c
	}
	for _, l := range leaves { // caption_0, caption_1, ...
		if name, number, ok := strings.Cut(l.path[0], "_"); ok && name == "caption" && isNumber(number) && flat(l, l.path[1:]) {
			c.captions = append(c.captions, l)
		}
	}
	return c
}

// gatherLeaves lists the columns of byte arrays. The groups that only say that a
// list is one are left out of their paths.
func gatherLeaves(c *parquet.Column, into *[]*leaf) {
	for _, child := range c.Columns() {
		gatherLeaves(child, into)
	}
	if !c.Leaf() || c.Type().Kind() != parquet.ByteArray {
		return
	}
	l := &leaf{index: c.Index(), repetition: c.MaxRepetitionLevel(), definition: c.MaxDefinitionLevel(), largest: mostPageText}
	for _, element := range c.Path() {
		switch element {
		case "list", "element", "item", "array", "bag", "array_element":
		default:
			l.path = append(l.path, element)
		}
	}
	logical := c.Type().LogicalType()
	l.text = logical != nil && fmt.Sprint(logical) == "STRING"
	if len(l.path) > 0 {
		*into = append(*into, l)
	}
}

// mostGroupRows bounds the rows of one row group; writers make at most a million.
const mostGroupRows = 4 << 20

// pagesOf is the reader of one leaf in one row group.
func (f *parquetSource) pagesOf(group format.RowGroup, l *leaf) (*chunkPages, error) {
	if l.index >= len(group.Columns) {
		return nil, fmt.Errorf("row group has %d columns: %w", len(group.Columns), errPage)
	}
	m := group.Columns[l.index].MetaData
	start := m.DataPageOffset
	if m.DictionaryPageOffset > 0 && m.DictionaryPageOffset < start {
		start = m.DictionaryPageOffset
	}
	if m.Type != format.ByteArray || start < 4 || m.TotalCompressedSize < 0 || start > f.size || m.TotalCompressedSize > f.size-start {
		return nil, fmt.Errorf("column %v lies outside the file: %w", l.path, errPage)
	}
	return &chunkPages{r: f.file, leaf: *l, codec: m.Codec, at: start, end: start + m.TotalCompressedSize, budget: &f.budget}, nil
}

// texts reads a leaf of a row group: the values of each row; nil where there is
// none.
func (f *parquetSource) texts(group format.RowGroup, l *leaf) ([][]string, error) {
	pages, err := f.pagesOf(group, l)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for {
		p, err := pages.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("column %v: %w", l.path, err)
		}
		at := 0
		for i := range p.count {
			if l.repetition == 0 || p.repetition[i] == 0 {
				rows = append(rows, nil)
			}
			if len(rows) == 0 {
				return nil, fmt.Errorf("column %v begins inside a row: %w", l.path, errPage)
			}
			if l.definition == 0 || int(p.definition[i]) == l.definition {
				if err := pages.spend(len(p.values[at]), 0); err != nil {
					return nil, err
				}
				rows[len(rows)-1] = append(rows[len(rows)-1], string(p.values[at]))
				at++
			}
		}
		if len(rows) > mostGroupRows {
			return nil, fmt.Errorf("row group of more than %d rows: %w", mostGroupRows, loopitr.ErrInvalid)
		}
	}
}
