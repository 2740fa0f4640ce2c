package search

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/loopitr/loopitr"
)

// FilterKeys are the keys of ParseFilter, as its errors list them.
const FilterKeys = "taken, camera, path, ext, format, width, height, size, near"

// maxTerms bounds a filter's length.
const maxTerms = 200

// ParseFilter reads terms such as
//
//	taken:2024-01..2024-06  camera:"canon eos"  path:trips/*  -ext:png
//	width:>1000  size:..5MB  near:48.1,11.6,20km  format:jpeg
//
// separated by spaces. Keys and values may be in any case. Terms of one key are
// alternatives, different keys must all be met, a leading - excludes. Dates are
// years, months, days or minutes (2024-05-17T08:30), in the camera's time; a range
// holds both its ends. Widths and heights are pixels, sizes bytes, kB, MB or GB;
// near takes latitude, longitude and a radius in km or m.
//
// Every error wraps ErrInvalid and names the term; an unknown key lists the known.
func ParseFilter(text string) (loopitr.Filter, error) {
	var f loopitr.Filter
	words, err := splitWords(text)
	if err != nil {
		return f, fmt.Errorf("filter: %w", err)
	}
	if len(words) > maxTerms {
		return f, fmt.Errorf("filter: %d terms, at most %d are possible: %w", len(words), maxTerms, loopitr.ErrInvalid)
	}
	for _, word := range words {
		conditions := &f.Require
		term := word
		if strings.HasPrefix(term, "-") {
			conditions, term = &f.Exclude, term[1:]
		}
		key, value, found := strings.Cut(term, ":")
		if !found {
			return loopitr.Filter{}, fmt.Errorf("filter: %q is not key:value; keys are %s: %w", word, FilterKeys, loopitr.ErrInvalid)
		}
		if value == "" {
			return loopitr.Filter{}, fmt.Errorf("filter: %q has no value: %w", word, loopitr.ErrInvalid)
		}
		if err := addTerm(conditions, strings.ToLower(key), value); err != nil {
			return loopitr.Filter{}, fmt.Errorf("filter: %q: %w", word, err)
		}
	}
	return f, nil
}

func addTerm(c *loopitr.Conditions, key, value string) error {
	var err error
	switch key {
	case "taken":
		err = appendParsed(&c.Taken, value, parseSpan)
	case "camera":
		c.Camera = append(c.Camera, value)
	case "path":
		c.Path = append(c.Path, value)
	case "ext":
		c.Ext = append(c.Ext, strings.TrimPrefix(value, "."))
	case "format":
		c.Format = append(c.Format, formatName(value))
	case "width":
		err = appendParsed(&c.Width, value, parsePixels)
	case "height":
		err = appendParsed(&c.Height, value, parsePixels)
	case "size":
		err = appendParsed(&c.Bytes, value, parseBytes)
	case "near":
		err = appendParsed(&c.Near, value, parseCircle)
	default:
		err = fmt.Errorf("unknown key %q; keys are %s: %w", key, FilterKeys, loopitr.ErrInvalid)
	}
	return err
}

func appendParsed[T any](list *[]T, value string, parse func(string) (T, error)) error {
	parsed, err := parse(value)
	if err == nil {
		*list = append(*list, parsed)
	}
	return err
}

// formatName is the name that Facts uses.
func formatName(value string) string {
	switch name := strings.ToLower(value); name {
	case "jpg":
		return "jpeg"
	case "tif":
		return "tiff"
	default:
		return name
	}
}

