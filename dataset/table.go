package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loopitr/loopitr"
)

// The names of columns and fields that are understood, in order of preference.
var (
	imageNames   = []string{"image", "image_name", "file_name", "filename", "filepath", "image_path", "img", "file", "path"}
	captionNames = []string{"caption", "captions", "text", "texts", "comment", "sentence", "sentences", "raw"}
	splitNames   = []string{"split", "subset"}
)

// columns says which field of a row is what; -1 is absent. last is true for rows
// whose caption is the last field, however many there are.
type columns struct {
	image, caption, split int
	last                  bool
	splits                map[string]string // of split files, used where there is no split column
}

// readTSV reads tab-separated rows, one caption each; quotes mean nothing. The
// first row is a header that names an image and a caption column; or there is
// none, and rows are FILE<TAB>NUMBER<TAB>...<TAB>CAPTION, FILE#NUMBER<TAB>CAPTION
// or PICTURE.EXT<TAB>CAPTION.
func readTSV(b *builder, r io.Reader, file string, splits map[string]string) error {
	in := newLines(underContext{b.ctx, r}, b.limits.RowBytes)
	var cols *columns
	for {
		line, oversized, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		at := spot{file: file, line: in.at}
		switch {
		case oversized:
			b.skip(at, OversizedInput, fmt.Sprintf("row over %d bytes", in.limit))
			continue
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		fields := strings.Split(string(line), "\t")
		if cols == nil {
			var header bool
			if cols, header, err = tableColumns(fields, file); err != nil {
				return err
			}
			cols.splits = splits
			if header {
				continue
			}
		}
		if err := addFields(b, at, fields, *cols); err != nil {
			return err
		}
	}
}

// tableColumns finds out from the first row of a table what its columns are.
func tableColumns(fields []string, file string) (cols *columns, header bool, err error) {
	if c, ok := headerColumns(fields); ok {
		return &c, true, nil
	}
	if len(fields) >= 2 && (numbered(fields) || isPicture(trimNumber(fields[0]))) {
		return &columns{image: 0, caption: 1, split: -1, last: true}, false, nil
	}
	return nil, false, fmt.Errorf("read %s: first row %.120q is neither a header with image and caption nor FILE, number, caption: %w",
		file, strings.Join(fields, " | "), loopitr.ErrInvalid)
}

func headerColumns(fields []string) (columns, bool) {
	c := columns{image: column(fields, imageNames), caption: column(fields, captionNames), split: column(fields, splitNames)}
	return c, c.image >= 0 && c.caption >= 0
}

func column(fields, names []string) int {
	for _, name := range names {
		for i, field := range fields {
			if strings.EqualFold(strings.TrimSpace(field), name) {
				return i
			}
		}
	}
	return -1
}

// numbered reports a row of FILE, NUMBER, ..., CAPTION or FILE#NUMBER, CAPTION.
func numbered(fields []string) bool {
	return len(fields) >= 3 && isNumber(fields[1]) || trimNumber(fields[0]) != fields[0]
}

// trimNumber cuts the #NUMBER off a classic token file's first field.
func trimNumber(field string) string {
	if i := strings.LastIndexByte(field, '#'); i > 0 && isNumber(field[i+1:]) {
		return field[:i]
	}
	return field
}

func isNumber(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == ""
}

func addFields(b *builder, at spot, fields []string, c columns) error {
	if c.last {
		c.caption = len(fields) - 1
		if c.caption == 0 {
			c.caption = 1
		}
	}
	if need := max(c.image, c.caption); len(fields) <= need {
		b.skip(at, BadRow, fmt.Sprintf("%d fields, at least %d expected", len(fields), need+1))
		return nil
	}
	r := row{at: at, name: fields[c.image], captions: []string{fields[c.caption]}}
	if c.last {
		r.name = trimNumber(r.name)
	}
	if c.split >= 0 && c.split < len(fields) {
		r.split, r.stated = fields[c.split], true
	} else if c.splits != nil {
		r.split, r.stated = c.splits[r.name], true
	}
	return b.add(r)
}

// longestRecord is how many lines one quoted CSV record may run over. It bounds
// what a quote that is never closed can cost.
const longestRecord = 100

// readCSV reads rows with a header that names an image and a caption column.
// The separator is the one of comma, semicolon, bar and tab under which the
// header reads so; fields may be quoted and then hold line ends.
func readCSV(b *builder, r io.Reader, file string, splits map[string]string) error {
	in := &csvRecords{in: newLines(underContext{b.ctx, r}, b.limits.RowBytes), comma: ','}
	var cols *columns
	for {
		fields, at, err := in.next()
		where := spot{file: file, line: at}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errOversized):
			b.skip(where, OversizedInput, fmt.Sprintf("row over %d bytes", in.in.limit))
			continue
		case err != nil && in.failed:
			return fmt.Errorf("read %s: %w", file, err)
		case err != nil && cols != nil:
			b.skip(where, BadRow, err.Error())
			continue
		}
		if cols == nil {
			if cols, err = csvHeader(in, fields, file); err != nil {
				return err
			}
			cols.splits = splits
			continue
		}
		if err := addFields(b, where, fields, *cols); err != nil {
			return err
		}
	}
}

