package simd

// DotInt8 computes dst[i] = the exact dot product of query with vector i of
// block, which holds len(dst) vectors of len(query) values one after another.
// Queries longer than 131,071 values could overflow and panic.
func DotInt8(dst []int32, query, block []int8) {
	if len(query) > 1<<17-1 {
		panic("simd: int8 vectors too long")
	}
	block = block[:len(dst)*len(query)]
	for i := range dst {
		dst[i] = dotInt8Generic(query, block[i*len(query):])
	}
}

func dotInt8Generic(a, b []int8) int32 {
	b = b[:len(a)]
	var sum int32
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}
