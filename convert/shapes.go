package convert

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/loopitr/loopitr/network"
)

// perHead is the width of an attention head in BERT and ViT of every published size.
const perHead = 64

// reader reads sizes off a source's shapes and gathers what is not there.
type reader struct {
	source  *source
	missing []string
}

// dim is one dimension of a tensor that must have a rank.
func (r *reader) dim(name string, rank, axis int) int {
	t, there := r.source.tensors[name]
	if !there || len(t.shape) != rank {
		what := fmt.Sprintf("%q is missing", name)
		if there {
			what = fmt.Sprintf("%q is %v, want %d dimensions", name, t.shape, rank)
		}
		if !slices.Contains(r.missing, what) {
			r.missing = append(r.missing, what)
		}
		return 0
	}
	return t.shape[axis]
}

// count is how many blocks there are whose tensor name is there.
func (r *reader) count(t *tower, name string) int {
	n := 0
	for {
		if _, there := r.source.tensors[t.at(n)+name]; !there {
			return n
		}
		n++
	}
}

// theirs is the source's name for one of ours in a table.
func theirs(names []name, ours string) string {
	for _, n := range names {
		if n.ours == ours {
			return n.theirs
		}
	}
	panic("convert: no name " + ours + " in the table")
}

// visionConfig reads a vision tower's sizes; told is what its settings say.
func (r *reader) visionConfig(l layout, told settings, asked Config) network.VisionConfig {
	t := l.vision
	up := theirs(t.inner, "mlp/up") + ".weight"
	kernel := t.prefix + theirs(t.outer, "patch") + ".weight"
	c := network.VisionConfig{
		Input:            network.Pixels,
		PatchSize:        r.dim(kernel, 4, 3),
		Width:            r.dim(t.prefix+theirs(t.outer, "cls"), 3, 2),
		Layers:           r.count(t, up),
		Hidden:           r.dim(t.at(0)+up, 2, 0),
		LayerNormEpsilon: cmp.Or(told.Epsilon, l.visionEpsilon),
	}
	c.Heads = r.heads(asked.VisionHeads, told.Heads, c.Width)
	count := r.dim(t.prefix+theirs(t.outer, "position"), 3, 1)
	side := square(count - 1)
	if side == 0 && count > 0 {
		r.missing = append(r.missing, fmt.Sprintf("%d positions are not [CLS] and a square", count))
	}
	c.ImageSize = cmp.Or(asked.ImageSize, side*c.PatchSize)
	return c
}

// textConfig reads a BERT's sizes, all its layers counted as the text tower's.
func (r *reader) textConfig(l layout, told settings, asked Config) network.TextConfig {
	t := l.text
	up := theirs(t.inner, "mlp/up") + ".weight"
	word := t.prefix + theirs(t.outer, "embedding/word")
	_, types := r.source.tensors[t.prefix+theirs(t.outer, "embedding/type")]
	width := r.dim(word, 2, 1)
	return network.TextConfig{
		Vocabulary:       r.dim(word, 2, 0),
		MaxTokens:        r.dim(t.prefix+theirs(t.outer, "embedding/position"), 2, 0),
		Width:            width,
		Heads:            r.heads(asked.TextHeads, told.Heads, width),
		Layers:           r.count(t, up),
		Hidden:           r.dim(t.at(0)+up, 2, 0),
		LayerNormEpsilon: cmp.Or(told.Epsilon, l.textEpsilon),
		NoTypes:          !types,
	}
}

// crossLayers counts the layers that look at pictures, and how many come before.
func (r *reader) crossLayers(l layout, total int) (before, looking int) {
	look := bertCross[0].theirs + ".weight"
	for before < total {
		if _, there := r.source.tensors[l.text.at(before)+look]; there {
			break
		}
		before++
	}
	return before, total - before
}

// heads is how many heads a tower of some width has: as asked, as config.json says,
// or as all published sizes have.
func (r *reader) heads(asked, stored, width int) int {
	switch {
	case asked > 0:
		return asked
	case stored > 0:
		return stored
	case width%perHead != 0:
		r.missing = append(r.missing, fmt.Sprintf("the number of attention heads: a width of %d is not heads of %d: say how many", width, perHead))
	}
	return width / perHead
}
