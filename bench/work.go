package bench

import "github.com/loopitr/loopitr/network"

// Multiply-adds of the network's parts; norms, softmax and the like are left out.

// blockWork is one block of rows tokens looking at themselves, and its feed-forward part.
func blockWork(rows, width, hidden int) float64 {
	r, d := float64(rows), float64(width)
	return 4*r*d*d + 2*r*r*d + 2*r*d*float64(hidden)
}

// visionWork is one picture.
func visionWork(v network.VisionConfig) float64 {
	patches := float64(v.PictureTokens()-1) * float64(v.PatchSize*v.PatchSize*3) * float64(v.Width)
	return patches + float64(v.Layers)*blockWork(v.PictureTokens(), v.Width, v.Hidden)
}

// textWork is one caption.
func textWork(t network.TextConfig, words int) float64 {
	return float64(t.Layers) * blockWork(words, t.Width, t.Hidden)
}

// crossWork is one pair the plain way, its picture's keys and values made once
// for sharing pairs.
func crossWork(c network.Config, words, sharing int) float64 {
	t, d, v, p := float64(words), float64(c.Text.Width), float64(c.Vision.Width), float64(c.Vision.PictureTokens())
	look := 2*t*d*d + 2*t*p*d + 2*p*v*d/float64(sharing)
	return float64(c.Cross.Layers) * (blockWork(words, c.Text.Width, c.Text.Hidden) + look)
}

// arrangedWork is one of pairs pairs of one caption as infer does it: projections
// folded, only [CLS] in the last layer, the first layer's start shared (see
// docs/architecture.md).
func arrangedWork(c network.Config, words, pairs int) float64 {
	d, v := float64(c.Text.Width), float64(c.Vision.Width)
	p, heads, n := float64(c.Vision.PictureTokens()), float64(c.Text.Heads), float64(pairs)
	t := float64(words)
	var sum float64
	for layer := range c.Cross.Layers {
		rows, start := t, 1.0
		if layer == c.Cross.Layers-1 {
			rows = 1
		}
		if layer == 0 {
			start = 1 / n
		}
		self := 2*t*d*d + 2*rows*d*d + 2*rows*t*d
		sum += start*(self+rows*d*d+rows*d*v) + 2*heads*rows*p*v + rows*d*v + rows*d*d + 2*rows*d*float64(c.Text.Hidden)
	}
	return sum + 2*d
}

// stepWork is one training step of pairs pairs with one negative for each picture
// and each caption; gradients take twice the forward pass.
func stepWork(c network.Config, words, pairs int) float64 {
	forward := visionWork(c.Vision) + textWork(c.Text, words) + 3*crossWork(c, words, 3)
	return 3 * float64(pairs) * forward
}
