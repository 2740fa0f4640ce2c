package network

// The epsilons of the two towers' norms: ViT's and BERT's (ALBEF's code).
const (
	visionEpsilon = 1e-6
	textEpsilon   = 1e-12
)

// BERT-base starts its weights with this deviation at this width.
const (
	bertDeviation = 0.02
	bertWidth     = 768
)

// Nano is for tests: 32 px, 2+1+1 layers, 64 wide. It learns a few hundred
// pairs by heart and nothing more.
func Nano() Config {
	c := sized(64, 2, 1, 1)
	c.Vision.Heads, c.Text.Heads = 2, 2
	c.Vision.ImageSize, c.Vision.PatchSize = 32, 8
	c.Text.Vocabulary, c.Text.MaxTokens = 512, 32
	c.Projection = 32
	return c
}

// Small trains on two processor cores: 64 px, 6+3+3 layers, 192 wide.
func Small() Config {
	c := sized(192, 6, 3, 3)
	c.Vision.ImageSize, c.Vision.PatchSize = 64, 8
	c.Text.Vocabulary, c.Text.MaxTokens = 8192, 64
	c.Projection = 128
	return c
}

// Medium is for one large machine: 128 px, 8+4+4 layers, 384 wide.
func Medium() Config {
	c := sized(384, 8, 4, 4)
	c.Vision.ImageSize, c.Vision.PatchSize = 128, 16
	c.Text.Vocabulary, c.Text.MaxTokens = 16384, 64
	c.Projection = 256
	return c
}

// Base is the size of the paper's network as far as it is known: ViT-B/16 at
// 384 px and BERT-base cut 6+6, 209,560,835 parameters (docs/paper.md, "The network"). Weights
// of ALBEF fit it. Pre-training uses it at 256 px: set Vision.ImageSize.
func Base() Config {
	c := sized(768, 12, 6, 6)
	c.Vision.ImageSize, c.Vision.PatchSize = 384, 16
	c.Text.Vocabulary, c.Text.MaxTokens = 30522, 512
	c.Projection = 256
	return c
}

// headWidth is that of ViT-B and BERT-base.
const headWidth = 64

// sized is a network over pixels whose towers share one width. Callers set the
// vocabulary to that of their captions.
func sized(width, vision, text, cross int) Config {
	heads := width / headWidth
	return Config{
		Vision: VisionConfig{
			Input: Pixels, Width: width, Heads: heads, Layers: vision, Hidden: 4 * width,
			LayerNormEpsilon: visionEpsilon,
		},
		Text: TextConfig{
			Width: width, Heads: heads, Layers: text, Hidden: 4 * width, LayerNormEpsilon: textEpsilon,
		},
		Cross:         CrossConfig{Layers: cross, Pool: PoolFirst},
		InitDeviation: bertDeviation,
	}
}

// WithTokens is c with a vision tower that takes, for each picture, count tokens
// of features numbers from another backbone instead of pixels.
func (c Config) WithTokens(count, features int) Config {
	c.Vision.Input = Tokens
	c.Vision.ImageSize, c.Vision.PatchSize, c.Vision.Stem = 0, 0, ""
	c.Vision.Tokens, c.Vision.Features = count, features
	return c
}
