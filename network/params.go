package network

import (
	"fmt"
	"slices"
)

// Init is how a parameter starts.
type Init int

// The initial values there are.
const (
	InitNormal      Init = iota // truncated normal, Config.InitDeviation: words, [CLS], places of patches
	InitDense                   // the same, by the root of the inputs: BERT's at 768 of them
	InitReading                 // InitDense, wider: the text tower's attention
	InitPlace                   // InitNormal, narrower: places and types of a caption's words
	InitZeros                   // biases
	InitOnes                    // gains of norms
	InitTemperature             // InitialTemperature
)

// InitialTemperature is where the learned temperature starts; MinTemperature and
// MaxTemperature bound it at every step (as all four relatives do).
const (
	InitialTemperature = 0.07
	MinTemperature     = 0.001
	MaxTemperature     = 0.5
)

// TemperatureName is the name of the one parameter that is clamped.
const TemperatureName = "temperature"

// Param is one parameter. Dense weights are [outputs, inputs].
type Param struct {
	// Name is the same on disk, in the graph, in import tables and in errors.
	Name  string
	Shape []int // empty for a scalar
	Init  Init
}

// Size is the number of values.
func (p Param) Size() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Params lists the network's parameters in a stable order: vision, text, cross,
// heads. Which tower one belongs to is the first part of its name: "vision",
// "text", "cross", "project", "match", "temperature", "mlm".
func (c Config) Params() []Param {
	return slices.Concat(c.visionParams(), c.textParams(), c.crossParams(), c.headParams())
}

// size is the number of values of all parameters, without listing them.
func (c Config) size() int {
	n := 0
	one := c
	one.Vision.Layers, one.Text.Layers, one.Cross.Layers = 1, 1, 1
	for _, p := range one.Params() {
		n += p.Size()
	}
	v, t := c.Vision, c.Text
	n += (v.Layers - 1) * total(c.visionBlock("block"))
	n += (t.Layers - 1) * total(textBlock("block", t))
	n += (c.Cross.Layers - 1) * total(c.crossBlock("block"))
	return n
}

func total(params []Param) int {
	n := 0
	for _, p := range params {
		n += p.Size()
	}
	return n
}

func (c Config) visionParams() []Param {
	v := c.Vision
	params := append(v.stemParams(), dense("vision/patch", v.inputFeatures(), v.Width)...)
	params = append(params,
		Param{"vision/cls", []int{v.Width}, InitNormal},
		Param{"vision/position", []int{v.PictureTokens(), v.Width}, InitNormal},
	)
	for i := range v.Layers {
		params = append(params, c.visionBlock(blockName("vision", i))...)
	}
	return append(params, norm("vision/norm", v.Width)...)
}

func (c Config) visionBlock(name string) []Param {
	v := c.Vision
	return slices.Concat(
		norm(name+"/norm1", v.Width),
		projections(name+"/attention", v.Width, v.Width),
		norm(name+"/norm2", v.Width),
		dense(name+"/mlp/up", v.Width, v.Hidden),
		dense(name+"/mlp/down", v.Hidden, v.Width),
	)
}

func (c Config) textParams() []Param {
	t := c.Text
	params := []Param{
		{"text/embedding/word", []int{t.Vocabulary, t.Width}, InitNormal},
		{"text/embedding/position", []int{t.MaxTokens, t.Width}, InitPlace},
	}
	if !t.NoTypes {
		params = append(params, Param{"text/embedding/type", []int{tokenTypes, t.Width}, InitPlace})
	}
	params = append(params, norm("text/embedding/norm", t.Width)...)
	for i := range t.Layers {
		params = append(params, textBlock(blockName("text", i), t)...)
	}
	return params
}

// tokenTypes: BERT has two, for sentence pairs; captions only use the first.
const tokenTypes = 2

func textBlock(name string, t TextConfig) []Param {
	read := attention(name+"/attention", t.Width, t.Width)
	for i := range read {
		if read[i].Init == InitDense {
			read[i].Init = InitReading
		}
	}
	return append(read, feedForward(name, t)...)
}

func (c Config) crossParams() []Param {
	var params []Param
	for i := range c.Cross.Layers {
		params = append(params, c.crossBlock(blockName("cross", i))...)
	}
	return params
}

// crossBlock has only a cross attention of its own where the cross encoder starts
// from ids: the rest is the text tower's block.
func (c Config) crossBlock(name string) []Param {
	t := c.Text
	if c.Cross.From == FromIDs {
		return attention(name+"/cross_attention", t.Width, c.Vision.Width)
	}
	return slices.Concat(
		attention(name+"/attention", t.Width, t.Width),
		attention(name+"/cross_attention", t.Width, c.Vision.Width),
		feedForward(name, t),
	)
}

// attention is BERT's: queries of width numbers, keys and values made from source
// numbers, and the norm that follows.
func attention(name string, width, source int) []Param {
	return append(projections(name, width, source), norm(name+"/norm", width)...)
}

func projections(name string, width, source int) []Param {
	return slices.Concat(
		dense(name+"/query", width, width),
		dense(name+"/key", source, width),
		dense(name+"/value", source, width),
		dense(name+"/output", width, width),
	)
}

func feedForward(name string, t TextConfig) []Param {
	return slices.Concat(
		dense(name+"/mlp/up", t.Width, t.Hidden),
		dense(name+"/mlp/down", t.Hidden, t.Width),
		norm(name+"/mlp/norm", t.Width),
	)
}

func (c Config) headParams() []Param {
	params := slices.Concat(
		dense("project/image", c.Vision.Width, c.Projection),
		dense("project/text", c.Text.Width, c.Projection),
		c.matchParams(),
		[]Param{{TemperatureName, nil, InitTemperature}},
	)
	if c.Text.MaskedModeling {
		params = slices.Concat(params,
			dense("mlm/transform", c.Text.Width, c.Text.Width),
			norm("mlm/norm", c.Text.Width),
			[]Param{{"mlm/bias", []int{c.Text.Vocabulary}, InitZeros}},
		)
	}
	return params
}

func (c Config) matchParams() []Param {
	hidden := c.Cross.Match.Hidden
	if hidden == 0 {
		return dense("match", c.Text.Width, 2)
	}
	return slices.Concat(dense("match/hidden", c.Text.Width, hidden), norm("match/norm", hidden), dense("match", hidden, 2))
}

func dense(name string, inputs, outputs int) []Param {
	return []Param{
		{name + "/weight", []int{outputs, inputs}, InitDense},
		{name + "/bias", []int{outputs}, InitZeros},
	}
}

func norm(name string, width int) []Param {
	return []Param{
		{name + "/weight", []int{width}, InitOnes},
		{name + "/bias", []int{width}, InitZeros},
	}
}

// blockName is "vision/block_03".
func blockName(tower string, i int) string { return fmt.Sprintf("%s/block_%02d", tower, i) }
