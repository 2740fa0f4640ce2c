package dataset

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/loopitr/loopitr"
)

// readJSONLines reads one object a line. A line that is no object is skipped.
func readJSONLines(b *builder, r io.Reader, file string) error {
	in := newLines(underContext{b.ctx, r}, b.limits.RowBytes)
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
		if err := addObject(b, at, line); err != nil {
			return err
		}
	}
}

// addObject adds {"image": NAME, "caption": TEXT or LIST, "split": WORD}.
func addObject(b *builder, at spot, raw []byte) error {
	var fields jsonFields
	if err := json.Unmarshal(raw, &fields); err != nil {
		b.skip(at, BadRow, err.Error())
		return nil
	}
	name, named := pictureName(fields)
	captions, list, captioned := captionsOf(fields, captionNames)
	if !named || !captioned {
		b.skip(at, BadRow, "an image and a caption are expected")
		return nil
	}
	split, stated := textOf(fields, splitNames)
	return b.add(row{at: at, name: name, captions: captions, split: split, stated: stated, whole: list})
}

// cocoRead gathers COCO's two lists, which name each other by number.
type cocoRead struct {
	rows        []row
	byID        map[string]int
	annotations spot // of the last caption
	captions    map[string][]cocoCaption
	images      bool // an images list was there
}

// cocoCaption is one annotation's caption and where it stood.
type cocoCaption struct {
	text string
	line int
}

// readJSON reads a list of objects as readJSONLines does, or an object whose
// images either hold their sentences (Karpathy) or are named by annotations
// (COCO). An element that is no such object is skipped; text that is no JSON is
// an error.
func readJSON(b *builder, r io.Reader, file string) error {
	s := newJSONScan(underContext{b.ctx, r}, file, b.limits.RowBytes)
	first, err := s.peek()
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if first == '[' {
		err = eachElement(b, s, "element", func(at spot, raw []byte) error { return addObject(b, at, raw) })
	} else {
		err = readImages(b, s)
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return nil
}

// eachElement calls take for the elements of a list that are within the limit.
func eachElement(b *builder, s *jsonScan, unit string, take func(at spot, raw []byte) error) error {
	return s.list(func(i int) error {
		at := spot{file: s.file, line: i + 1, unit: unit}
		raw, oversized, err := s.value()
		switch {
		case err != nil:
			return err
		case oversized:
			b.skip(at, OversizedInput, fmt.Sprintf("row over %d bytes", s.limit))
			return nil
		}
		return take(at, raw)
	})
}

func readImages(b *builder, s *jsonScan) error {
	c := &cocoRead{byID: map[string]int{}, captions: map[string][]cocoCaption{}}
	err := s.object(func(key string) error {
		switch key {
		case "images":
			c.images = true
			return eachElement(b, s, "image", func(at spot, raw []byte) error { return c.image(b, at, raw) })
		case "annotations":
			return eachElement(b, s, "annotation", func(at spot, raw []byte) error { return c.annotation(b, at, raw) })
		default:
			_, _, err := s.value()
			return err
		}
	})
	if err != nil {
		return err
	}
	if !c.images {
		return fmt.Errorf("no list of images: a list of objects with image and caption, Karpathy's or COCO's file is expected: %w", loopitr.ErrInvalid)
	}
	return c.finish(b)
}

// image adds a picture that has its sentences, and remembers one that has not.
func (c *cocoRead) image(b *builder, at spot, raw []byte) error {
	var fields jsonFields
	if err := json.Unmarshal(raw, &fields); err != nil {
		b.skip(at, BadRow, err.Error())
		return nil
	}
	name, named := pictureName(fields)
	if !named {
		b.skip(at, BadRow, "a filename or file_name is expected")
		return nil
	}
	split, stated := textOf(fields, splitNames)
	r := row{at: at, name: name, split: split, stated: stated, whole: true}
	if captions, ok := textsOf(fields, captionNames); ok {
		r.captions = captions
		return b.add(r)
	}
	id, ok := textOf(fields, []string{"id"})
	if !ok {
		b.skip(at, BadRow, "neither sentences nor an id")
		return nil
	}
	if _, known := c.byID[id]; known {
		b.skip(at, DuplicateID, fmt.Sprintf("id %.80q", id))
		return nil
	}
	if len(c.rows) >= b.limits.Records {
		return fmt.Errorf("more than %d pictures: %w", b.limits.Records, loopitr.ErrInvalid)
	}
	c.byID[id] = len(c.rows)
	c.rows = append(c.rows, r)
	return nil
}

func (c *cocoRead) annotation(b *builder, at spot, raw []byte) error {
	var fields jsonFields
	if err := json.Unmarshal(raw, &fields); err != nil {
		b.skip(at, BadRow, err.Error())
		return nil
	}
	id, named := textOf(fields, []string{"image_id"})
	caption, captioned := textOf(fields, captionNames)
	if !named || !captioned {
		b.skip(at, BadRow, "an image_id and a caption are expected")
		return nil
	}
	caption, ok := b.cleanOne(at, caption)
	if !ok {
		return nil
	}
	c.annotations = at
	c.captions[id] = append(c.captions[id], cocoCaption{caption, at.line})
	return b.ctx.Err()
}

// finish adds the pictures in the order of the images, each with its captions in
// the order of the annotations.
func (c *cocoRead) finish(b *builder) error {
	for id, i := range c.byID {
		for _, caption := range c.captions[id] {
			c.rows[i].captions = append(c.rows[i].captions, caption.text)
		}
		delete(c.captions, id)
	}
	for _, r := range c.rows {
		if err := b.add(r); err != nil {
			return err
		}
	}
	c.skipRest(b)
	return nil
}

// skipRest skips the captions that are left, in the order of the file.
func (c *cocoRead) skipRest(b *builder) {
	type dropped struct {
		line int
		id   string
	}
	var rest []dropped
	for _, id := range sortedKeys(c.captions) {
		for _, caption := range c.captions[id] {
			rest = append(rest, dropped{caption.line, id})
		}
	}
	slices.SortStableFunc(rest, func(a, b dropped) int { return cmp.Compare(a.line, b.line) })
	at := c.annotations
	for _, d := range rest {
		at.line = d.line
		b.skip(at, BadRow, fmt.Sprintf("image_id %.80q is of no image", d.id))
	}
}
