package sqlite

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/loopitr/loopitr"
)

// condition is a filter as SQL; an empty text lets all pass.
type condition struct {
	text   string
	values []any
}

// maxConditions keeps a filter within SQLite's depth of expressions (1,000).
const maxConditions = 400

// compile says in SQL what Filter.Match says in Go. No expression is ever NULL,
// so that NOT means what it says.
func compile(f loopitr.Filter) (condition, error) {
	var c condition
	var all []string
	total := 0
	for _, alternatives := range c.lists(f.Require) {
		if len(alternatives) > 0 {
			all = append(all, "("+strings.Join(alternatives, " OR ")+")")
			total += len(alternatives)
		}
	}
	for _, alternatives := range c.lists(f.Exclude) {
		for _, a := range alternatives {
			all = append(all, "NOT "+a)
			total++
		}
	}
	if total > maxConditions {
		return c, fmt.Errorf("filter of %d conditions, at most %d are possible: %w", total, maxConditions, loopitr.ErrInvalid)
	}
	c.text = strings.Join(all, " AND ")
	return c, nil
}

func (c *condition) lists(from loopitr.Conditions) [][]string {
	return [][]string{
		each(from.Taken, c.taken),
		each(from.Path, c.pattern("path")),
		each(from.Camera, c.pattern("camera")),
		each(from.Ext, c.pattern("ext")),
		each(from.Format, c.pattern("format")),
		each(from.Width, c.span("width", "width <> 0 AND")),
		each(from.Height, c.span("height", "height <> 0 AND")),
		each(from.Bytes, c.span("bytes", "")),
		each(from.Near, c.near),
	}
}

func each[T any](list []T, compile func(T) string) []string {
	compiled := make([]string, len(list))
	for i, entry := range list {
		compiled[i] = compile(entry)
	}
	return compiled
}

func (c *condition) taken(s loopitr.Span) string {
	c.values = append(c.values, milliseconds(s.From))
	if s.Until.IsZero() {
		return "(taken IS NOT NULL AND taken >= ?)"
	}
	c.values = append(c.values, milliseconds(s.Until))
	return "(taken IS NOT NULL AND taken >= ? AND taken < ?)"
}

// milliseconds rounds up: a stored time is whole milliseconds, so it is before t
// exactly when it is before the next whole one.
func milliseconds(t time.Time) int64 {
	return t.Add(time.Millisecond - time.Nanosecond).UnixMilli()
}

func (c *condition) span(column, known string) func(loopitr.Range) string {
	return func(r loopitr.Range) string {
		c.values = append(c.values, r.Min, r.Max)
		return fmt.Sprintf("(%s %s BETWEEN ? AND ?)", known, column)
	}
}

// columns are the texts that patterns are matched with.
var columns = map[string]string{"path": "path", "ext": "path", "camera": "camera", "format": "format"}

func (c *condition) pattern(kind string) func(string) string {
	return func(pattern string) string {
		c.values = append(c.values, pattern)
		return fmt.Sprintf("loopitr_%s(?, %s)", kind, columns[kind])
	}
}

func (c *condition) near(circle loopitr.Circle) string {
	c.values = append(c.values, circle.Latitude, circle.Longitude, circle.Kilometres)
	return "loopitr_near(?, ?, ?, latitude, longitude)"
}

// registerFilters gives the driver the functions that SQL cannot express, so that
// a filter has one meaning: that of package loopitr.
func registerFilters(d *sqlite.Driver) {
	texts := map[string]func(pattern, text string) bool{
		"path":   loopitr.MatchPath,
		"camera": loopitr.MatchCamera,
		"ext":    func(ext, p string) bool { return strings.EqualFold(ext, loopitr.Ext(p)) },
		"format": func(format, of string) bool { return of != "" && strings.EqualFold(format, of) },
	}
	for kind, match := range texts {
		d.MustRegisterDeterministicScalarFunction("loopitr_"+kind, 2,
			func(_ *sqlite.FunctionContext, arguments []driver.Value) (driver.Value, error) {
				pattern, _ := arguments[0].(string)
				text, _ := arguments[1].(string)
				return match(pattern, text), nil
			})
	}
	d.MustRegisterDeterministicScalarFunction("loopitr_near", 5, near)
}

func near(_ *sqlite.FunctionContext, arguments []driver.Value) (driver.Value, error) {
	var numbers [5]float64
	for i, a := range arguments {
		n, ok := a.(float64)
		if !ok { // the item has no place
			return false, nil
		}
		numbers[i] = n
	}
	circle := loopitr.Circle{Place: loopitr.Place{Latitude: numbers[0], Longitude: numbers[1]}, Kilometres: numbers[2]}
	return circle.Contains(loopitr.Place{Latitude: numbers[3], Longitude: numbers[4]}), nil
}
