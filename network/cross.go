package network

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Pairs are N captions, each with one picture to read it against.
type Pairs struct {
	// States [N,T,D] are Text's, Mask [N,T] their mask (nil: no padding).
	States, Mask *Node
	// IDs [N,T], int64, stand in the place of States where Cross.From is "ids".
	IDs *Node
	// Tokens are Vision's: [N,P,D], or [B,P,D] with Picture saying which.
	Tokens *Node
	// Picture [N], int64, is the row of Tokens that belongs to each caption; nil
	// pairs them in order. Keys and values of a picture are then made once,
	// however many captions look at it.
	Picture *Node
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
	count := x.Shape().Dim(0)
	if in.Picture != nil {
		wantShape("pair pictures", in.Picture, count)
		if in.Picture.DType() != dtypes.Int64 {
			panic(fmt.Errorf("pair pictures: got %s, want int64: %w", in.Picture.Shape(), loopitr.ErrInvalid))
		}
	} else {
		want("pair tokens", in.Tokens, count, -1, c.Vision.Width)
	}
	bias := n.bias(in.Mask, x.Shape().Dimensions)
	for i := range c.Cross.Layers {
		x = n.crossBlock(i, n.enter(x), crossInput{
			bias: bias, tokens: in.Tokens, picture: in.Picture,
			firstOnly: firstOnly && i == c.Cross.Layers-1,
		})
	}
	return n.leave(x)
}

type crossInput struct {
	bias, tokens, picture *Node
	firstOnly             bool
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
	x = n.look(name+"/cross_attention", x, n.seen(name+"/cross_attention", in))
	return n.think(own, x)
}

// seen makes keys and values of the pictures and deals them out to the pairs.
func (n LoopITR) seen(name string, in crossInput) memory {
	m := n.remember(name, in.tokens, nil, n.Config.Text.Width)
	if in.picture != nil {
		at := InsertAxes(in.picture, -1)
		m.keys, m.values = Gather(m.keys, at), Gather(m.values, at)
	}
	return m
}
