package train

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/pixels"
)

func TestThinKeepsEvenlySpacedPictures(t *testing.T) {
	p := &pictures{}
	for i, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		p.records = append(p.records, dataset.Record{ID: id})
		p.rows = append(p.rows, 10+i)
		p.decoded.Store(i, pixels.Image{Width: i})
	}
	p.thin(0)
	p.thin(7)
	if len(p.rows) != 7 {
		t.Fatalf("%d pictures, want all 7", len(p.rows))
	}
	p.thin(3)
	if diff := cmp.Diff([]int{10, 12, 14}, p.rows); diff != "" {
		t.Error(diff)
	}
	image, _ := p.decoded.Load(1)
	if p.records[1].ID != "c" || image.(pixels.Image).Width != 2 {
		t.Errorf("second is %q with picture %v, want c with its own", p.records[1].ID, image)
	}
	if _, left := p.decoded.Load(5); left {
		t.Error("a dropped picture is still held")
	}
}
