//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Sizes of AMX's palette 1.
const (
	registers = 8
	mostRows  = 16
	rowBytes  = 64
)

// tile is one of the tile registers.
type tile [mostRows][rowBytes]byte

// tiles is the state of AMX in one thread.
type tiles struct {
	configured bool
	rows       [registers]int
	width      [registers]int // bytes of a row
	values     [registers]tile
}

// memory is that of the process whose instructions are emulated.
type memory interface {
	read(at uint64, into []byte) error
	write(at uint64, from []byte) error
}

// execute does what the instruction does.
func (t *tiles) execute(i instruction, m memory) error {
	switch i.kind {
	case loadConfig:
		return t.load(i.address, m)
	case release:
		*t = tiles{}
		return nil
	}
	if !t.configured {
		return fmt.Errorf("%v: no configuration is loaded", i.kind)
	}
	switch i.kind {
	case zero:
		t.values[i.tile] = tile{}
	case moveIn:
		t.values[i.tile] = tile{}
		for row := range t.rows[i.tile] {
			if err := m.read(i.address+uint64(row)*i.stride, t.values[i.tile][row][:t.width[i.tile]]); err != nil {
				return err
			}
		}
	case moveOut:
		for row := range t.rows[i.tile] {
			if err := m.write(i.address+uint64(row)*i.stride, t.values[i.tile][row][:t.width[i.tile]]); err != nil {
				return err
			}
		}
	case product:
		return t.multiply(i.tile, i.left, i.right)
	}
	return nil
}

// load takes a configuration: the palette in byte 0, bytes of rows from 16 on, rows from 48.
func (t *tiles) load(at uint64, m memory) error {
	var c [64]byte
	if err := m.read(at, c[:]); err != nil {
		return err
	}
	*t = tiles{configured: c[0] == 1}
	for i := range registers {
		t.width[i], t.rows[i] = int(binary.LittleEndian.Uint16(c[16+2*i:])), int(c[48+i])
		if t.width[i] > rowBytes || t.rows[i] > mostRows {
			return fmt.Errorf("load configuration: register %d has %d rows of %d bytes", i, t.rows[i], t.width[i])
		}
	}
	return nil
}

// multiply is TDPBF16PS: sums[m][n] += the sum over k of left[m][2k]*right[k][2n] and, summed
// apart, of left[m][2k+1]*right[k][2n+1] (Intel's SDM, volume 2). Subnormals are taken for zero
// and made zero. A sum is rounded by way of float64, which the processor does not.
func (t *tiles) multiply(sums, left, right int) error {
	pairs := t.width[left] / 4
	if t.rows[sums] != t.rows[left] || t.rows[right] != pairs || t.width[sums] != t.width[right] || sums == left || sums == right || left == right {
		return fmt.Errorf("multiply: registers %d, %d and %d do not fit", sums, left, right)
	}
	for m := range t.rows[sums] {
		for n := range t.width[sums] / 4 {
			var even, odd float32
			for k := range pairs {
				a, b := t.values[left][m][4*k:], t.values[right][k][4*n:]
				even = add(even, bfloat(a), bfloat(b))
				odd = add(odd, bfloat(a[2:]), bfloat(b[2:]))
			}
			c := t.values[sums][m][4*n:]
			total := flush(math.Float32frombits(binary.LittleEndian.Uint32(c)))
			total = flush(total + flush(even+odd))
			binary.LittleEndian.PutUint32(c, math.Float32bits(total))
		}
	}
	return nil
}

// add returns sum + a*b.
func add(sum, a, b float32) float32 {
	return flush(float32(float64(sum) + float64(a)*float64(b)))
}

func bfloat(b []byte) float32 {
	return flush(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
}

// flush makes subnormals zero.
func flush(x float32) float32 {
	if math.Abs(float64(x)) < 0x1p-126 {
		return 0
	}
	return x
}
