package convert

import (
	"fmt"
	"slices"

	"github.com/loopitr/loopitr/network"
)

// form is how one of our parameters lies in a source.
type form int

const (
	pair      form = iota // weight and bias, as they are
	single                // one tensor, as it is
	token                 // [1,1,D] there, [D] here
	positions             // [1,P,D] there, [P,D] here, resized if P differs
	patches               // a convolution [D,3,p,p] there, Dense [D,p*p*3] here, and bias
	query                 // rows of a fused [3D,D] and [3D], in this order
	key
	value
)

// name is one line of a table: what we call a parameter and what the source does,
// without what the tables around it put in front.
type name struct {
	ours, theirs string
	form         form
}

// tower is the table of a tower: names outside and inside its blocks.
type tower struct {
	prefix string // before all names in the source
	outer  []name
	block  string // of block %d, before inner names
	inner  []name
}

// entry is one parameter and where it comes from.
type entry struct {
	ours, theirs string
	form         form
}

// expand spells out names behind two prefixes: each pair becomes two entries.
func expand(ours, theirs string, names []name) []entry {
	var entries []entry
	for _, n := range names {
		switch n.form {
		case single, token, positions:
			entries = append(entries, entry{ours + n.ours, theirs + n.theirs, n.form})
		default:
			for _, part := range []string{"/weight", "/bias"} {
				entries = append(entries, entry{ours + n.ours + part, theirs + n.theirs + "." + part[1:], n.form})
			}
		}
	}
	return entries
}

// block is the prefix of block i in the source.
func (t tower) at(i int) string { return t.prefix + fmt.Sprintf(t.block, i) }

// ourBlock is the prefix of our block i.
func ourBlock(tower string, i int) string { return fmt.Sprintf("%s/block_%02d/", tower, i) }

// visionEntries is the table of a vision tower of so many layers.
func (t tower) visionEntries(layers int) []entry {
	entries := expand("vision/", t.prefix, t.outer)
	for i := range layers {
		entries = append(entries, expand(ourBlock("vision", i), t.at(i), t.inner)...)
	}
	return entries
}

// layout is what a kind of source looks like and what belongs to it.
type layout struct {
	kind   Kind
	vision *tower // nil: none
	text   *tower // nil: none
	heads  []name
	// dropped tells of names that are no part of the network.
	dropped func(name string) bool

	from          network.From
	visionEpsilon float64
	textEpsilon   float64
	// huggingFace says that a config.json beside the weights describes them;
	// textClassHeads is how many text heads it means where it says nothing.
	huggingFace    bool
	textClassHeads int
	// textLayers is how many layers the text source has, for those that are a tower
	// alone: what a network has besides stays fresh.
	textLayers int
}

// entries is the whole table for a network. What single towers leave out stays fresh.
func (l layout) entries(c network.Config) []entry {
	var entries []entry
	if l.kind == Own {
		for _, p := range c.Params() {
			entries = append(entries, entry{p.Name, p.Name, single})
		}
		return entries
	}
	if l.vision != nil {
		entries = l.vision.visionEntries(c.Vision.Layers)
	}
	if l.text != nil {
		entries = append(entries, l.textEntries(c)...)
	}
	return append(entries, expand("", "", l.heads)...)
}

// textEntries maps the layers of a BERT: the first to the text tower, those after
// it to the cross encoder, whose cross attention single towers lack. A network
// that starts from ids has both in the same layers.
func (l layout) textEntries(c network.Config) []entry {
	outer := l.text.outer
	if c.Text.NoTypes {
		outer = slices.DeleteFunc(slices.Clone(outer), func(n name) bool { return n.ours == "embedding/type" })
	}
	entries := expand("text/", l.text.prefix, outer)
	for i := range c.Text.Layers {
		if !l.whole() && i >= l.textLayers {
			break
		}
		entries = append(entries, expand(ourBlock("text", i), l.text.at(i), l.text.inner)...)
	}
	for i := range c.Cross.Layers {
		layer := c.Text.Layers + i
		if !l.whole() && layer >= l.textLayers {
			break
		}
		at := l.text.at(layer)
		if l.from == network.FromIDs {
			at = l.text.at(i)
		} else {
			entries = append(entries, expand(ourBlock("cross", i), at, l.text.inner)...)
		}
		if l.whole() {
			entries = append(entries, expand(ourBlock("cross", i), at, bertCross)...)
		}
	}
	return entries
}

// whole tells whether the source is a whole network and not one tower.
func (l layout) whole() bool { return l.vision != nil && l.text != nil }
