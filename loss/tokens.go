package loss

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// MaskedTokens is the mean cross entropy of predicted words (ALBEF's MLM):
// logits [...,V], targets [...], int64, and weights [...], 1 where a word was
// masked and 0 elsewhere. It is 0 if nothing was masked.
func MaskedTokens(logits, targets, weights *Node) *Node {
	v := logits.Shape().Dim(-1)
	n := logits.Shape().Size() / v
	if targets.DType() != dtypes.Int64 || targets.Shape().Size() != n || weights.Shape().Size() != n {
		panic(fmt.Errorf("masked tokens: targets %s and weights %s do not fit logits %s: %w",
			targets.Shape(), weights.Shape(), logits.Shape(), loopitr.ErrInvalid))
	}
	log := LogSoftmax(Reshape(logits, n, v))
	at := Stack([]*Node{Reshape(indexColumn(log), n), Reshape(targets, n)}, -1)
	weights = Reshape(weights, n)
	return Div(ReduceAllSum(Neg(Mul(weights, Gather(log, at)))), MaxScalar(ReduceAllSum(weights), 1))
}
