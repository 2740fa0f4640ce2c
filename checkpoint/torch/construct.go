package torch

import (
	"fmt"
	"math"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

// storages are the classes of storages, by their name in module torch.
var storages = map[string]safetensors.DType{
	"DoubleStorage": safetensors.F64, "FloatStorage": safetensors.F32, "HalfStorage": safetensors.F16,
	"BFloat16Storage": safetensors.BF16, "LongStorage": safetensors.I64, "IntStorage": safetensors.I32,
	"ShortStorage": safetensors.I16, "CharStorage": safetensors.I8, "ByteStorage": safetensors.U8,
	"BoolStorage": safetensors.Bool,
}

// The globals that are understood, besides storages.
var (
	orderedDict      = global{"collections", "OrderedDict"}
	rebuildTensor    = global{"torch._utils", "_rebuild_tensor"}
	rebuildTensor2   = global{"torch._utils", "_rebuild_tensor_v2"}
	rebuildParameter = global{"torch._utils", "_rebuild_parameter"}
	torchSize        = global{"torch", "Size"}
)

// settings are globals that checkpoints hold beside weights. Objects of theirs are
// passed over: nothing of them is built, so nothing of them can act.
var settings = map[global]bool{
	{"argparse", "Namespace"}: true, {"torch", "device"}: true,
	{"torch", "float32"}: true, {"torch", "float16"}: true, {"torch", "bfloat16"}: true, {"torch", "float64"}: true,
	{"torch", "int64"}: true, {"torch", "int32"}: true, {"torch", "uint8"}: true, {"torch", "bool"}: true,
	{"numpy.core.multiarray", "scalar"}: true, {"numpy._core.multiarray", "scalar"}: true, {"numpy", "dtype"}: true,
	{"collections", "defaultdict"}: true, {"collections", "Counter"}: true,
	{"builtins", "set"}: true, {"__builtin__", "set"}: true, {"builtins", "dict"}: true, {"__builtin__", "dict"}: true,
	{"builtins", "int"}: true, {"__builtin__", "int"}: true, {"__builtin__", "long"}: true,
	{"_codecs", "encode"}: true,
}

func (g global) known() bool {
	_, isStorage := storages[g.name]
	switch g {
	case orderedDict, rebuildTensor, rebuildTensor2, rebuildParameter, torchSize:
		return true
	}
	return settings[g] || g.module == "torch" && isStorage
}

// construct does what would make Python call something.
func (m *machine) construct(op byte) error {
	value, err := m.constructed(op)
	if err == nil {
		m.stack = append(m.stack, value)
	}
	return err
}

func (m *machine) constructed(op byte) (any, error) {
	if op == opGlobal {
		module, err := m.in.line()
		if err != nil {
			return nil, err
		}
		name, err := m.in.line()
		if err != nil {
			return nil, err
		}
		return m.find(global{module, name})
	}
	top, err := m.pop()
	if err != nil {
		return nil, err
	}
	if op == opBinPersID {
		id, ok := top.(tuple)
		if !ok {
			return nil, corrupt("persistent id is %s", describe(top))
		}
		return m.storage(id)
	}
	below, err := m.pop()
	if err != nil {
		return nil, err
	}
	switch op {
	case opStackGlobal:
		module, isText := below.(string)
		name, isName := top.(string)
		if !isText || !isName {
			return nil, corrupt("a global's name is %s", describe(top))
		}
		return m.find(global{module, name})
	case opBuild:
		return m.build(below)
	}
	callee, isGlobal := below.(global)
	args, isTuple := top.(tuple)
	if !isGlobal || !isTuple {
		return nil, corrupt("%s called with %s", describe(below), describe(top))
	}
	return m.reduce(callee, args)
}

// find lets through what is on the list.
func (m *machine) find(g global) (any, error) {
	if !g.known() {
		return nil, fmt.Errorf("it asks for %q of module %q, which is not among what holds tensors; nothing was run: %w",
			g.name, g.module, loopitr.ErrCorrupt)
	}
	return g, nil
}

// build gives an object its state, of which only a dictionary's or setting's is
// harmless enough to ignore.
func (m *machine) build(object any) (any, error) {
	switch object.(type) {
	case *dict, passed:
		return object, nil
	}
	return nil, corrupt("state for %s", describe(object))
}

func (m *machine) reduce(callee global, args tuple) (any, error) {
	switch callee {
	case orderedDict:
		return m.dictOf(args)
	case rebuildTensor, rebuildTensor2:
		return tensorOf(args)
	case rebuildParameter:
		if len(args) > 0 {
			if t, ok := args[0].(*Tensor); ok {
				return t, nil
			}
		}
		return nil, corrupt("a parameter without a tensor")
	case torchSize:
		return passed{}, nil
	}
	if settings[callee] {
		return passed{}, nil
	}
	return nil, corrupt("%s is called", describe(callee))
}

func (m *machine) dictOf(args tuple) (any, error) {
	d := new(dict)
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok {
		return nil, corrupt("a dictionary of %s", describe(args[0]))
	}
	// One list may be asked for often: each copy counts.
	if err := m.spend(len(pairs.items)); err != nil {
		return nil, err
	}
	for _, p := range pairs.items {
		var pair []any
		switch p := p.(type) {
		case tuple:
			pair = p
		case *list:
			pair = p.items
		}
		if len(pair) != 2 {
			return nil, corrupt("a dictionary's item of %d parts", len(pair))
		}
		d.keys, d.values = append(d.keys, pair[0]), append(d.values, pair[1])
	}
	return d, nil
}

// maxRank is far above what PyTorch's models use.
const maxRank = 16

// tensorOf makes a tensor of storage, offset, sizes and strides, all within the
// storage. With a stride of zero it may still have more elements than its storage:
// see Tensor.Float32At.
func tensorOf(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, corrupt("a tensor of %d parts", len(args))
	}
	s, isStorage := args[0].(*storage)
	offset, isNumber := args[1].(int64)
	shape, hasShape := ints(args[2])
	strides, hasStrides := ints(args[3])
	if !isStorage || !isNumber || !hasShape || !hasStrides || offset < 0 || len(shape) != len(strides) {
		return nil, corrupt("a tensor of storage %s, offset, sizes and strides that do not agree", describe(args[0]))
	}
	t := &Tensor{DType: s.dtype, Shape: shape, Strides: strides, Offset: int(offset), storage: s}
	last, count := offset, int64(1)
	for i, n := range shape {
		if n == 0 {
			return t, nil
		}
		var ok bool
		if count, ok = product(count, int64(n)); !ok {
			return nil, corrupt("a tensor of sizes %v", shape)
		}
		reach, ok := product(int64(n-1), int64(strides[i]))
		if !ok || reach > s.count-last {
			return nil, corrupt("a tensor of sizes %v and strides %v from %d over a storage of %d", shape, strides, offset, s.count)
		}
		last += reach
	}
	if last >= s.count {
		return nil, corrupt("a tensor of sizes %v and strides %v from %d over a storage of %d", shape, strides, offset, s.count)
	}
	return t, nil
}

func product(a, b int64) (int64, bool) {
	if b > 0 && a > math.MaxInt64/b {
		return 0, false
	}
	return a * b, true
}

func ints(value any) ([]int, bool) {
	items, ok := value.(tuple)
	if !ok || len(items) > maxRank {
		return nil, false
	}
	all := make([]int, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || n < 0 || n > math.MaxInt {
			return nil, false
		}
		all[i] = int(n)
	}
	return all, true
}
