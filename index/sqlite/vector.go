package sqlite

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/loopitr/loopitr"
)

// maxDimensions bounds what a file may claim.
const maxDimensions = 1 << 16

// unitTolerance is how far a vector's length may be from one: half precision
// leaves about 1e-3.
const unitTolerance = 2e-3

// castagnoli is the polynomial processors compute themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal appends the checksum that every stored blob ends with: SQLite's pages have
// none, and a flipped bit would be a wrong result instead of an error.
func seal(blob []byte) []byte {
	return binary.LittleEndian.AppendUint32(blob, crc32.Checksum(blob, castagnoli))
}

// unseal returns what seal was given.
func unseal(blob []byte) ([]byte, error) {
	if len(blob) < crc32.Size {
		return nil, corrupt("a blob of %d bytes", len(blob))
	}
	body := blob[:len(blob)-crc32.Size]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(blob[len(body):]) {
		return nil, corrupt("a checksum is wrong")
	}
	return body, nil
}

// vectorBytes is how long the blob of a vector is.
func vectorBytes(dimensions int) int { return 4*dimensions + crc32.Size }

func encodeVector(v loopitr.Vector) []byte {
	blob := make([]byte, 0, vectorBytes(len(v)))
	for _, value := range v {
		blob = binary.LittleEndian.AppendUint32(blob, math.Float32bits(value))
	}
	return seal(blob)
}

// decodeVector fills v, whose length says what is expected.
func decodeVector(v loopitr.Vector, blob []byte) error {
	if len(blob) != vectorBytes(len(v)) {
		return corrupt("a vector of %d bytes instead of %d", len(blob), vectorBytes(len(v)))
	}
	body, err := unseal(blob)
	if err != nil {
		return err
	}
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return nil
}

// checkUnit accepts vectors of length one.
func checkUnit(v loopitr.Vector) error {
	if len(v) == 0 || len(v) > maxDimensions {
		return fmt.Errorf("vector of %d dimensions: %w", len(v), loopitr.ErrInvalid)
	}
	if length := math.Sqrt(cosine(v, v)); !(math.Abs(length-1) <= unitTolerance) {
		return fmt.Errorf("vector of length %v instead of 1: %w", length, loopitr.ErrInvalid)
	}
	return nil
}

// cosine is the dot product of two unit vectors, in double precision and in one
// fixed order, so that the same vectors give the same bits everywhere.
func cosine(a, b loopitr.Vector) float64 {
	var sum float64
	for i, v := range a {
		sum += float64(float64(v) * float64(b[i]))
	}
	return sum
}
