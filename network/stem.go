package network

import (
	"fmt"
	"math/bits"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
)

// Stem is how pixels become patches.
type Stem string

// The two stems.
const (
	// StemCut takes each patch's pixels as they are, as ViT does.
	StemCut Stem = ""
	// StemConv reads each patch with its surroundings: 3x3 convolutions of stride 2
	// until a patch is one position, each twice as wide as the one before and the
	// last as wide as the tower, each followed by a norm over its channels and GELU
	// (after Xiao et al. 2021; the norm is ours, it keeps no statistics).
	StemConv Stem = "conv"
)

// kernelSide is that of a stem's convolutions; stride halves a picture's side.
const (
	kernelSide = 3
	stride     = 2
)

// convolutions lists how many channels each convolution of the stem makes.
func (c VisionConfig) convolutions() []int {
	if c.Stem != StemConv {
		return nil
	}
	made := make([]int, bits.Len(uint(c.PatchSize))-1)
	for i := range made {
		made[i] = c.Width >> (len(made) - 1 - i)
	}
	return made
}

func (c VisionConfig) validateStem() error {
	switch {
	case c.Stem == StemCut:
		return nil
	case c.Stem != StemConv:
		return invalid("vision.stem", c.Stem, `is not "" or "conv"`)
	case c.Input != Pixels:
		return invalid("vision.stem", c.Stem, "is for pixel input only")
	case c.PatchSize < 2 || c.PatchSize&(c.PatchSize-1) != 0:
		return invalid("vision.stem", c.Stem, fmt.Sprintf("halves pictures, and vision.patch_size %d is not a power of 2 above 1", c.PatchSize))
	case c.Width%(c.PatchSize/2) != 0:
		return invalid("vision.stem", c.Stem, fmt.Sprintf("doubles its width from each convolution to the next, and vision.width %d cannot be halved so often", c.Width))
	}
	return nil
}

func stemName(i int) string { return fmt.Sprintf("vision/stem_%02d", i) }

// stem makes [B,P-1,D] of pixels [B,S,S,3].
func (n LoopITR) stem(x *Node) *Node {
	c := n.Config.Vision
	for i, made := range c.convolutions() {
		x = n.dense(stemName(i), surroundings(x), made)
		x = activation.Gelu(n.norm(stemName(i)+"/norm", x, c.LayerNormEpsilon))
	}
	return Reshape(x, x.Shape().Dim(0), -1, c.Width)
}

// surroundings gives each second pixel of x [B,S,S,C], in each second row, its 3x3
// neighbours, row after row, zeros beyond the border: [B,S/2,S/2,9*C]. A dense
// layer over them is a convolution of stride 2.
func surroundings(x *Node) *Node {
	b, s, c := x.Shape().Dim(0), x.Shape().Dim(1)/stride, x.Shape().Dim(3)
	x = Reshape(x, b, s, stride, s, stride, c)
	// tap is the pixel at -1, 0 or 1 of the middle's row and column.
	tap := func(row, column int) *Node {
		y := Slice(x, AxisRange(), AxisRange(), AxisElem(row&1), AxisRange(), AxisElem(column&1))
		y = Reshape(y, b, s, s, c)
		if row < 0 {
			y = later(y, 1)
		}
		if column < 0 {
			y = later(y, 2)
		}
		return y
	}
	var taps []*Node
	for row := -1; row <= 1; row++ {
		for column := -1; column <= 1; column++ {
			taps = append(taps, tap(row, column))
		}
	}
	return Concatenate(taps, -1)
}

// later moves x one place along an axis, zeros first.
func later(x *Node, axis int) *Node {
	rest := SliceAxis(x, axis, AxisRange(0, x.Shape().Dim(axis)-1))
	zeros := ZerosLike(SliceAxis(x, axis, AxisRange(0, 1)))
	return Concatenate([]*Node{zeros, rest}, axis)
}

func (c VisionConfig) stemParams() []Param {
	var params []Param
	inputs := channels
	for i, made := range c.convolutions() {
		params = append(params, dense(stemName(i), kernelSide*kernelSide*inputs, made)...)
		params = append(params, norm(stemName(i)+"/norm", made)...)
		inputs = made
	}
	return params
}
