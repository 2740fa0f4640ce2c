package main

import (
	"log"
	"math"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// levelAVX512 is simd.AVX512; a test compares them.
const levelAVX512 = 2

// wideLabel is where the form of 512 bits begins.
const wideLabel = "wide"

// sharedMost is how many constants a function of 512 bits keeps in registers: with more of them
// geluGradient, which has the most, finds none for its own values.
const sharedMost = 26

// both generates a function in two forms, for AVX2 and for AVX-512, of which the active level
// takes one; body returns at its end.
func (f *file) both(name, params string, body func()) {
	f.function(name+"Vectors", params)
	active := operand.Mem{Symbol: operand.Symbol{Name: "·active"}, Base: reg.StaticBase}
	f.CMPQ(active, operand.Imm(levelAVX512))
	f.JGE(operand.LabelRef(wideLabel))
	body()
	f.mustBeAVX2()
	f.Label(wideLabel)
	f.widen(body)
}

// eachWidth generates two functions, which work on 8 and on 16 elements at a time.
func (f *file) eachWidth(name, params string, body func()) {
	f.function(name+"AVX2", params)
	body()
	f.mustBeAVX2()
	f.function(name+"AVX512", params)
	f.widen(body)
}

// mustBeAVX2 ends the generator if the function at work has instructions that AVX2 lacks.
func (f *file) mustBeAVX2() {
	for _, node := range f.current().Nodes {
		if i, ok := node.(*ir.Instruction); ok && slices.ContainsFunc(i.ISA, isAVX512) {
			log.Fatalf("generate %s: AVX2 has no %s", f.current().Name, i.Opcode)
		}
	}
}

func isAVX512(extension string) bool { return strings.HasPrefix(extension, "AVX512") }

// widen generates body with vectors of 512 bits.
func (f *file) widen(body func()) {
	f.wide, f.constants, f.prologue = true, map[uint32]vec{}, len(f.current().Nodes)
	body()
	f.wide = false
}

// current returns the function at work.
func (f *file) current() *ir.Function {
	all, err := f.Result()
	if err != nil {
		log.Fatalf("generate %s: %v", f.name, err)
	}
	functions := all.Functions()
	return functions[len(functions)-1]
}

// width returns the float32 in a vector.
func (f *file) width() int {
	if f.wide {
		return 16
	}
	return 8
}

func (f *file) vec() vec {
	if f.wide {
		return f.ZMM()
	}
	return f.YMM()
}

// shared returns a register of 16 copies of bits, loaded before the function's loops if there
// are registers for it.
func (f *file) shared(bits uint32) vec {
	if v, ok := f.constants[bits]; ok {
		return v
	}
	v := f.ZMM()
	if len(f.constants) == sharedMost {
		f.VBROADCASTSS(f.copies(bits), v)
		return v
	}
	load, err := x86.VBROADCASTSS(f.copies(bits), v)
	if err != nil {
		log.Fatalf("load constant %#x: %v", bits, err)
	}
	function := f.current()
	function.Nodes = slices.Insert(function.Nodes, f.prologue, ir.Node(load))
	f.constants[bits] = v
	return v
}

func floatBits(v float64) uint32 { return math.Float32bits(float32(v)) }

// mask is a choice of lanes: those with all bits set in a vector or, of 512 bits, whose bits
// are set in a register.
type mask struct {
	lanes vec
	bits  reg.Register
}

// first returns the first n lanes, 1 to 7 or 15.
func (f *file) first(n reg.Register) *mask {
	if f.wide {
		ones, bits := f.GP64(), f.K()
		f.MOVQ(operand.I32(-1), ones)
		f.BZHIQ(n, ones, ones)
		f.KMOVW(ones.As32(), bits)
		return &mask{bits: bits}
	}
	const name = "tailMask"
	if !f.seen[name] {
		f.seen[name] = true
		f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			f.AddDatum(4*i, operand.U32(uint32(0xffffffff*((15-uint64(i))/8))))
		}
	}
	table, back, lanes := f.GP64(), f.GP64(), f.YMM()
	f.LEAQ(operand.NewDataAddr(operand.NewStaticSymbol(name), 32), table)
	f.MOVQ(n, back)
	f.NEGQ(back)
	f.VMOVUPS(operand.Mem{Base: table, Index: back, Scale: 4}, lanes)
	return &mask{lanes: lanes}
}

// compare returns the lanes where the predicate holds of a and b.
func (f *file) compare(p predicate, a vec, b operand.Op) mask {
	if f.wide {
		bits := f.K()
		f.VCMPPS(operand.Imm(uint64(p)), b, a, bits)
		return mask{bits: bits}
	}
	lanes := f.YMM()
	f.VCMPPS(operand.Imm(uint64(p)), b, a, lanes)
	return mask{lanes: lanes}
}

// choose computes dst = yes where m has lanes, no elsewhere.
func (f *file) choose(m mask, yes operand.Op, no, dst vec) {
	if f.wide {
		f.VBLENDMPS(yes, no, m.bits, dst)
		return
	}
	f.VBLENDVPS(m.lanes, yes, no, dst)
}

// keep returns v where m has lanes, zero elsewhere.
func (f *file) keep(m mask, v operand.Op) vec {
	if f.wide {
		kept := f.ZMM()
		f.VMOVUPS_Z(v, m.bits, kept)
		return kept
	}
	kept := f.YMM()
	f.VANDPS(v, m.lanes, kept)
	return kept
}

// noLanes returns a mask for join to add to.
func (f *file) noLanes() mask {
	if f.wide {
		bits := f.K()
		f.KXORW(bits, bits, bits)
		return mask{bits: bits}
	}
	return mask{lanes: f.zeros(1)[0]}
}

// join adds m's lanes to another mask.
func (f *file) join(m, to mask) {
	if f.wide {
		f.KORW(m.bits, to.bits, to.bits)
		return
	}
	f.VORPS(m.lanes, to.lanes, to.lanes)
}

// jumpIfNone jumps if m has no lanes.
func (f *file) jumpIfNone(m mask, label string) {
	if f.wide {
		f.KORTESTW(m.bits, m.bits)
	} else {
		bits := f.GP32()
		f.VMOVMSKPS(m.lanes, bits)
		f.TESTL(bits, bits)
	}
	f.JE(operand.LabelRef(label))
}

// predicate is a comparison as VCMPPS numbers it.
type predicate uint64

const (
	isEqual          predicate = 0
	isLess           predicate = 1
	isLessOrEqual    predicate = 2
	isUnordered      predicate = 3
	isNotEqual       predicate = 4
	isNotLess        predicate = 5
	isNotLessOrEqual predicate = 6
	isGreaterOrEqual predicate = 13
	isGreater        predicate = 14
)
