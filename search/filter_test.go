package search_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/search"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func TestParseFilter(t *testing.T) {
	type c = loopitr.Conditions
	spans := func(s ...loopitr.Span) c { return c{Taken: s} }
	width := func(low, high int64) c { return c{Width: []loopitr.Range{{Min: low, Max: high}}} }
	size := func(low, high int64) c { return c{Bytes: []loopitr.Range{{Min: low, Max: high}}} }
	const most = math.MaxInt64
	for text, want := range map[string]c{
		"":                            {},
		"  \t ":                       {},
		"taken:2024":                  spans(loopitr.Span{From: date(2024, 1, 1), Until: date(2025, 1, 1)}),
		"taken:2024-02":               spans(loopitr.Span{From: date(2024, 2, 1), Until: date(2024, 3, 1)}),
		"taken:2024-02-29":            spans(loopitr.Span{From: date(2024, 2, 29), Until: date(2024, 3, 1)}),
		"Taken:2024-02-29t08:30":      spans(loopitr.Span{From: date(2024, 2, 29).Add(510 * time.Minute), Until: date(2024, 2, 29).Add(511 * time.Minute)}),
		"taken:2024-01..2024-06":      spans(loopitr.Span{From: date(2024, 1, 1), Until: date(2024, 7, 1)}),
		"taken:2023..2024-02-03":      spans(loopitr.Span{From: date(2023, 1, 1), Until: date(2024, 2, 4)}),
		"taken:2024..":                spans(loopitr.Span{From: date(2024, 1, 1)}),
		"taken:..2024":                spans(loopitr.Span{Until: date(2025, 1, 1)}),
		"taken:>2024":                 spans(loopitr.Span{From: date(2025, 1, 1)}),
		"taken:>=2024":                spans(loopitr.Span{From: date(2024, 1, 1)}),
		"taken:<2024":                 spans(loopitr.Span{Until: date(2024, 1, 1)}),
		"taken:<=2024":                spans(loopitr.Span{Until: date(2025, 1, 1)}),
		"taken:2001 taken:2003":       spans(loopitr.Span{From: date(2001, 1, 1), Until: date(2002, 1, 1)}, loopitr.Span{From: date(2003, 1, 1), Until: date(2004, 1, 1)}),
		`camera:"canon eos"`:          {Camera: []string{"canon eos"}},
		`"camera:canon eos"`:          {Camera: []string{"canon eos"}},
		`path:"a \"b\" \\ c\d"`:       {Path: []string{`a "b" \ c\d`}},
		`path:a\b path:trips/*`:       {Path: []string{`a\b`, "trips/*"}},
		"path:a:b":                    {Path: []string{"a:b"}},
		"ext:.JPG EXT:png":            {Ext: []string{"JPG", "png"}},
		"format:JPG format:tif":       {Format: []string{"jpeg", "tiff"}},
		"width:1000":                  width(1000, 1000),
		"width:>1000":                 width(1001, most),
		"width:>=1000":                width(1000, most),
		"width:<1000":                 width(0, 999),
		"width:<=1000":                width(0, 1000),
		"width:=7":                    width(7, 7),
		"width:10..20":                width(10, 20),
		"width:10..":                  width(10, most),
		"width:..20":                  width(0, 20),
		"height:5":                    {Height: []loopitr.Range{{Min: 5, Max: 5}}},
		"size:>2.5MB":                 size(2_500_001, most),
		"size:..500kb":                size(0, 500_000),
		"size:1G..2g":                 size(1e9, 2e9),
		"size:0b":                     size(0, 0),
		"near:48.1,-11.6,20km":        {Near: []loopitr.Circle{{Place: loopitr.Place{Latitude: 48.1, Longitude: -11.6}, Kilometres: 20}}},
		"near:0,0,500M near:-1,2,3.5": {Near: []loopitr.Circle{{Kilometres: 0.5}, {Place: loopitr.Place{Latitude: -1, Longitude: 2}, Kilometres: 3.5}}},
	} {
		got, err := search.ParseFilter(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		diff(t, text, loopitr.Filter{Require: want}, got)
	}
	got, err := search.ParseFilter("-camera:canon ext:jpg -ext:png")
	must(t, err)
	diff(t, "excluded", loopitr.Filter{Require: c{Ext: []string{"jpg"}}, Exclude: c{Camera: []string{"canon"}, Ext: []string{"png"}}}, got)
}

func TestParseFilterRefuses(t *testing.T) {
	for text, part := range map[string]string{
		"color:red":                     "taken, camera, path",
		"red":                           "taken, camera, path",
		":x":                            "unknown key",
		"camera:":                       "no value",
		`camera:""`:                     "no value",
		`camera:"canon`:                 "quote",
		"taken:yesterday":               "yesterday",
		"taken:2024-13":                 "2024-13",
		"taken:2023-02-29":              "2023-02-29",
		"taken:2024..2023":              "ends before",
		"taken:..":                      "missing",
		"taken:>":                       "missing",
		"taken:0000":                    "0000",
		"width:-5":                      "whole number",
		"width:1.5":                     "whole number",
		"width:abc":                     "abc",
		"width:5..3":                    "ends before",
		"width:..":                      "missing",
		"width:>":                       "missing",
		"width:<0":                      "ends before",
		"width:1..2..3":                 "2..3",
		"width:99999999999999999999999": "whole number",
		"size:5TB":                      "5TB",
		"size:infMB":                    "infMB",
		"size:-1":                       "-1",
		"near:1,2":                      "latitude",
		"near:91,0,1":                   "latitude",
		"near:0,181,1":                  "latitude",
		"near:0,0,0":                    "latitude",
		"near:0,0,-5km":                 "latitude",
		"near:nan,0,1":                  "latitude",
		"near:0,0,inf":                  "latitude",
		"near:0,0,1,2":                  "latitude",
		strings.Repeat("ext:a ", 201):   "201 terms",
	} {
		f, err := search.ParseFilter(text)
		wantKind(t, text, err, loopitr.ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%q: error %q does not say %q", text, err, part)
		}
		diff(t, text, loopitr.Filter{}, f)
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, text := range []string{
		`taken:2024-01..2024-06 camera:"canon eos" -path:trips/* ext:jpg width:>1000 near:48.1,11.6,20km format:png size:<5MB`,
		`path:"\"\\*?" -height:3..`, "-", ":", `"`, "near:,,", "taken:9999-12-31T23:59..", "size:1e3",
	} {
		f.Add(text)
	}
	item := loopitr.Item{Path: "trips/a.jpg", Size: 5, Facts: loopitr.Facts{
		Width: 7, Height: 8, Format: "jpeg", Camera: "Canon", Taken: date(2024, 2, 3), Place: &loopitr.Place{Latitude: 48, Longitude: 11},
	}}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := search.ParseFilter(text)
		if err != nil {
			if !errors.Is(err, loopitr.ErrInvalid) {
				t.Errorf("error %v is of no kind", err)
			}
			return
		}
		filter.Match(item)
		for _, r := range append(filter.Require.Width, filter.Exclude.Bytes...) {
			if r.Min > r.Max || r.Min < 0 {
				t.Errorf("range %+v", r)
			}
		}
		for _, s := range filter.Require.Taken {
			if !s.Until.IsZero() && !s.From.Before(s.Until) {
				t.Errorf("span %+v", s)
			}
		}
		for _, c := range filter.Require.Near {
			if !(c.Kilometres > 0) || !c.Contains(c.Place) {
				t.Errorf("circle %+v", c)
			}
		}
	})
}
