//go:build linux && amd64

package main

import "fmt"

// kind is one of the instructions that productAMX of internal/simd uses.
type kind int

const (
	loadConfig kind = iota
	release
	zero
	moveIn
	moveOut
	product
)

// String returns the mnemonic.
func (k kind) String() string {
	return [...]string{"LDTILECFG", "TILERELEASE", "TILEZERO", "TILELOADD", "TILESTORED", "TDPBF16PS"}[k]
}

// instruction is one with its operands, addresses computed.
type instruction struct {
	kind
	tile, left, right int
	address, stride   uint64
	size              int // bytes
}

// Values of VEX's field pp.
const (
	noPrefix = 0
	prefixF3 = 2
	prefixF2 = 3
)

// decode reads an instruction of AMX; general are the registers RAX, RCX, RDX, RBX, RSP,
// RBP, RSI, RDI and R8 to R15.
func decode(code []byte, general *[16]uint64) (instruction, error) {
	if len(code) < 6 || code[0] != 0xc4 || code[1]&0x9f != 0x82 || code[2]&0x84 != 0 {
		return instruction{}, fmt.Errorf("no instruction of AMX: % x", code)
	}
	opcode, modrm, prefix := code[3], code[4], code[2]&3
	i := instruction{tile: int(modrm >> 3 & 7), size: 5}
	registersOnly := modrm>>6 == 3
	switch {
	case opcode == 0x49 && prefix == noPrefix && modrm == 0xc0:
		i.kind = release
	case opcode == 0x49 && prefix == prefixF2 && registersOnly && modrm&7 == 0:
		i.kind = zero
	case opcode == 0x49 && prefix == noPrefix && modrm < 8 && modrm != 4 && modrm != 5:
		i.kind, i.tile = loadConfig, 0
		i.address = general[upper(code[1], 5)|modrm&7]
	case opcode == 0x4b && (prefix == prefixF2 || prefix == prefixF3) && modrm>>6 == 0 && modrm&7 == 4 && plainSIB(code[1], code[5]):
		i.kind, i.size = moveIn, 6
		if prefix == prefixF3 {
			i.kind = moveOut
		}
		i.address, i.stride = general[upper(code[1], 5)|code[5]&7], general[upper(code[1], 6)|code[5]>>3&7]
	case opcode == 0x5c && prefix == prefixF3 && registersOnly:
		i.kind, i.left, i.right = product, int(modrm&7), int(^code[2]>>3&7)
	default:
		return instruction{}, fmt.Errorf("not emulated: % x", code)
	}
	return i, nil
}

// plainSIB reports whether an address is a base and an index as it is, and no displacement.
func plainSIB(field, sib byte) bool {
	return sib>>6 == 0 && sib&7 != 5 && upper(field, 6)|sib>>3&7 != 4
}

// upper is the fourth bit of a register's number, which VEX holds inverted.
func upper(field byte, bit uint) byte { return (^field >> bit & 1) << 3 }
