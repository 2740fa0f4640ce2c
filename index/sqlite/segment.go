package sqlite

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"
)

// segmentRows is how many contents a segment holds. Opening reads at most so many
// rows one by one (about 5 microseconds each, a segment's about 0.2).
const segmentRows = 1024

// rowBytes is what a segment's row takes: id, scale and error bound, codes.
func rowBytes(dimensions int) int { return 8 + 4 + 4 + dimensions }

// pack moves the tail into segments as far as it fills them.
func (e *edit) pack() error {
	for {
		var packed int64
		err := e.tx.QueryRowContext(e.ctx, e.gen.sql("SELECT coalesce(max(last), 0) FROM segments_$g")).Scan(&packed)
		if err != nil {
			return err
		}
		var until int64
		full, err := e.row(fmt.Sprintf("SELECT id FROM contents_$g WHERE id > ? ORDER BY id LIMIT 1 OFFSET %d", segmentRows-1), packed, &until)
		if err != nil || !full {
			return err
		}
		b := block{dimensions: e.gen.dimensions, reached: packed}
		if err := b.loadContents(e.ctx, e.tx, e.gen, until); err != nil {
			return err
		}
		_, err = e.exec("INSERT INTO segments_$g (first, last, count, vectors) VALUES (?, ?, ?, ?)",
			b.ids[0], b.reached, b.rows(), encodeSegment(&b))
		if err != nil {
			return err
		}
	}
}

// compact makes all segments anew when a quarter of their rows is of contents that
// are gone.
func (e *edit) compact() error {
	var dropped, rows int64
	err := e.tx.QueryRowContext(e.ctx, e.gen.sql("SELECT (SELECT count(*) FROM dropped_$g), (SELECT coalesce(sum(count), 0) FROM segments_$g)")).
		Scan(&dropped, &rows)
	if err != nil || dropped <= segmentRows+rows/4 {
		return err
	}
	for _, text := range []string{"DELETE FROM dropped_$g", "DELETE FROM segments_$g"} {
		if _, err := e.exec(text); err != nil {
			return err
		}
	}
	e.gen.epoch++
	return nil
}

// encodeSegment writes all ids, then all scales, all error bounds, all codes and
// the checksum; little-endian.
func encodeSegment(b *block) []byte {
	blob := make([]byte, 0, b.rows()*rowBytes(b.dimensions)+4)
	for _, id := range b.ids {
		blob = binary.LittleEndian.AppendUint64(blob, uint64(id))
	}
	for _, numbers := range [][]float32{b.scales, b.errors} {
		for _, n := range numbers {
			blob = binary.LittleEndian.AppendUint32(blob, math.Float32bits(n))
		}
	}
	for _, c := range b.codes {
		blob = append(blob, byte(c))
	}
	return seal(blob)
}

// loadSegments appends the segments behind the block. One that the block ends in
// was the tail when the block was loaded; the rest of its rows come first.
func (b *block) loadSegments(ctx context.Context, q queryer, g generation) error {
	var until int64
	err := q.QueryRowContext(ctx, g.sql("SELECT coalesce(max(last), 0) FROM segments_$g WHERE first <= ?"), b.reached).Scan(&until)
	if err != nil {
		return err
	}
	if until > b.reached {
		if err := b.loadContents(ctx, q, g, until); err != nil {
			return err
		}
	}
	after := b.reached
	var bytes int
	// A row may claim any length, and all of them together no more than the file has.
	err = q.QueryRowContext(ctx, g.sql(`SELECT min(coalesce(sum(length(vectors)), 0),
		(SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)) FROM segments_$g WHERE first > ?`), after).Scan(&bytes)
	if err != nil {
		return err
	}
	b.grow(bytes / rowBytes(g.dimensions))
	segments, err := q.QueryContext(ctx, g.sql("SELECT vectors FROM segments_$g WHERE first > ? ORDER BY first"), after)
	if err != nil {
		return err
	}
	defer segments.Close()
	for segments.Next() {
		var blob []byte
		if err := segments.Scan(&blob); err != nil {
			return err
		}
		if err := b.addSegment(blob); err != nil {
			return err
		}
	}
	return segments.Err()
}

func (b *block) addSegment(blob []byte) error {
	body, err := unseal(blob)
	if err != nil {
		return err
	}
	n := len(body) / rowBytes(b.dimensions)
	if n*rowBytes(b.dimensions) != len(body) {
		return corrupt("a segment of %d bytes", len(blob))
	}
	for r := range n {
		id := int64(binary.LittleEndian.Uint64(body[8*r:]))
		if id <= b.reached {
			return corrupt("content %d of a segment is out of order", id)
		}
		scale := math.Float32frombits(binary.LittleEndian.Uint32(body[8*n+4*r:]))
		bound := math.Float32frombits(binary.LittleEndian.Uint32(body[12*n+4*r:]))
		if !(scale >= 0 && scale <= 1 && bound >= 0 && bound <= 1) {
			return corrupt("content %d of a segment has scale %v and error %v", id, scale, bound)
		}
		b.ids, b.reached = append(b.ids, id), id
		b.scales = append(b.scales, scale)
		b.errors = append(b.errors, bound)
	}
	codes := body[16*n:]
	b.codes = append(b.codes, unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes))...)
	return nil
}
