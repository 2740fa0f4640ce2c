package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"sync"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loopitr/loopitr"
)

// parquetSource is a Parquet file whose pages of pictures are known. A picture
// costs reading and decompressing the page that holds it.
type parquetSource struct {
	file  io.ReaderAt
	shut  func() error
	name  string
	size  int64
	bytes *leaf
	pages []picturePage
	rows  int64

	budget int64 // bytes that opening may still unpack

	mu              sync.Mutex
	dictionary      [][]byte // of one row group, the last that needed it
	dictionaryStart int64
}

// picturePage is a page of the picture column.
type picturePage struct {
	row        int64 // its first row in the file
	at         int64 // its header
	start, end int64 // the column in its row group
	codec      format.CompressionCodec
}

func (f *parquetSource) close() error { return f.shut() }

// mostFooter bounds a Parquet file's metadata; half a terabyte of pictures has
// some megabytes.
const mostFooter = 64 << 20

// A file may unpack to unpackRows of Limits.RowBytes, and to unpackRatio times its
// size if that is more: a dictionary lets a few bytes stand for a page of text
// again and again. A value costs valueCost beside its bytes.
const (
	unpackRows  = 256
	unpackRatio = 64
	valueCost   = 64
)

// readParquet reads captions, names and splits of every row, and where the pages
// of its pictures are. A row is a whole picture if its captions are several; rows
// of one caption each are grouped by name.
func readParquet(b *builder, path string) error {
	file, size, err := openRegular(path)
	if err != nil {
		return err
	}
	f := &parquetSource{file: file, shut: file.Close, name: path, size: size, dictionaryStart: -1}
	b.sources = append(b.sources, f)
	return f.read(b)
}

// read is readParquet on an open file.
func (f *parquetSource) read(b *builder) error {
	footer, columns, err := f.open(b.limits)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.name, corruptUnless(err))
	}
	if len(columns.captions) == 0 || columns.bytes == nil && len(columns.names) == 0 {
		return fmt.Errorf("read %s: no columns of pictures (%v) and captions (%v, caption_0): %w", f.name, parquetImages, captionNames, loopitr.ErrInvalid)
	}
	f.bytes = columns.bytes
	f.budget = max(unpackRows*int64(b.limits.RowBytes), unpackRatio*f.size)
	for i, group := range footer.RowGroups {
		if err := f.readGroup(b, group, columns); err != nil {
			if b.ctx.Err() != nil {
				return b.ctx.Err()
			}
			return fmt.Errorf("read %s: row group %d: %w", f.name, i, corruptUnless(err))
		}
	}
	return nil
}

// corruptUnless adds ErrCorrupt to errors that have no kind yet.
func corruptUnless(err error) error {
	if errors.Is(err, loopitr.ErrInvalid) || errors.Is(err, loopitr.ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", err, loopitr.ErrCorrupt)
}

// open reads the footer. The library believes the sizes it reads there, so they
// are checked against the bytes that are left first, and its panics are errors.
func (f *parquetSource) open(limits Limits) (footer *format.FileMetaData, columns parquetColumns, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("schema: %v: %w", r, loopitr.ErrCorrupt)
		}
	}()
	var tail [8]byte
	if f.size < 12 {
		return nil, columns, fmt.Errorf("%d bytes: %w", f.size, loopitr.ErrCorrupt)
	}
	if _, err := f.file.ReadAt(tail[:], f.size-8); err != nil {
		return nil, columns, err
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != "PAR1" || length > f.size-12 || length > mostFooter {
		return nil, columns, fmt.Errorf("the file does not end in a footer: %w", loopitr.ErrCorrupt)
	}
	raw := make([]byte, length)
	if _, err := f.file.ReadAt(raw, f.size-8-length); err != nil {
		return nil, columns, err
	}
	t := &thrift{b: raw, structs: 10_000 + len(raw)/16}
	if err := t.skip(thriftStruct, 0); err != nil {
		return nil, columns, err
	}
	opened, err := parquet.OpenFile(f.file, f.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, columns, err
	}
	return opened.Metadata(), findColumns(opened.Root(), 4*limits.PictureBytes), nil
}

