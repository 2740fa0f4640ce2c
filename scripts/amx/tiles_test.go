//go:build linux && amd64

package main

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// bytes is a memory that begins at 0.
type bytes []byte

var errOutside = errors.New("outside")

func (b bytes) read(at uint64, into []byte) error {
	if at+uint64(len(into)) > uint64(len(b)) {
		return errOutside
	}
	copy(into, b[at:])
	return nil
}

func (b bytes) write(at uint64, from []byte) error {
	if at+uint64(len(from)) > uint64(len(b)) {
		return errOutside
	}
	copy(b[at:], from)
	return nil
}

// (1 2 3 4; 5 6 7 8) times (1 0; 2 1; 0 -1; 1 0.5), on sums of 10, 20, 30 and 40.
func TestProductByHand(t *testing.T) {
	m := make(bytes, 512)
	m[0] = 1 // palette
	for i, size := range [][2]byte{{2, 8}, {2, 8}, {2, 8}} {
		m[16+2*i], m[48+i] = size[1], size[0]
	}
	short := func(at int, values ...float32) {
		for i, v := range values {
			binary.LittleEndian.PutUint16(m[at+2*i:], uint16(math.Float32bits(v)>>16))
		}
	}
	short(64, 1, 2, 3, 4)
	short(96, 5, 6, 7, 8)
	short(128, 1, 2, 0, 1) // of the columns in turns, two rows at once
	short(160, 0, 1, -1, 0.5)
	for i, v := range []float32{10, 20} {
		binary.LittleEndian.PutUint32(m[192+4*i:], math.Float32bits(v))
		binary.LittleEndian.PutUint32(m[224+4*i:], math.Float32bits(20+v))
	}
	var state tiles
	for _, i := range []instruction{
		{kind: loadConfig}, {kind: moveIn, tile: 1, address: 64, stride: 32}, {kind: moveIn, tile: 2, address: 128, stride: 32},
		{kind: moveIn, address: 192, stride: 32}, {kind: product, left: 1, right: 2}, {kind: moveOut, address: 256, stride: 16}, {kind: release},
	} {
		if err := state.execute(i, m); err != nil {
			t.Fatalf("%v: %v", i.kind, err)
		}
	}
	var got []float32
	for _, at := range []int{256, 260, 272, 276} {
		got = append(got, math.Float32frombits(binary.LittleEndian.Uint32(m[at:])))
	}
	if want := []float32{10 + 5 + 4, 20 + 2 - 3 + 2, 30 + 17 + 8, 40 + 6 - 7 + 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if err := state.execute(instruction{kind: zero}, m); err == nil || !strings.Contains(err.Error(), "TILEZERO: no configuration") {
		t.Errorf("after the release: %v", err)
	}
}

func TestSubnormalsAreZero(t *testing.T) {
	if got := bfloat([]byte{1, 0}); got != 0 {
		t.Errorf("the least bfloat16 is %v", got)
	}
	if got := add(0, 0x1p-100, 0x1p-30); got != 0 {
		t.Errorf("2^-130 is %v", got)
	}
	if got := add(1, 2, 3); got != 7 {
		t.Errorf("1+2*3 is %v", got)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	m := make(bytes, 64)
	var state tiles
	m[0], m[16], m[48] = 1, 64, 17
	if err := state.execute(instruction{kind: loadConfig}, m); err == nil {
		t.Error("17 rows are accepted")
	}
	m[48] = 16
	if err := state.execute(instruction{kind: loadConfig}, m); err != nil {
		t.Fatal(err)
	}
	if err := state.execute(instruction{kind: product, left: 1, right: 2}, m); err == nil {
		t.Error("a product of registers of other sizes is accepted")
	}
	if err := state.execute(instruction{kind: moveIn, address: 32, stride: 64}, m); !errors.Is(err, errOutside) {
		t.Errorf("beyond the memory: %v", err)
	}
}
