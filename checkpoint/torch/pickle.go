package torch

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The opcodes of pickle that torch.save and Python's protocols 2 to 5 write for
// plain data (Python's pickletools). Text opcodes of protocol 0 are not among them.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opBinFloat       = 'G'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opBinInt2        = 'M'
	opNone           = 'N'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opBinString      = 'T'
	opShortBinString = 'U'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opAppends        = 'e'
	opBinGet         = 'h'
	opLongBinGet     = 'j'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opSetItems       = 'u'
	opEmptyDict      = '}'
	opEmptyList      = ']'
	opEmptyTuple     = ')'
	opBinBytes       = 'B'
	opShortBinBytes  = 'C'
	opProto          = 0x80
	opNewObj         = 0x81
	opTuple1         = 0x85
	opTuple2         = 0x86
	opTuple3         = 0x87
	opNewTrue        = 0x88
	opNewFalse       = 0x89
	opLong1          = 0x8a
	opLong4          = 0x8b
	opShortUnicode   = 0x8c
	opBinUnicode8    = 0x8d
	opEmptySet       = 0x8f
	opAddItems       = 0x90
	opStackGlobal    = 0x93
	opMemoize        = 0x94
	opFrame          = 0x95
)

// Values of a pickle are nil, bool, int64, float64, string, []byte, long, tuple,
// *list, *dict, global, *storage, *Tensor and passed.
type (
	long   string // a whole number beyond int64, little-endian
	tuple  []any
	list   struct{ items []any }
	dict   struct{ keys, values []any }
	global struct{ module, name string }
	passed struct{} // something of no interest
)

// machine is pickle's stack machine. It builds the values above and runs nothing.
type machine struct {
	in    *input
	stack []any
	marks []int // heights of the stack
	memo  map[uint64]any
	left  int // values that may still be made
	// storage finds the storage of a persistent id.
	storage func(id tuple) (*storage, error)
}

// maxValues bounds what a pickle may make: 64 MB of values at most.
const maxValues = 4 << 20

func unpickle(in *input, storage func(id tuple) (*storage, error)) (any, error) {
	m := &machine{in: in, memo: map[uint64]any{}, left: maxValues, storage: storage}
	for {
		at := in.read
		op, err := in.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			return m.pop()
		}
		if err := m.spend(1); err != nil {
			return nil, err
		}
		if err := m.step(op); err != nil {
			return nil, fmt.Errorf("pickle byte %d: %w", at, err)
		}
	}
}

// spend counts values that are made.
func (m *machine) spend(values int) error {
	if m.left -= values; m.left < 0 {
		return corrupt("pickle: more than %d values", maxValues)
	}
	return nil
}

func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		version, err := m.in.byte()
		if err == nil && (version < 2 || version > 5) {
			err = corrupt("protocol %d", version)
		}
		return err
	case opFrame:
		_, err := m.in.number(8) // only a hint
		return err
	case opMark:
		m.marks = append(m.marks, len(m.stack))
		return nil
	case opPop:
		_, err := m.pop()
		return err
	case opPopMark:
		_, err := m.popMark()
		return err
	case opBinPut, opLongBinPut, opMemoize, opBinGet, opLongBinGet:
		return m.remember(op)
	case opGlobal, opStackGlobal, opReduce, opNewObj, opBuild, opBinPersID:
		return m.construct(op)
	case opAppend, opAppends, opSetItem, opSetItems, opAddItems:
		return m.fill(op)
	case opTuple, opTuple1, opTuple2, opTuple3:
		return m.tuple(op)
	}
	value, err := m.literal(op)
	if err == nil {
		m.stack = append(m.stack, value)
	}
	return err
}

// floor is what the stack may not be popped below.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() (any, error) {
	if len(m.stack) <= m.floor() {
		return nil, corrupt("nothing on the stack")
	}
	top := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return top, nil
}

// popMark takes what lies above the last mark. It stays valid until the next push.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, corrupt("no mark on the stack")
	}
	floor := m.floor()
	m.marks = m.marks[:len(m.marks)-1]
	above := m.stack[floor:]
	m.stack = m.stack[:floor]
	return above, nil
}