// groupRows are the columns of one row group.
type groupRows struct {
	count    int
	lists    bool // a row has all captions of its picture
	names    [][][]string
	captions [][][]string
	splits   [][]string
	pictures []Reason // why a row has no picture; empty where it has
}

func (f *parquetSource) readGroup(b *builder, group format.RowGroup, columns parquetColumns) error {
	g, err := f.group(b, group, columns)
	if err != nil {
		return err
	}
	if f.rows+int64(g.count) > int64(b.limits.Records) {
		return fmt.Errorf("more than %d rows: %w", b.limits.Records, loopitr.ErrInvalid)
	}
	for i := range g.count {
		row := g.row(i)
		row.at = spot{file: f.name, line: int(f.rows) + i + 1, unit: "row"}
		if row.name == "" && f.bytes != nil {
			row.name = fmt.Sprintf("%s#%d", filepath.Base(f.name), f.rows+int64(i))
			row.whole = true // another file of that name has other pictures
		}
		if f.bytes != nil {
			switch reason := g.pictures[i]; reason {
			case "":
				row.place = place{source: f, name: fmt.Sprintf("%s:%d", f.name, f.rows+int64(i)), offset: f.rows + int64(i)}
			case MissingFile: // perhaps a file of that name
			default:
				b.skip(row.at, reason, row.name)
				continue
			}
		}
		if err := b.add(row); err != nil {
			return err
		}
	}
	f.rows += int64(g.count)
	return nil
}

func (g *groupRows) row(i int) row {
	r := row{}
	for _, column := range g.names {
		if len(column[i]) > 0 && column[i][0] != "" {
			r.name = column[i][0]
			break
		}
	}
	for _, column := range g.captions {
		r.captions = append(r.captions, column[i]...)
	}
	r.whole = g.lists
	if g.splits != nil && len(g.splits[i]) > 0 {
		r.split, r.stated = g.splits[i][0], true
	}
	return r
}

// group reads the columns of one row group, which must have equally many rows.
func (f *parquetSource) group(b *builder, group format.RowGroup, columns parquetColumns) (*groupRows, error) {
	g := &groupRows{count: -1, lists: len(columns.captions) > 1 || columns.captions[0].repetition > 0}
	read := func(l *leaf) ([][]string, error) {
		if err := b.ctx.Err(); err != nil {
			return nil, err
		}
		rows, err := f.texts(group, l)
		if err != nil {
			return nil, err
		}
		return rows, g.agree(len(rows), l)
	}
	for _, l := range columns.captions {
		rows, err := read(l)
		if err != nil {
			return nil, err
		}
		g.captions = append(g.captions, rows)
	}
	for _, l := range columns.names {
		rows, err := read(l)
		if err != nil {
			return nil, err
		}
		g.names = append(g.names, rows)
	}
	if columns.split != nil {
		rows, err := read(columns.split)
		if err != nil {
			return nil, err
		}
		g.splits = rows
	}
	if columns.bytes == nil {
		return g, nil
	}
	var err error
	if g.pictures, err = f.findPages(group); err != nil {
		return nil, err
	}
	return g, g.agree(len(g.pictures), columns.bytes)
}

func (g *groupRows) agree(rows int, l *leaf) error {
	if g.count >= 0 && rows != g.count {
		return fmt.Errorf("column %v has %d rows, the others %d: %w", l.path, rows, g.count, errPage)
	}
	g.count = rows
	return nil
}

