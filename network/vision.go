package network

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
)

// Vision turns pictures into tokens [B,P,D], [CLS] first: a ViT with pre-norm
// blocks and a final norm. Pictures are normalised pixels [B,S,S,3] or, with
// token input, [B,Tokens,Features].
func (n LoopITR) Vision(pictures *Node) *Node { return n.VisionOf(pictures, nil) }

// VisionOf is Vision of some patches only, [B,K+1,D]: shown [B,K], int64, says
// which of the patches (or tokens), counted from 0 without [CLS]; nil shows all.
// Training on a part of each picture costs that part and varies what is seen
// (FLIP, Li et al. 2023).
func (n LoopITR) VisionOf(pictures, shown *Node) *Node {
	c := n.Config.Vision
	x := n.patches(pictures)
	position := InsertAxes(n.weight("vision/position", c.PictureTokens(), c.Width), 0)
	tokens := c.PictureTokens()
	if shown != nil {
		x, position = show(x, position, shown)
		tokens = 1 + shown.Shape().Dim(1)
	}
	x = n.dense("vision/patch", x, c.Width)
	b := x.Shape().Dim(0)
	cls := BroadcastToDims(Reshape(n.weight("vision/cls", c.Width), 1, 1, c.Width), b, 1, c.Width)
	x = Concatenate([]*Node{cls, x}, 1)
	want("vision tokens", x, b, tokens, c.Width)
	x = Add(x, position)
	x = n.dropout(x)
	for i := range c.Layers {
		x = n.visionBlock(blockName("vision", i), n.enter(x))
	}
	return n.norm("vision/norm", n.leave(x), c.LayerNormEpsilon)
}

// show takes the shown [B,K] of patches [B,P-1,F] and of positions [1,P,D], the
// first of which is [CLS]'s and stays: [B,K,F] and [B,K+1,D].
func show(patches, position, shown *Node) (*Node, *Node) {
	b, p, f := patches.Shape().Dim(0), patches.Shape().Dim(1), patches.Shape().Dim(2)
	wantShape("shown patches", shown, b, -1)
	first := MulScalar(Iota(shown.Graph(), shapes.Make(shown.DType(), b, 1), 0), float64(p))
	rows := InsertAxes(Add(shown, first), -1)
	patches = Gather(Reshape(patches, b*p, f), rows)

	d := position.Shape().Dim(-1)
	cls := BroadcastToDims(Slice(position, AxisRange(), AxisRange(0, 1)), b, 1, d)
	places := Gather(Squeeze(position, 0), InsertAxes(AddScalar(shown, 1), -1))
	return patches, Concatenate([]*Node{cls, places}, 1)
}

// patches cuts pixels [B,S,S,3] into [B,P-1,p*p*3], row after row of patches,
// each row after row of pixels, or makes [B,P-1,D] with the stem. Tokens pass.
func (n LoopITR) patches(pictures *Node) *Node {
	c := n.Config.Vision
	if c.Input == Tokens {
		want("vision input", pictures, -1, c.Tokens, c.Features)
		return pictures
	}
	want("vision input", pictures, -1, c.ImageSize, c.ImageSize, channels)
	if c.Stem == StemConv {
		return n.stem(pictures)
	}
	b, side, p := pictures.Shape().Dim(0), c.ImageSize/c.PatchSize, c.PatchSize
	x := Reshape(pictures, b, side, p, side, p, channels)
	x = TransposeAllAxes(x, 0, 1, 3, 2, 4, 5)
	return Reshape(x, b, side*side, p*p*channels)
}

func (n LoopITR) visionBlock(name string, x *Node) *Node {
	c := n.Config.Vision
	h := n.norm(name+"/norm1", x, c.LayerNormEpsilon)
	at := name + "/attention"
	m := n.remember(at, h, nil, c.Width)
	h = attend(n.dense(at+"/query", h, c.Width), m, c.Heads)
	x = Add(x, n.dropout(n.dense(at+"/output", h, c.Width)))

	h = n.norm(name+"/norm2", x, c.LayerNormEpsilon)
	return Add(x, n.dropout(n.mlp(name, h, c.Hidden)))
}

// mlp is Dense, exact GELU, Dense. The activation is not fused into the first
// Dense: its gradient would then need the product a second time.
func (n LoopITR) mlp(name string, x *Node, hidden int) *Node {
	width := x.Shape().Dim(-1)
	x = activation.Gelu(n.dense(name+"/mlp/up", x, hidden))
	return n.dense(name+"/mlp/down", x, width)
}
