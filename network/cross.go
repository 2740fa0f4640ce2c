package network

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Pairs are N captions, each with one picture to read it against.
type Pairs struct {
	// States [N,T,D] are Text's, Mask [N,T] their mask (nil: no padding); [C,T,D]
	// and [C,T] with Caption saying which.
	States, Mask *Node
	// IDs, int64 and without the last axis, stand in the place of States where
	// Cross.From is "ids".
	IDs *Node
	// Tokens are Vision's: [N,P,D], or [B,P,D] with Picture saying which.
	Tokens *Node
	// Caption and Picture [N], int64, are the rows of States and Tokens that make
	// each pair; nil takes them in order. What a caption or a picture needs before
	// the two meet is then made once, however many pairs it is in.
	Caption, Picture *Node
}

// count is N.
func (p Pairs) count() int {
	for _, at := range []*Node{p.Caption, p.Picture} {
		if at != nil {
			return at.Shape().Dim(0)
		}
	}
	return p.States.Shape().Dim(0)
}

// Cross reads each caption with its picture and returns the caption's states
// [N,T,D] after it: in each layer the caption's tokens look at themselves, then
// at the picture's, then think (BERT's second half, post-norm).
func (n LoopITR) Cross(in Pairs) *Node { return n.cross(in, false) }

// CrossFirst is the first token of Cross, [N,1,D], without computing the others
// in the last layer. It is all that a match head with Pool "cls" reads.
func (n LoopITR) CrossFirst(in Pairs) *Node { return n.cross(in, true) }

func (n LoopITR) cross(in Pairs, firstOnly bool) *Node {
	c := n.Config
	x := n.captions(in)
	want("pair states", x, -1, -1, c.Text.Width)
	want("pair tokens", in.Tokens, -1, -1, c.Vision.Width)
	in.States = x
	count := in.count()
	wantRows("pair captions", in.Caption, in.States, count)
	wantRows("pair pictures", in.Picture, in.Tokens, count)
	bias, caption := n.bias(in.Mask, x.Shape().Dimensions), in.Caption
	for i := range c.Cross.Layers {
		x = n.crossBlock(i, n.enter(x), crossInput{
			bias: bias, tokens: in.Tokens, caption: caption, picture: in.Picture,
			firstOnly: firstOnly && i == c.Cross.Layers-1,
		})
		bias, caption = deal(bias, caption), nil
	}
	return n.leave(x)
}

// wantRows panics unless at names a row of x for each of count pairs.
func wantRows(what string, at, x *Node, count int) {
	if at == nil {
		want(what, x, count, -1, -1)
		return
	}
	wantShape(what, at, count)
	if at.DType() != dtypes.Int64 {
		panic(fmt.Errorf("%s: got %s, want int64: %w", what, at.Shape(), loopitr.ErrInvalid))
	}
}

type crossInput struct {
	bias, tokens     *Node
	caption, picture *Node // as in Pairs
	firstOnly        bool
}

// captions are the states that the cross encoder starts from.
func (n LoopITR) captions(in Pairs) *Node {
	if n.Config.Cross.From == FromStates {
		return in.States
	}
	if in.IDs == nil {
		panic(fmt.Errorf("pair ids: the cross encoder starts from them: %w", loopitr.ErrInvalid))
	}
	ids := in.IDs
	if first := n.Config.Cross.FirstToken; first != 0 {
		ids = Where(Equal(Iota(ids.Graph(), ids.Shape(), 1), ScalarZero(ids.Graph(), ids.DType())),
			MulScalar(OnesLike(ids), first), ids)
	}
	return n.embed(ids)
}

// crossBlock is block i. Where the cross encoder starts from ids, all but the
// cross attention is the text tower's.
func (n LoopITR) crossBlock(i int, x *Node, in crossInput) *Node {
	name := blockName("cross", i)
	own := name
	if n.Config.Cross.From == FromIDs {
		own = blockName("text", i)
	}
	self := n.remember(own+"/attention", x, in.bias, n.Config.Text.Width)
	if in.firstOnly {
		x = InsertAxes(firstToken(x), 1)
	}
	x = n.look(own+"/attention", x, self)
	return n.think(own, n.lookAtPicture(name+"/cross_attention", x, in))
}

// lookAtPicture is look from captions to their pictures. Only after the queries
// are made are captions dealt out to the pairs.
func (n LoopITR) lookAtPicture(name string, x *Node, in crossInput) *Node {
	q := n.dense(name+"/query", x, n.Config.Text.Width)
	var h *Node
	if n.Fold && n.foldingPays(q, in) {
		h = n.attendFolded(name, q, in)
	} else {
		h = attend(deal(q, in.caption), n.seen(name, in), n.Config.Text.Heads)
	}
	return n.settle(name, deal(x, in.caption), h)
}

// seen makes keys and values of the pictures and deals them out to the pairs.
func (n LoopITR) seen(name string, in crossInput) memory {
	m := n.remember(name, in.tokens, nil, n.Config.Text.Width)
	m.keys, m.values = deal(m.keys, in.picture), deal(m.values, in.picture)
	return m
}

// deal is the rows of x that at names; x itself without at.
func deal(x, at *Node) *Node {
	if x == nil || at == nil {
		return x
	}
	return Gather(x, InsertAxes(at, -1))
}