// splitWords splits at spaces outside double quotes. A quote may begin anywhere
// in a word; inside, \" and \\ stand for themselves.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted, escaped := false, false, false
	for _, r := range text {
		switch {
		case escaped:
			if r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted, started = !quoted, true
		case !quoted && unicode.IsSpace(r):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed: %w", loopitr.ErrInvalid)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// bounds splits a value into its ends; op is one of "..", ">", ">=", "<", "<=", "=".
func bounds(value string) (low, high, op string) {
	if low, high, found := strings.Cut(value, ".."); found {
		return low, high, ".."
	}
	for _, op := range []string{">=", "<=", ">", "<", "="} {
		if rest, found := strings.CutPrefix(value, op); found {
			return rest, rest, op
		}
	}
	return value, value, "="
}

// dateLayouts and what one more of their last unit is.
var dateLayouts = []struct {
	layout string
	next   func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
}

// parseDate returns when the named period begins and when the next one does.
func parseDate(text string) (begin, end time.Time, err error) {
	for _, l := range dateLayouts {
		if t, err := time.Parse(l.layout, strings.ToUpper(text)); err == nil && t.Year() > 0 {
			return t, l.next(t), nil
		}
	}
	return begin, end, fmt.Errorf("date %q is not like 2024, 2024-05, 2024-05-17 or 2024-05-17T08:30: %w", text, loopitr.ErrInvalid)
}

func parseSpan(value string) (loopitr.Span, error) {
	low, high, op := bounds(value)
	var s loopitr.Span
	if low == "" && high == "" {
		return s, fmt.Errorf("date is missing: %w", loopitr.ErrInvalid)
	}
	if low == "" || high == "" { // an open range
		op = map[bool]string{true: "<=", false: ">="}[low == ""]
		low, high = low+high, low+high
	}
	begin, afterLow, err := parseDate(low)
	if err != nil {
		return s, err
	}
	beforeHigh, end, err := parseDate(high)
	if err != nil {
		return s, err
	}
	switch op {
	case ">":
		s.From = afterLow
	case ">=":
		s.From = begin
	case "<":
		s.Until = beforeHigh
	case "<=":
		s.Until = end
	default:
		s = loopitr.Span{From: begin, Until: end}
		if !begin.Before(end) {
			return s, fmt.Errorf("it ends before it begins: %w", loopitr.ErrInvalid)
		}
	}
	return s, nil
}

func parsePixels(value string) (loopitr.Range, error) { return parseRange(value, parseWhole) }

func parseBytes(value string) (loopitr.Range, error) { return parseRange(value, parseSize) }

func parseRange(value string, parse func(string) (int64, error)) (loopitr.Range, error) {
	low, high, op := bounds(value)
	r := loopitr.Range{Min: 0, Max: math.MaxInt64}
	if low == "" && high == "" {
		return r, fmt.Errorf("number is missing: %w", loopitr.ErrInvalid)
	}
	var err error
	if low != "" && op != "<" && op != "<=" {
		if r.Min, err = parse(low); err != nil {
			return r, err
		}
	}
	if high != "" && op != ">" && op != ">=" {
		if r.Max, err = parse(high); err != nil {
			return r, err
		}
	}
	if op == ">" {
		r.Min++ // parse leaves room
	}
	if op == "<" {
		r.Max--
	}
	if r.Min > r.Max {
		return r, fmt.Errorf("it ends before it begins: %w", loopitr.ErrInvalid)
	}
	return r, nil
}

// largestNumber leaves room for > and for every file there is.
const largestNumber = 1 << 60

func parseWhole(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > largestNumber {
		return 0, fmt.Errorf("%q is not a whole number: %w", text, loopitr.ErrInvalid)
	}
	return int64(n), nil
}

func parseSize(text string) (int64, error) {
	lower := strings.ToLower(text)
	factor := 1.0
	for _, unit := range []struct {
		name   string
		factor float64
	}{{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"b", 1}} {
		if rest, found := strings.CutSuffix(lower, unit.name); found {
			lower, factor = rest, unit.factor
			break
		}
	}
	n, err := parseNumber(lower)
	if n *= factor; err != nil || n < 0 || n > largestNumber {
		return 0, fmt.Errorf("%q is not a size like 500kB or 2.5MB: %w", text, loopitr.ErrInvalid)
	}
	return int64(n), nil
}

// parseNumber accepts digits, a sign and a point: not "inf", "0x1p3" or "1_000".
func parseNumber(text string) (float64, error) {
	if strings.Trim(text, "0123456789.+-") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

func parseCircle(value string) (loopitr.Circle, error) {
	var c loopitr.Circle
	wrong := fmt.Errorf("want latitude,longitude,radius like 48.1,11.6,20km: %w", loopitr.ErrInvalid)
	fields := strings.Split(value, ",")
	if len(fields) != 3 {
		return c, wrong
	}
	radius, factor := strings.ToLower(fields[2]), 1.0
	if rest, found := strings.CutSuffix(radius, "km"); found {
		radius = rest
	} else if rest, found := strings.CutSuffix(radius, "m"); found {
		radius, factor = rest, 1e-3
	}
	var errs [3]error
	c.Latitude, errs[0] = parseNumber(fields[0])
	c.Longitude, errs[1] = parseNumber(fields[1])
	c.Kilometres, errs[2] = parseNumber(radius)
	c.Kilometres *= factor
	for _, err := range errs {
		if err != nil {
			return c, wrong
		}
	}
	if math.Abs(c.Latitude) > 90 || math.Abs(c.Longitude) > 180 || !(c.Kilometres > 0) || math.IsInf(c.Kilometres, 0) {
		return c, wrong
	}
	return c, nil
}
