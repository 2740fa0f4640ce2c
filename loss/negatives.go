package loss

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/loopitr/loopitr"
)

// Search is where negatives are looked for.
type Search struct {
	// Similarity [B,B] holds s: a row per picture (or caption) that needs
	// negatives, a column per caption (or picture) that may be one. No gradient
	// passes.
	Similarity *Node
	// Same [B,B], bool, is what may not be chosen (see SameGroup).
	Same *Node
	// Noise [B,B] holds Gumbel numbers, see Gumbel. The sampler top does not read it.
	Noise *Node
	// Hardness scales the similarities before multinomial drawing: 0 draws evenly,
	// 1 is the softmax, more comes nearer to top. A scalar; nil is 1.
	Hardness *Node
}

// Candidates are, for each row, what the cross encoder is to judge: the positive
// and m negatives, K = 1+m.
type Candidates struct {
	// Columns [B,K], int64: the row itself, then the negatives, hardest draw first.
	Columns *Node
	// Valid [B,K] is 1, or 0 where a row had too few candidates. Column 0 is 1.
	Valid *Node
	// Skipped is how many rows have no negative at all, a scalar.
	Skipped *Node
}

// HardNegatives draws m negatives for each row, without replacement (ALBEF's
// ITM draws one). What may not be chosen is masked before the softmax. With
// Gumbel noise g, the m largest of log softmax(s)+g are a draw from the softmax
// without replacement (Gumbel-top-k); the softmax's normaliser shifts a whole row
// and is left out.
//
// A row with fewer than m candidates has all of them and is marked in Valid; it
// is never an error.
func HardNegatives(c NegativesConfig, in Search) Candidates {
	s := StopGradient(in.Similarity)
	b := s.Shape().Dim(0)
	if s.Rank() != 2 || s.Shape().Dim(1) != b || s.DType() != dtypes.Float32 {
		panic(fmt.Errorf("hard negatives: similarity is %s, want float32 [B,B]: %w", s.Shape(), loopitr.ErrInvalid))
	}
	scores := drawingScores(c, in, s)
	scores = Where(in.Same, floorLike(scores), scores)

	columns := Iota(s.Graph(), scores.Shape(), 1)
	own := indexColumn(s)
	chosen, valid := []*Node{own}, []*Node{OnesLike(ConvertDType(own, dtypes.Float32))}
	for range c.Count {
		best := ReduceAndKeep(scores, ReduceMax, -1)
		at := InsertAxes(ArgMax(scores, -1, dtypes.Int64), -1)
		real := GreaterThan(best, ConstAs(best, floor/2))
		chosen = append(chosen, Where(real, at, own))
		valid = append(valid, ConvertDType(real, dtypes.Float32))
		taken := Equal(columns, ConvertDType(at, columns.DType()))
		scores = Where(taken, floorLike(scores), scores)
	}
	out := Candidates{Columns: Concatenate(chosen, 1), Valid: Concatenate(valid, 1)}
	out.Skipped = Sub(ConstAs(s, float64(b)), ReduceAllSum(valid[1]))
	return out
}

// drawingScores are what the m largest of are taken.
func drawingScores(c NegativesConfig, in Search, s *Node) *Node {
	switch c.Sampler {
	case Top:
		return s
	case Random:
		return StopGradient(in.Noise)
	}
	if in.Hardness != nil {
		s = Mul(s, StopGradient(in.Hardness))
	}
	return Add(s, StopGradient(in.Noise))
}

// floor stands for minus infinity where 0 times it must stay 0.
const floor = -1e30

func floorLike(x *Node) *Node { return FillScalar(x.Graph(), x.Shape(), floor) }

// indexColumn is [B,1], int64: 0, 1, 2 and so on.
func indexColumn(rows *Node) *Node {
	shape := rows.Shape().Clone()
	shape.DType, shape.Dimensions = dtypes.Int64, []int{shape.Dim(0), 1}
	return Iota(rows.Graph(), shape, 0)
}

// Of picks the candidates' entries [B,K] out of a matrix [B,B].
func (c Candidates) Of(matrix *Node) *Node {
	rows := BroadcastToShape(indexColumn(c.Columns), c.Columns.Shape())
	return Gather(matrix, Stack([]*Node{rows, c.Columns}, -1))
}

// Judged are the two sides of a batch: captions that were drawn for each picture,
// and pictures that were drawn for each caption.
type Judged struct {
	ForPictures, ForCaptions Candidates
}

// Pairs lists what the cross encoder is to judge, [N] int64 each, N = B+2mB:
// first the B positives, then for each picture its m captions, then for each
// caption its m pictures. Both say which row of the batch a pair's caption and
// its picture are.
func (j Judged) Pairs() (captions, pictures *Node) {
	own, drawnCaptions := j.ForPictures.flat()
	same, drawnPictures := j.ForCaptions.flat()
	positive := Reshape(indexColumn(j.ForPictures.Columns), j.ForPictures.Columns.Shape().Dim(0))
	captions = Concatenate([]*Node{positive, drawnCaptions, same}, 0)
	pictures = Concatenate([]*Node{positive, own, drawnPictures}, 0)
	return captions, pictures
}

// flat lists rows and columns of the negatives, [mB] each.
func (c Candidates) flat() (rows, columns *Node) {
	b, k := c.Columns.Shape().Dim(0), c.Columns.Shape().Dim(1)
	negatives := Slice(c.Columns, AxisRange(), AxisRange(1, k))
	rows = BroadcastToDims(indexColumn(negatives), b, k-1)
	return Reshape(rows, b*(k-1)), Reshape(negatives, b*(k-1))
}

// Deal gives what was judged of Pairs, [N], back to the two sides, [B,K] each,
// the positive first.
func (j Judged) Deal(judged *Node) (forPictures, forCaptions *Node) {
	b, k := j.ForPictures.Columns.Shape().Dim(0), j.ForPictures.Columns.Shape().Dim(1)
	m := k - 1
	// Gathered, not sliced: the gradient of a slice is a pad, which ONNX Runtime's
	// engine lacks.
	side := func(from int) *Node {
		at := make([]int64, 0, b*k)
		for i := range b {
			at = append(at, int64(i))
			for n := range m {
				at = append(at, int64(from+i*m+n))
			}
		}
		return Gather(judged, Reshape(Const(judged.Graph(), at), b, k, 1))
	}
	return side(b), side(b + m*b)
}
