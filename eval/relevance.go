package eval

import (
	"slices"

	"github.com/loopitr/loopitr/dataset"
)

// layout numbers the captions of the kept records and says what is relevant to what.
type layout struct {
	captions  []string
	pictureOf []int32 // of each caption
	first     []int32 // first caption of each picture; one more at the end
	images    []standing
	texts     []standing
}

// newLayout finds each query's relevant items: its own partners, and as others,
// which count for mAP@R alone, the partners of captions with the same text.
func newLayout(records []dataset.Record) *layout {
	l := &layout{first: []int32{0}}
	groups := dataset.NewGroups(records)
	sameText := make([][]int32, groups.Texts())
	text := []int{}
	for i, r := range records {
		for j, caption := range r.Captions {
			t := groups.Text(dataset.Pair{Picture: int32(i), Caption: int32(j)})
			sameText[t] = append(sameText[t], int32(len(l.captions)))
			text = append(text, t)
			l.captions = append(l.captions, caption)
			l.pictureOf = append(l.pictureOf, int32(i))
		}
		l.first = append(l.first, int32(len(l.captions)))
	}
	l.images = make([]standing, len(records))
	l.texts = make([]standing, len(l.captions))
	seenCaption, seenPicture := newMarks(len(l.captions)), newMarks(len(records))
	for i := range records {
		image := &l.images[i]
		image.picture = i
		for c := l.first[i]; c < l.first[i+1]; c++ {
			image.own = append(image.own, c)
			l.texts[c].picture, l.texts[c].own = i, []int32{int32(i)}
			for _, other := range sameText[text[c]] {
				p := l.pictureOf[other]
				if p == int32(i) {
					continue
				}
				if seenCaption.first(other, int32(i)) {
					image.others = append(image.others, other)
				}
				if seenPicture.first(p, c) {
					l.texts[c].others = append(l.texts[c].others, p)
				}
			}
			slices.Sort(l.texts[c].others)
		}
		slices.Sort(image.others)
	}
	return l
}

// marks remembers by which query an item was last seen.
type marks []int32

func newMarks(n int) marks { return slices.Repeat(marks{-1}, n) }

// first reports whether the query, of a rising sequence, had not seen the item.
func (m marks) first(item, query int32) bool {
	seen := m[item] == query
	m[item] = query
	return !seen
}
