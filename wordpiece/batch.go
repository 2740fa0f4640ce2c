package wordpiece

// bucketStep is the granularity of batch lengths: few shapes, so that a compiled
// graph is reused, and at most seven columns of padding.
const bucketStep = 8

// Bucket returns the length to which captions of at most length ids are padded:
// the next multiple of 8, but never above longest (Rules.MaxTokens), which
// length must not exceed. Lengths below 1 take the first bucket.
func Bucket(length, longest int) int {
	rounded := (max(length, 1) + bucketStep - 1) / bucketStep * bucketStep
	return min(rounded, longest)
}

// Batch is captions as the text encoder reads them: Count rows of Length ids,
// row after row, short rows padded at their end.
type Batch struct {
	Count, Length int
	IDs           []int32 // len = Count*Length
	Mask          []bool  // len = Count*Length; false where IDs is padding
	Lengths       []int   // len = Count; ids of each row without padding
}

// EncodeBatch encodes captions, one row each in order, padded to the Bucket of
// the longest. No captions make the zero Batch.
func (t *Tokenizer) EncodeBatch(captions []string) Batch {
	if len(captions) == 0 {
		return Batch{}
	}
	b := Batch{Count: len(captions), Lengths: make([]int, len(captions))}
	rows := make([]int32, 0, 16*len(captions))
	longest := 0
	for i, caption := range captions {
		before := len(rows)
		rows = t.append(rows, caption)
		b.Lengths[i] = len(rows) - before
		longest = max(longest, b.Lengths[i])
	}
	b.Length = Bucket(longest, t.rules.MaxTokens)
	b.IDs = make([]int32, b.Count*b.Length)
	b.Mask = make([]bool, b.Count*b.Length)
	for i, length := range b.Lengths {
		row := b.IDs[i*b.Length : (i+1)*b.Length]
		mask := b.Mask[i*b.Length : (i+1)*b.Length]
		copy(row, rows[:length])
		rows = rows[length:]
		for at := range row {
			mask[at] = at < length
			if at >= length {
				row[at] = t.vocabulary.special.Pad
			}
		}
	}
	return b
}
