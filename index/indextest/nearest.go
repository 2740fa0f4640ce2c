package indextest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loopitr/loopitr"
)

func testTies(t *testing.T, s Store) {
	x := open(t, s)
	r := newReference()
	for n := range 12 {
		e := Entry(fmt.Sprintf("%02d.jpg", 11-n), n)
		e.Vector = loopitr.Vector{0, 0, 0, 0, 0, 0, 0, 0}
		e.Vector[n%3] = 1
		put(t, x, e)
		r.put(e)
	}
	for count := range 14 {
		l := loopitr.Lookup{Vector: loopitr.Vector{0.6, 0.8, 0, 0, 0, 0, 0, 0}, Count: count}
		same(t, s, r.nearest(l), nearest(t, x, l))
	}
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// filtered is a small collection with every kind of fact, known and unknown.
func filtered() []loopitr.Entry {
	entries := []loopitr.Entry{
		Entry("trips/2024/alps.jpg", 0), Entry("trips/2024/sea.PNG", 1), Entry("home/cat.jpg", 2),
		Entry("home/cat copy.jpg", 2), Entry("trips.txt.jpeg", 3), Entry("TRIPS2/x", 4),
	}
	entries[0].Facts = loopitr.Facts{
		Width: 4000, Height: 3000, Format: "jpeg", Camera: "Canon EOS 5D", Taken: day(2024, 5, 17),
		Place: &loopitr.Place{Latitude: 47.42, Longitude: 10.98},
	}
	entries[1].Facts = loopitr.Facts{
		Width: 800, Height: 600, Format: "png", Camera: "NIKON CORPORATION NIKON D850", Taken: day(2024, 7, 1).Add(-time.Millisecond),
		Place: &loopitr.Place{Latitude: 54.3, Longitude: 13.1},
	}
	entries[2].Facts = loopitr.Facts{Width: 1000, Height: 1000, Format: "jpeg", Taken: day(2023, 12, 31), Camera: "canon powershot"}
	entries[3].Facts = entries[2].Facts
	entries[4].Facts = loopitr.Facts{}
	entries[5].Facts = loopitr.Facts{
		Width: 1, Height: 1, Format: "gif", Taken: day(1968, 2, 29),
		Place: &loopitr.Place{Latitude: -18, Longitude: 179.99},
	}
	return entries
}

func munich(kilometres float64) loopitr.Circle {
	return loopitr.Circle{Place: loopitr.Place{Latitude: 48.137, Longitude: 11.575}, Kilometres: kilometres}
}

// conditions has one entry a kind of condition and hits and misses in each.
var conditions = map[string]struct {
	c    loopitr.Conditions
	want []string
}{
	"span":         {loopitr.Conditions{Taken: []loopitr.Span{{From: day(2024, 1, 1), Until: day(2024, 7, 1)}}}, []string{"trips/2024/alps.jpg", "trips/2024/sea.PNG"}},
	"until":        {loopitr.Conditions{Taken: []loopitr.Span{{Until: day(2000, 1, 1)}}}, []string{"TRIPS2/x"}},
	"from":         {loopitr.Conditions{Taken: []loopitr.Span{{From: day(2024, 6, 1)}}}, []string{"trips/2024/sea.PNG"}},
	"two spans":    {loopitr.Conditions{Taken: []loopitr.Span{{Until: day(2000, 1, 1)}, {From: day(2024, 6, 1)}}}, []string{"TRIPS2/x", "trips/2024/sea.PNG"}},
	"folder":       {loopitr.Conditions{Path: []string{"Trips"}}, []string{"trips/2024/alps.jpg", "trips/2024/sea.PNG"}},
	"path pattern": {loopitr.Conditions{Path: []string{"trips*"}}, []string{"TRIPS2/x", "trips.txt.jpeg", "trips/2024/alps.jpg", "trips/2024/sea.PNG"}},
	"one letter":   {loopitr.Conditions{Path: []string{"home/c?t*"}}, []string{"home/cat copy.jpg"}},
	"camera":       {loopitr.Conditions{Camera: []string{"CANON"}}, []string{"home/cat copy.jpg", "trips/2024/alps.jpg"}},
	"two cameras":  {loopitr.Conditions{Camera: []string{"5d", "nikon*d850"}}, []string{"trips/2024/alps.jpg", "trips/2024/sea.PNG"}},
	"ext":          {loopitr.Conditions{Ext: []string{"png", "jpeg"}}, []string{"trips.txt.jpeg", "trips/2024/sea.PNG"}},
	"no ext":       {loopitr.Conditions{Ext: []string{""}}, []string{"TRIPS2/x"}},
	"format":       {loopitr.Conditions{Format: []string{"PNG", "gif"}}, []string{"TRIPS2/x", "trips/2024/sea.PNG"}},
	"width":        {loopitr.Conditions{Width: []loopitr.Range{{Min: 0, Max: 800}}}, []string{"TRIPS2/x", "trips/2024/sea.PNG"}},
	"height":       {loopitr.Conditions{Height: []loopitr.Range{{Min: 1000, Max: 1 << 40}}}, []string{"home/cat copy.jpg", "trips/2024/alps.jpg"}},
	"bytes":        {loopitr.Conditions{Bytes: []loopitr.Range{{Min: 1003, Max: 1004}}}, []string{"TRIPS2/x", "trips.txt.jpeg"}},
	"near":         {loopitr.Conditions{Near: []loopitr.Circle{munich(100)}}, []string{"trips/2024/alps.jpg"}},
	"date line":    {loopitr.Conditions{Near: []loopitr.Circle{{Place: loopitr.Place{Latitude: -18, Longitude: -179.99}, Kilometres: 10}}}, []string{"TRIPS2/x"}},
	"all":          {loopitr.Conditions{}, []string{"TRIPS2/x", "home/cat copy.jpg", "trips.txt.jpeg", "trips/2024/alps.jpg", "trips/2024/sea.PNG"}},
}

func testFilters(t *testing.T, s Store) {
	x := open(t, s)
	r := newReference()
	for _, e := range filtered() {
		put(t, x, e)
		r.put(e)
	}
	for name, one := range conditions {
		t.Run(name, func(t *testing.T) {
			l := loopitr.Lookup{Vector: Vector(0, 8), Filter: loopitr.Filter{Require: one.c}, Count: 10}
			found := nearest(t, x, l)
			got := map[string]bool{}
			for _, p := range paths(found) {
				got[p] = true
			}
			want := map[string]bool{}
			for _, p := range one.want {
				want[p] = true
			}
			diff(t, "required", want, got)
			same(t, s, r.nearest(l), found)
			l.Filter = loopitr.Filter{Exclude: one.c}
			same(t, s, r.nearest(l), nearest(t, x, l))
			for other := range conditions { // and with each other kind
				l.Filter = loopitr.Filter{Require: one.c, Exclude: conditions[other].c}
				same(t, s, r.nearest(l), nearest(t, x, l))
			}
		})
	}
	// Filters come first: the best match of all does not take a place.
	l := loopitr.Lookup{Vector: Vector(0, 8), Count: 1, Filter: loopitr.Filter{Require: loopitr.Conditions{Path: []string{"home"}}}}
	diff(t, "count 1", []string{"home/cat copy.jpg"}, paths(nearest(t, x, l)))
}

// clustered draws vectors that lie close together, so that many are candidates.
func clustered(t *rapid.T, n, dimensions int, spread float32) loopitr.Vector {
	v := Vector(n%5, dimensions)
	for i, noise := range Vector(rapid.IntRange(0, 1<<30).Draw(t, "noise"), dimensions) {
		v[i] += spread * noise
	}
	return unit(v)
}

func testNearestIsExact(t *testing.T, s Store) {
	byDimensions := map[int]loopitr.Index{}
	for _, d := range []int{2, 3, 17, 64, 130} {
		byDimensions[d] = open(t, s)
	}
	rapid.Check(t, func(rt *rapid.T) {
		dimensions := rapid.SampledFrom([]int{2, 3, 17, 64, 130}).Draw(rt, "dimensions")
		x := byDimensions[dimensions]
		var old []string
		for _, i := range all(t, x) {
			old = append(old, i.Path)
		}
		if _, err := x.Delete(t.Context(), old); err != nil {
			rt.Fatal(err)
		}
		r := newReference()
		spread := rapid.SampledFrom([]float32{0.001, 0.03, 1}).Draw(rt, "spread")
		var entries []loopitr.Entry
		for n := range rapid.IntRange(1, 120).Draw(rt, "items") {
			e := loopitr.Entry{Item: Item(fmt.Sprintf("%d/%d.jpg", n%3, n), n)}
			e.Vector = clustered(rt, n, dimensions, spread)
			entries = append(entries, e)
			r.put(e)
		}
		if err := x.Put(t.Context(), entries); err != nil {
			rt.Fatal(err)
		}
		l := loopitr.Lookup{Vector: clustered(rt, 0, dimensions, spread), Count: rapid.IntRange(0, 130).Draw(rt, "count")}
		if rapid.Bool().Draw(rt, "filtered") {
			l.Filter.Require.Path = []string{"1"}
		}
		found, err := x.Nearest(t.Context(), l)
		if err != nil {
			rt.Fatal(err)
		}
		same(t, s, r.nearest(l), found)
	})
}
