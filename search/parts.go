package search

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loopitr/loopitr"
)

// maxParts bounds a query's length.
const maxParts = 64

// ParseParts reads a query as people type it: a caption, or a weighted mix such as
//
//	beach +0.5 "at night" -0.3 "people" +item:"trips/a.jpg" -2 picture:"b.jpg"
//
// Weighted parts begin with + or - and perhaps a number; then comes a quoted text
// or item:"path of a stored picture" or picture:"file"; the latter two need no
// weight in front. What comes before the first part is a caption of weight 1. Anything else is taken as plain text, so
// that a caption may hold signs and numbers. open reads picture files; nil refuses
// them. Every error of the syntax wraps ErrInvalid.
func ParseParts(text string, open func(name string) ([]byte, error)) ([]loopitr.Part, error) {
	if kind, quoted, _ := strings.Cut(strings.TrimSpace(text), ":"); (kind == "item" || kind == "picture") && strings.HasPrefix(quoted, `"`) {
		text = "+" + strings.TrimSpace(text)
	}
	caption, rest := text, ""
	for i := range text {
		if before, _ := utf8.DecodeLastRuneInString(text[:i]); i > 0 && !unicode.IsSpace(before) {
			continue
		}
		if _, _, ok := cutPart(text[i:]); ok {
			caption, rest = text[:i], text[i:]
			break
		}
	}
	var parts []loopitr.Part
	if caption = strings.TrimSpace(caption); caption != "" {
		parts = append(parts, loopitr.Part{Weight: 1, Text: caption})
	}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		typed, after, ok := cutPart(rest)
		if !ok {
			return nil, fmt.Errorf(`query: %q is not a part like +0.5 "text": %w`, rest, loopitr.ErrInvalid)
		}
		part, err := typed.part(open)
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		if parts = append(parts, part); len(parts) > maxParts {
			return nil, fmt.Errorf("query: more than %d parts: %w", maxParts, loopitr.ErrInvalid)
		}
		rest = after
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("query: it is empty: %w", loopitr.ErrInvalid)
	}
	return parts, nil
}

// typedPart is one weighted part before anything is opened.
type typedPart struct {
	weight      float32
	kind, value string
}

// cutPart takes one weighted part off the front.
func cutPart(s string) (p typedPart, rest string, ok bool) {
	if s == "" || (s[0] != '+' && s[0] != '-') {
		return p, s, false
	}
	sign := float32(1)
	if s[0] == '-' {
		sign = -1
	}
	rest = s[1:]
	p.weight = sign
	digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789."))]
	if digits != "" {
		n, err := strconv.ParseFloat(digits, 32)
		if err != nil {
			return p, s, false
		}
		p.weight = sign * float32(n)
		rest = rest[len(digits):]
	}
	rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
	for _, kind := range []string{"item:", "picture:"} {
		if after, found := strings.CutPrefix(rest, kind); found {
			p.kind, rest = kind, after
			break
		}
	}
	p.value, rest, ok = cutQuoted(rest)
	return p, rest, ok
}

// cutQuoted takes a double-quoted text off the front; \" and \\ stand for
// themselves in it.
func cutQuoted(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", s, false
}

func (p typedPart) part(open func(string) ([]byte, error)) (loopitr.Part, error) {
	part := loopitr.Part{Weight: p.weight}
	if p.value == "" {
		return part, fmt.Errorf("a part is empty: %w", loopitr.ErrInvalid)
	}
	if part.Weight == 0 || math.IsInf(float64(part.Weight), 0) {
		return part, fmt.Errorf("the weight of %q is %v: %w", p.value, p.weight, loopitr.ErrInvalid)
	}
	switch p.kind {
	case "item:":
		part.Item = p.value
	case "picture:":
		if open == nil {
			return part, fmt.Errorf("picture %q: pictures cannot be opened here: %w", p.value, loopitr.ErrInvalid)
		}
		picture, err := open(p.value)
		if err != nil {
			return part, fmt.Errorf("picture %q: %w", p.value, err)
		}
		if len(picture) == 0 {
			return part, fmt.Errorf("picture %q: it is empty: %w", p.value, loopitr.ErrInvalid)
		}
		part.Picture = picture
	default:
		part.Text = p.value
	}
	return part, nil
}
