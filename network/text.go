package network

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Captions are token ids [B,T], int64, [CLS] first, and their mask [B,T],
// float32: 1 for a token, 0 for padding. A nil Mask means no padding.
type Captions struct{ IDs, Mask *Node }

// Text turns captions into states [B,T,D]: BERT's embeddings and first layers,
// post-norm. States of padding are meaningless.
func (n LoopITR) Text(in Captions) *Node {
	c := n.Config.Text
	x := n.embed(in.IDs)
	bias := n.bias(in.Mask, in.IDs.Shape().Dimensions)
	for i := range c.Layers {
		name := blockName("text", i)
		x = n.enter(x)
		x = n.look(name+"/attention", x, n.remember(name+"/attention", x, bias, c.Width))
		x = n.think(name, x)
	}
	return n.leave(x)
}

// embed adds word, position and type and normalises.
func (n LoopITR) embed(ids *Node) *Node {
	c := n.Config.Text
	wantShape("caption ids", ids, -1, -1)
	b, t := ids.Shape().Dim(0), ids.Shape().Dim(1)
	if ids.DType() != dtypes.Int64 || t > c.MaxTokens {
		panic(fmt.Errorf("caption ids: got %s, want int64 of at most %d tokens: %w", ids.Shape(), c.MaxTokens, loopitr.ErrInvalid))
	}
	x := Gather(n.weight("text/embedding/word", c.Vocabulary, c.Width), InsertAxes(ids, -1))
	position := firstRows(n.weight("text/embedding/position", c.MaxTokens, c.Width), t)
	if !c.NoTypes {
		position = Add(position, firstRows(n.weight("text/embedding/type", tokenTypes, c.Width), 1))
	}
	x = Add(x, InsertAxes(position, 0))
	want("caption embeddings", x, b, t, c.Width)
	return n.dropout(n.norm("text/embedding/norm", x, c.LayerNormEpsilon))
}

// firstRows is the first count rows of a matrix. It gathers where a slice would
// do, because the gradient of a slice is a pad, which ONNX Runtime's engine lacks.
func firstRows(x *Node, count int) *Node {
	return Gather(x, Iota(x.Graph(), shapes.Make(dtypes.Int64, count, 1), 0))
}

// bias is what the mask adds to attention scores, nil without a mask.
func (n LoopITR) bias(mask *Node, dims []int) *Node {
	if mask == nil {
		return nil
	}
	want("caption mask", mask, dims[:2]...)
	return paddingBias(mask)
}

// look is BERT's attention of x [B,Q,D] to m, with its residual and norm.
func (n LoopITR) look(name string, x *Node, m memory) *Node {
	c := n.Config.Text
	return n.settle(name, x, attend(n.dense(name+"/query", x, c.Width), m, c.Heads))
}

// settle ends a look: the output's projection, residual and norm.
func (n LoopITR) settle(name string, x, h *Node) *Node {
	c := n.Config.Text
	h = n.dropout(n.dense(name+"/output", h, c.Width))
	return n.norm(name+"/norm", Add(x, h), c.LayerNormEpsilon)
}

// think is BERT's feed-forward part, with its residual and norm.
func (n LoopITR) think(name string, x *Node) *Node {
	c := n.Config.Text
	return n.norm(name+"/mlp/norm", Add(x, n.dropout(n.mlp(name, x, c.Hidden))), c.LayerNormEpsilon)
}
