package network

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
)

// Vision turns pictures into tokens [B,P,D], [CLS] first: a ViT with pre-norm
// blocks and a final norm. Pictures are normalised pixels [B,S,S,3] or, with
// token input, [B,Tokens,Features].
func (n LoopITR) Vision(pictures *Node) *Node {
	c := n.Config.Vision
	x := n.dense("vision/patch", n.patches(pictures), c.Width)
	b := x.Shape().Dim(0)
	cls := BroadcastToDims(Reshape(n.weight("vision/cls", c.Width), 1, 1, c.Width), b, 1, c.Width)
	x = Concatenate([]*Node{cls, x}, 1)
	want("vision tokens", x, b, c.PictureTokens(), c.Width)
	x = Add(x, InsertAxes(n.weight("vision/position", c.PictureTokens(), c.Width), 0))
	x = n.dropout(x)
	for i := range c.Layers {
		x = n.visionBlock(blockName("vision", i), n.enter(x))
	}
	return n.norm("vision/norm", n.leave(x), c.LayerNormEpsilon)
}

// patches cuts pixels [B,S,S,3] into [B,P-1,p*p*3], row after row of patches,
// each row after row of pixels. Tokens pass.
func (n LoopITR) patches(pictures *Node) *Node {
	c := n.Config.Vision
	if c.Input == Tokens {
		want("vision input", pictures, -1, c.Tokens, c.Features)
		return pictures
	}
	want("vision input", pictures, -1, c.ImageSize, c.ImageSize, channels)
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