// findPages notes the pages of pictures of a row group by their headers alone,
// unless the column is said to have rows without one.
func (f *parquetSource) findPages(group format.RowGroup) ([]Reason, error) {
	c, err := f.pagesOf(group, f.bytes)
	if err != nil {
		return nil, err
	}
	start, nulls := c.at, group.Columns[f.bytes.index].MetaData.Statistics.NullCount > 0
	var rows []Reason
	for c.at < c.end {
		h, err := c.header()
		if err != nil {
			return nil, fmt.Errorf("column %v: %w", f.bytes.path, err)
		}
		at, reason := c.at, Reason("")
		c.at += h.length + h.storedSize
		if h.kind != format.DataPage && h.kind != format.DataPageV2 {
			continue
		}
		if max(h.storedSize, h.plainSize) > c.leaf.largest {
			reason = OversizedInput
		}
		f.pages = append(f.pages, picturePage{row: f.rows + int64(len(rows)), at: at, start: start, end: c.end, codec: c.codec})
		first := len(rows)
		for range h.values {
			rows = append(rows, reason)
		}
		if len(rows) > mostGroupRows {
			return nil, fmt.Errorf("row group of more than %d rows: %w", mostGroupRows, loopitr.ErrInvalid)
		}
		if nulls && reason == "" {
			p, _, err := c.unpack(h, at+h.length)
			if err != nil {
				return nil, fmt.Errorf("column %v: %w", f.bytes.path, err)
			}
			for i, level := range p.definition {
				if int(level) < f.bytes.definition {
					rows[first+i] = MissingFile
				}
			}
		}
	}
	return rows, nil
}

// picture decodes the page of a row.
func (f *parquetSource) picture(p place, limit int64) ([]byte, error) {
	n := sort.Search(len(f.pages), func(i int) bool { return f.pages[i].row > p.offset }) - 1
	at := f.pages[n]
	c := &chunkPages{r: f.file, leaf: *f.bytes, codec: at.codec, at: at.at, end: at.end}
	value, err := f.value(c, at, int(p.offset-at.row))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.name, corruptUnless(err))
	}
	switch {
	case value == nil:
		return nil, fmt.Errorf("read %s: the row has no picture: %w", p.name, loopitr.ErrNotFound)
	case int64(len(value)) > limit:
		return nil, fmt.Errorf("read %s: %d bytes, more than the limit of %d: %w", p.name, len(value), limit, loopitr.ErrInvalid)
	}
	return append([]byte(nil), value...), nil
}

// value is the n-th value of the page at c; nil when it is null.
func (f *parquetSource) value(c *chunkPages, at picturePage, n int) ([]byte, error) {
	h, err := c.header()
	if err != nil {
		return nil, err
	}
	if h.encoding == format.RLEDictionary || h.encoding == plainDictionary {
		if c.dictionary, err = f.dictionaryOf(at); err != nil {
			return nil, err
		}
	}
	page, err := c.decode(h, c.at+h.length)
	if err != nil {
		return nil, err
	}
	if n >= page.count {
		return nil, errPage
	}
	if f.bytes.definition == 0 {
		return page.values[n], nil
	}
	if int(page.definition[n]) < f.bytes.definition {
		return nil, nil
	}
	before := 0
	for _, level := range page.definition[:n] {
		if int(level) == f.bytes.definition {
			before++
		}
	}
	return page.values[before], nil
}

// dictionaryOf reads the dictionary of the row group that a page is in.
func (f *parquetSource) dictionaryOf(at picturePage) ([][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dictionaryStart == at.start {
		return f.dictionary, nil
	}
	c := &chunkPages{r: f.file, leaf: *f.bytes, codec: at.codec, at: at.start, end: at.end}
	h, err := c.header()
	if err != nil {
		return nil, err
	}
	if h.kind != format.DictionaryPage {
		return nil, fmt.Errorf("no dictionary: %w", errPage)
	}
	dictionary, err := c.readDictionary(h, c.at+h.length)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	f.dictionary, f.dictionaryStart = dictionary, at.start
	return dictionary, err
}
