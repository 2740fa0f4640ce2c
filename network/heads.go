package network

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/nn"
)

// ProjectImage makes the dual encoder's vectors [B,E], of length one, of the
// first token of Vision's tokens [B,P,D].
func (n LoopITR) ProjectImage(tokens *Node) *Node { return n.project("project/image", tokens) }

// ProjectText makes the dual encoder's vectors [B,E], of length one, of the
// first token of Text's states [B,T,D].
func (n LoopITR) ProjectText(states *Node) *Node { return n.project("project/text", states) }

func (n LoopITR) project(name string, states *Node) *Node {
	return L2Normalize(n.dense(name, firstToken(states), n.Config.Projection), -1)
}

// firstToken is [B,D] of [B,T,D]. For the gather see firstRows.
func firstToken(states *Node) *Node {
	b, t, d := states.Shape().Dim(0), states.Shape().Dim(1), states.Shape().Dim(2)
	rows := Iota(states.Graph(), shapes.Make(dtypes.Int64, b, 1), 0)
	return Gather(Reshape(states, b*t, d), MulScalar(rows, t))
}

// MatchLogits [N,2] judges each pair from Cross's states [N,T,D]; index 1 is
// "match". With Pool "cls" CrossFirst's [N,1,D] do as well and mask is not read;
// with "mean" the mean is over tokens whose mask is 1, a nil mask meaning all.
func (n LoopITR) MatchLogits(states, mask *Node) *Node {
	x := n.pool(states, mask)
	if m := n.Config.Cross.Match; m.Hidden > 0 {
		x = activation.Gelu(n.norm("match/norm", n.dense("match/hidden", x, m.Hidden), m.LayerNormEpsilon))
	}
	return n.dense("match", x, 2)
}

func (n LoopITR) pool(states, mask *Node) *Node {
	if n.Config.Cross.Pool == PoolFirst {
		return firstToken(states)
	}
	if mask == nil {
		return ReduceMean(states, 1)
	}
	want("caption mask", mask, states.Shape().Dim(0), states.Shape().Dim(1))
	sum := ReduceSum(Mul(states, InsertAxes(mask, -1)), 1)
	// An all-padding row has mean 0, not 0/0.
	return Div(sum, MaxScalar(InsertAxes(ReduceSum(mask, 1), -1), 1))
}

// Match is the match log-odds z [N] of each pair, logit 1 minus logit 0, by the
// cheapest way that gives them.
func (n LoopITR) Match(in Pairs) *Node {
	if n.Config.Cross.Pool == PoolFirst {
		return LogOdds(n.MatchLogits(n.CrossFirst(in), nil))
	}
	return LogOdds(n.MatchLogits(n.Cross(in), deal(in.Mask, in.Caption)))
}

// LogOdds is z [N] of match logits [N,2]: logit 1 minus logit 0.
func LogOdds(logits *Node) *Node {
	count := logits.Shape().Dim(0)
	want("match logits", logits, count, 2)
	return ReduceSum(Mul(logits, Const(logits.Graph(), [][]float32{{-1, 1}})), -1)
}

// Temperature is the scalar that divides cosines, within MinTemperature and
// MaxTemperature. The bounds do not stop its gradient: a step that leaves them
// is undone by ClampTemperature and the next may come back (ALBEF clamps the
// parameter in place, ALBEF's code).
func (n LoopITR) Temperature() *Node {
	t := n.weight(TemperatureName)
	return Add(t, StopGradient(Sub(ClampTemperature(t), t)))
}

// ClampTemperature bounds the temperature parameter after an update.
func ClampTemperature(t *Node) *Node { return ClipScalar(t, MinTemperature, MaxTemperature) }

// TokenLogits [N,T,V] predicts the word at each place from states [N,T,D], for
// masked-language modelling: BERT's head, with the word embeddings as its last
// weight. It needs Text.MaskedModeling.
func (n LoopITR) TokenLogits(states *Node) *Node {
	c := n.Config.Text
	x := activation.Gelu(n.dense("mlm/transform", states, c.Width))
	x = n.norm("mlm/norm", x, c.LayerNormEpsilon)
	word := n.weight("text/embedding/word", c.Vocabulary, c.Width)
	return nn.Dense(x, word, n.weight("mlm/bias", c.Vocabulary), compute.DenseLayoutOutputsInput)
}