func (m *machine) tuple(op byte) error {
	var items []any
	if op == opTuple {
		above, err := m.popMark()
		if err != nil {
			return err
		}
		items = above
	} else {
		count := int(op-opTuple1) + 1
		if len(m.stack)-count < m.floor() {
			return corrupt("nothing on the stack")
		}
		items = m.stack[len(m.stack)-count:]
		m.stack = m.stack[:len(m.stack)-count]
	}
	m.stack = append(m.stack, append(tuple(nil), items...))
	return nil
}

func (m *machine) remember(op byte) error {
	key, err := uint64(len(m.memo)), error(nil)
	switch op {
	case opBinPut, opBinGet:
		key, err = m.in.number(1)
	case opLongBinPut, opLongBinGet:
		key, err = m.in.number(4)
	}
	if err != nil {
		return err
	}
	if op == opBinGet || op == opLongBinGet {
		value, known := m.memo[key]
		if !known {
			return corrupt("memo %d is empty", key)
		}
		m.stack = append(m.stack, value)
		return nil
	}
	if len(m.stack) <= m.floor() {
		return corrupt("nothing on the stack")
	}
	m.memo[key] = m.stack[len(m.stack)-1]
	return nil
}

// fill adds to a list, dictionary or set below what is added.
func (m *machine) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case opAppends, opSetItems, opAddItems:
		if items, err = m.popMark(); err != nil {
			return err
		}
	default:
		count := 1
		if op == opSetItem {
			count = 2
		}
		if len(m.stack)-count < m.floor() {
			return corrupt("nothing on the stack")
		}
		items = m.stack[len(m.stack)-count:]
		m.stack = m.stack[:len(m.stack)-count]
	}
	if len(m.stack) <= m.floor() {
		return corrupt("nothing to add to")
	}
	pairs := op == opSetItem || op == opSetItems
	switch to := m.stack[len(m.stack)-1].(type) {
	case *list:
		if pairs {
			return corrupt("items for a list")
		}
		to.items = append(to.items, items...)
	case *dict:
		if !pairs || len(items)%2 != 0 {
			return corrupt("%d items for a dictionary", len(items))
		}
		for i := 0; i < len(items); i += 2 {
			to.keys, to.values = append(to.keys, items[i]), append(to.values, items[i+1])
		}
	case passed:
	default:
		return corrupt("items for %s", describe(to))
	}
	return nil
}

func (m *machine) literal(op byte) (any, error) {
	switch op {
	case opNone:
		return nil, nil
	case opNewTrue, opNewFalse:
		return op == opNewTrue, nil
	case opEmptyDict:
		return new(dict), nil
	case opEmptyList:
		return new(list), nil
	case opEmptySet:
		return passed{}, nil
	case opEmptyTuple:
		return tuple{}, nil
	case opBinInt:
		n, err := m.in.number(4)
		return int64(int32(n)), err
	case opBinInt1:
		n, err := m.in.number(1)
		return int64(n), err
	case opBinInt2:
		n, err := m.in.number(2)
		return int64(n), err
	case opBinFloat:
		b, err := m.in.take(8)
		if err != nil {
			return nil, err
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	return m.text(op)
}

// text reads values that bring their length.
func (m *machine) text(op byte) (any, error) {
	width := 4
	switch op {
	case opShortUnicode, opShortBinString, opShortBinBytes, opLong1:
		width = 1
	case opBinUnicode8:
		width = 8
	case opBinUnicode, opBinString, opBinBytes, opLong4:
	default:
		return nil, corrupt("opcode %q is none that torch.save writes", op)
	}
	b, err := m.in.counted(width)
	if err != nil {
		return nil, err
	}
	switch op {
	case opLong1, opLong4:
		return number(b), nil
	case opBinBytes, opShortBinBytes:
		return b, nil
	}
	return string(b), nil
}

// number is a little-endian two's complement of any length.
func number(b []byte) any {
	if len(b) > 8 {
		return long(b)
	}
	var v uint64
	for i, digit := range b {
		v |= uint64(digit) << (8 * i)
	}
	if n := len(b); n > 0 && n < 8 && b[n-1]&0x80 != 0 {
		v |= math.MaxUint64 << (8 * n)
	}
	return int64(v)
}

func describe(value any) string {
	switch v := value.(type) {
	case global:
		return fmt.Sprintf("%s.%s", v.module, v.name)
	case *Tensor:
		return "a tensor"
	}
	return fmt.Sprintf("a %T", value)
}
