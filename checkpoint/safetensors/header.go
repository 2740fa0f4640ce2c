package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
)

const (
	// maxHeader bounds the header, as the format's reference reader does.
	maxHeader = 100 << 20
	// maxRank bounds a shape's length; no array library takes more.
	maxRank     = 64
	metadataKey = "__metadata__"
)

// entry is one tensor as the header tells it; begin and end count from the first
// byte behind the header.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int64
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, loopitr.ErrCorrupt)...)
}

// parseHeader reads the header's JSON and proves that the tensors fill exactly
// the body bytes behind it, without gap or overlap. The entries come back in the
// order of their bytes.
func parseHeader(header []byte, body int64) ([]entry, map[string]string, error) {
	if !utf8.Valid(header) {
		return nil, nil, corrupt("header is not UTF-8")
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, corrupt("header does not start with %q", "{")
	}
	p := headerParser{dec: json.NewDecoder(bytes.NewReader(header))}
	p.dec.UseNumber()
	if err := p.parse(); err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(p.entries, byOffset)
	if err := checkLayout(p.entries, body); err != nil {
		return nil, nil, err
	}
	return p.entries, p.metadata, nil
}

// byOffset leaves empty tensors at one offset in the header's order.
func byOffset(a, b entry) int {
	return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
}

func checkLayout(entries []entry, body int64) error {
	var at int64
	previous := ""
	for _, e := range entries {
		if e.end > body {
			return corrupt("tensor %q ends at byte %d of %d: file is truncated or its header wrong", e.name, e.end, body)
		}
		if e.begin < at {
			return corrupt("tensor %q overlaps %q", e.name, previous)
		}
		if e.begin > at {
			return corrupt("hole of %d bytes before tensor %q", e.begin-at, e.name)
		}
		at, previous = e.end, e.name
	}
	if at != body {
		return corrupt("%d bytes behind the last tensor", body-at)
	}
	return nil
}

// headerParser walks the JSON token by token, since decoding into Go values
// would let duplicate and misspelled keys pass.
type headerParser struct {
	dec      *json.Decoder
	entries  []entry
	metadata map[string]string
}

func (p *headerParser) parse() error {
	seen := map[string]bool{}
	err := p.object("header", func(name string) error {
		if seen[name] {
			return corrupt("header: duplicate name %q", name)
		}
		seen[name] = true
		if name == metadataKey {
			return p.parseMetadata()
		}
		return p.parseEntry(name)
	})
	if err != nil {
		return err
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return corrupt("header: bytes behind the JSON object")
	}
	return nil
}

func (p *headerParser) parseMetadata() error {
	p.metadata = map[string]string{}
	return p.object(metadataKey, func(key string) error {
		if _, twice := p.metadata[key]; twice {
			return corrupt("%s: duplicate key %q", metadataKey, key)
		}
		t, err := p.token()
		if err != nil {
			return err
		}
		value, ok := t.(string)
		if !ok {
			return corrupt("%s: value of %q is no string", metadataKey, key)
		}
		p.metadata[key] = value
		return nil
	})
}

func (p *headerParser) parseEntry(name string) error {
	e := entry{name: name}
	var hasType, hasShape, hasOffsets bool
	err := p.object(name, func(key string) error {
		var err error
		switch {
		case key == "dtype" && !hasType:
			hasType = true
			e.dtype, err = p.parseDType(name)
		case key == "shape" && !hasShape:
			hasShape = true
			e.shape, err = p.parseShape(name)
		case key == "data_offsets" && !hasOffsets:
			hasOffsets = true
			e.begin, e.end, err = p.parseOffsets(name)
		default:
			err = corrupt("tensor %q: unknown or duplicate key %q", name, key)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !hasType || !hasShape || !hasOffsets {
		return corrupt("tensor %q: dtype, shape and data_offsets are not all there", name)
	}
	size, ok := byteSize(e.dtype, e.shape)
	if !ok {
		return corrupt("tensor %q: shape %v overflows", name, e.shape)
	}
	if e.begin > e.end || e.end-e.begin != size {
		return corrupt("tensor %q: %s %v takes %d bytes, data_offsets are [%d, %d]", name, e.dtype, e.shape, size, e.begin, e.end)
	}
	p.entries = append(p.entries, e)
	return nil
}

func (p *headerParser) parseDType(name string) (DType, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, _ := t.(string)
	if d := DType(s); d.Size() > 0 {
		return d, nil
	}
	return "", corrupt("tensor %q: unknown dtype %q", name, fmt.Sprint(t))
}

func (p *headerParser) parseShape(name string) ([]int, error) {
	shape := []int{}
	err := p.array(name, func(n int64) error {
		if n > math.MaxInt || len(shape) == maxRank {
			return corrupt("tensor %q: shape is too large", name)
		}
		shape = append(shape, int(n))
		return nil
	})
	return shape, err
}

func (p *headerParser) parseOffsets(name string) (begin, end int64, err error) {
	var both [2]int64
	count := 0
	err = p.array(name, func(n int64) error {
		if count == len(both) {
			return corrupt("tensor %q: more than two data_offsets", name)
		}
		both[count] = n
		count++
		return nil
	})
	if err == nil && count != len(both) {
		err = corrupt("tensor %q: %d data_offsets instead of two", name, count)
	}
	return both[0], both[1], err
}

// object reads {"key": value, ...}, calling value for each key to read its value.
func (p *headerParser) object(name string, value func(key string) error) error {
	if t, err := p.token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return corrupt("%q is no JSON object", name)
	}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		if err := value(t.(string)); err != nil { // The decoder itself refuses keys that are no strings.
			return err
		}
	}
	_, err := p.token()
	return err
}

// array reads [n, ...] of whole numbers not below zero.
func (p *headerParser) array(name string, value func(n int64) error) error {
	if t, err := p.token(); err != nil {
		return err
	} else if t != json.Delim('[') {
		return corrupt("tensor %q: shape and data_offsets must be arrays", name)
	}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		number, _ := t.(json.Number)
		n, err := strconv.ParseUint(string(number), 10, 63)
		if err != nil {
			return corrupt("tensor %q: %q is no size", name, fmt.Sprint(t))
		}
		if err := value(int64(n)); err != nil {
			return err
		}
	}
	_, err := p.token()
	return err
}

func (p *headerParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, corrupt("header: %v", err)
	}
	return t, nil
}

// byteSize multiplies out a shape; ok is false when an int64 cannot hold it.
func byteSize(d DType, shape []int) (size int64, ok bool) {
	size = int64(d.Size())
	for _, n := range shape {
		if n < 0 || n > 0 && size > math.MaxInt64/int64(n) {
			return 0, false
		}
		size *= int64(n)
	}
	return size, true
}