// firstLineIsCSV reports a CSV header, which Kaggle's captions.txt begins with.
func firstLineIsCSV(text []byte) bool {
	line, _, _ := strings.Cut(string(text), "\n")
	for _, comma := range ",;|" {
		fields, err := (&csvRecords{comma: comma}).parse(line)
		if _, ok := headerColumns(fields); ok && err == nil && !strings.Contains(line, "\t") {
			return true
		}
	}
	return false
}

func csvHeader(in *csvRecords, fields []string, file string) (*columns, error) {
	if c, ok := headerColumns(fields); ok {
		return &c, nil
	}
	for _, in.comma = range ";|\t" {
		fields, err := in.parse(in.first)
		if c, ok := headerColumns(fields); ok && err == nil {
			return &c, nil
		}
	}
	return nil, fmt.Errorf("read %s: header %.120q does not name an image (%s) and a caption (%s): %w", file, in.first,
		strings.Join(imageNames, ", "), strings.Join(captionNames, ", "), loopitr.ErrInvalid)
}

var errOversized = errors.New("oversized")

// overLimit stands in the queue for a line over the limit; no line holds it.
const overLimit = "\n"

// csvRecords cuts lines into CSV records, so that one bad record costs a line
// and not the rest of the file.
type csvRecords struct {
	in     *lines
	comma  rune
	queue  []string // lines given back, oldest first
	at     int      // line number of the last line taken
	first  string   // the first line of the last record
	failed bool     // the error was the reader's, not the record's
}

func (c *csvRecords) line() (string, error) {
	if len(c.queue) > 0 {
		line := c.queue[0]
		c.queue = c.queue[1:]
		c.at++
		if line == overLimit {
			return "", errOversized
		}
		return line, nil
	}
	line, oversized, err := c.in.next()
	switch {
	case err != nil:
		c.failed = true
		return "", err
	case oversized:
		c.at++
		return "", errOversized
	}
	c.at++
	return string(line), nil
}

// next returns the fields of the next record and the number of its first line.
func (c *csvRecords) next() ([]string, int, error) {
	first, err := "", error(nil)
	for strings.TrimSpace(first) == "" {
		if first, err = c.line(); err != nil {
			return nil, c.at, err
		}
	}
	c.first = first
	if fields := strings.Split(first, string(c.comma)); !slices.ContainsFunc(fields, beginsQuoted) {
		return fields, c.at, nil
	}
	start, quotes, size := c.at, strings.Count(first, `"`), len(first)
	var taken []string
	for quotes%2 == 1 && len(taken) < longestRecord && size <= c.in.limit {
		more, err := c.line()
		if errors.Is(err, errOversized) {
			taken = append(taken, overLimit) // to be met again and reported
			break
		}
		if err != nil {
			break
		}
		taken = append(taken, more)
		quotes += strings.Count(more, `"`)
		size += len(more)
	}
	fields, err := c.parse(strings.Join(append([]string{first}, taken...), "\n"))
	if err == nil {
		return fields, start, nil
	}
	// Only the first line is lost; the others are read again as records.
	c.queue = append(taken, c.queue...)
	c.at = start
	c.failed = false
	return nil, start, err
}

// beginsQuoted reports a quoted field. In a row without one a quote is text, as for
// pandas, whose files many are.
func beginsQuoted(field string) bool { return strings.HasPrefix(field, `"`) }

func (c *csvRecords) parse(record string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(record))
	r.Comma, r.FieldsPerRecord = c.comma, -1
	fields, err := r.Read()
	if err != nil {
		return nil, errors.New("unbalanced quotes")
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("unbalanced quotes")
	}
	return fields, nil
}
