package loopitr

import (
	"math"
	"path"
	"strings"
	"time"
)

// Filter says which items may be found. The zero value lets all pass.
type Filter struct {
	Require Conditions // every list that is not empty must be met
	Exclude Conditions // no entry of any list may be met
}

// Conditions are alternatives by kind: a list is met when one of its entries is.
// An unknown fact (no date, no camera, no place) meets nothing.
type Conditions struct {
	Taken                []Span
	Path                 []string // see MatchPath
	Camera               []string // see MatchCamera
	Ext                  []string // of the path, without dot, any case
	Format               []string // as in Facts, any case
	Width, Height, Bytes []Range
	Near                 []Circle
}

// Span is the time from From up to but not including Until; a zero end is open.
type Span struct{ From, Until time.Time }

// Range is the numbers from Min to Max, both included.
type Range struct{ Min, Max int64 }

// Circle is the places within Kilometres of a centre.
type Circle struct {
	Place
	Kilometres float64
}

// Match reports whether an item passes the filter. It defines what every Index
// does with a Filter.
func (f Filter) Match(i Item) bool {
	for _, met := range f.Require.met(i) {
		if met == no {
			return false
		}
	}
	for _, met := range f.Exclude.met(i) {
		if met == yes {
			return false
		}
	}
	return true
}

type verdict int

const (
	unasked verdict = iota
	no
	yes
)

func (c Conditions) met(i Item) [9]verdict {
	f := i.Facts
	return [...]verdict{
		anyOf(c.Taken, func(s Span) bool { return s.Contains(f.Taken) }),
		anyOf(c.Path, func(p string) bool { return MatchPath(p, i.Path) }),
		anyOf(c.Camera, func(p string) bool { return MatchCamera(p, f.Camera) }),
		anyOf(c.Ext, func(e string) bool { return strings.EqualFold(e, Ext(i.Path)) }),
		anyOf(c.Format, func(n string) bool { return f.Format != "" && strings.EqualFold(n, f.Format) }),
		anyOf(c.Width, func(r Range) bool { return r.Contains(int64(f.Width)) }),
		anyOf(c.Height, func(r Range) bool { return r.Contains(int64(f.Height)) }),
		anyOf(c.Bytes, func(r Range) bool { return r.Min <= i.Size && i.Size <= r.Max }),
		anyOf(c.Near, func(c Circle) bool { return f.Place != nil && c.Contains(*f.Place) }),
	}
}

func anyOf[T any](list []T, met func(T) bool) verdict {
	if len(list) == 0 {
		return unasked
	}
	for _, entry := range list {
		if met(entry) {
			return yes
		}
	}
	return no
}

// Contains reports whether t lies in the span; the zero time never does.
func (s Span) Contains(t time.Time) bool {
	return !t.IsZero() && !t.Before(s.From) && (s.Until.IsZero() || t.Before(s.Until))
}

// Contains reports whether n lies in the range; 0 is an unknown size and never does.
func (r Range) Contains(n int64) bool { return n != 0 && r.Min <= n && n <= r.Max }

// earthRadius is the mean radius in kilometres (IUGG).
const earthRadius = 6371.0088

// Contains reports whether p lies in the circle, by the haversine formula.
func (c Circle) Contains(p Place) bool {
	const radians = math.Pi / 180
	sinLat := math.Sin((p.Latitude - c.Latitude) * radians / 2)
	sinLon := math.Sin((p.Longitude - c.Longitude) * radians / 2)
	h := sinLat*sinLat + math.Cos(p.Latitude*radians)*math.Cos(c.Latitude*radians)*sinLon*sinLon
	return 2*earthRadius*math.Asin(math.Sqrt(min(h, 1))) <= c.Kilometres
}

// Ext is the extension of a path without its dot: "jpg" of "a/b.jpg".
func Ext(p string) string { return strings.TrimPrefix(path.Ext(p), ".") }

// MatchPath reports whether a path meets a path pattern, in any case. A pattern
// with * (any run of characters, slashes too) or ? (one character) must match the
// whole path; without them it names a file or a folder and all that is in it.
func MatchPath(pattern, p string) bool {
	pattern, p = strings.ToLower(pattern), strings.ToLower(p)
	if strings.ContainsAny(pattern, "*?") {
		return glob(pattern, p)
	}
	pattern = strings.TrimSuffix(pattern, "/")
	return p == pattern || strings.HasPrefix(p, pattern+"/")
}

// MatchCamera reports whether a camera name meets a pattern, in any case: with *
// or ? the whole name must match, without them the name must contain the pattern.
func MatchCamera(pattern, name string) bool {
	if name == "" {
		return false
	}
	pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	if strings.ContainsAny(pattern, "*?") {
		return glob(pattern, name)
	}
	return strings.Contains(name, pattern)
}

// glob remembers only the last star, which suffices because a later star can
// absorb whatever an earlier one could: linear space, len(pattern)*len(s) time.
func glob(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	star, resume := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, resume = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
