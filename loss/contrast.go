package loss

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// ContrastParts are the parts of the contrast loss, scalars.
type ContrastParts struct {
	Loss     *Node // the mean of the two below
	Pictures *Node // how badly pictures find their captions
	Captions *Node // how badly captions find their pictures
}

// Contrast is the dual encoder's loss over a batch (ALBEF's ITC, without
// momentum or queue):
//
//	target_ij = same_ij / sum_k same_ik
//	Pictures  = -mean_i sum_j target_ij log softmax_j(s_ij);  Captions: the same of s transposed
//
// similarity [B,B] holds s_ij of picture i and caption j, cosine over
// temperature; same [B,B], bool, whether pairs i and j are of one group (see
// SameGroup), true on the diagonal. It is 0 at best, log B where all is alike,
// and more where wrong partners are preferred.
func Contrast(similarity, same *Node) ContrastParts {
	pictures := softCrossEntropy(similarity, same)
	captions := softCrossEntropy(Transpose(similarity, 0, 1), Transpose(same, 0, 1))
	return ContrastParts{MulScalar(Add(pictures, captions), 0.5), pictures, captions}
}

func softCrossEntropy(similarity, same *Node) *Node {
	targets := ConvertDType(same, similarity.DType())
	targets = Div(targets, ReduceAndKeep(targets, ReduceSum, -1))
	return ReduceAllMean(Neg(ReduceSum(Mul(targets, LogSoftmax(similarity)), -1)))
}

// SameGroup says, [B,B] bool, which pairs of a batch share their picture or their
// caption text: such pairs are never each other's negatives. The ids [B], int64,
// number pictures and caption texts.
func SameGroup(pictures, captions *Node) *Node {
	equal := func(ids *Node) *Node { return Equal(InsertAxes(ids, 1), InsertAxes(ids, 0)) }
	return LogicalOr(equal(pictures), equal(captions))
}
