package cpu

import "slices"

// reads lists the operands that an instruction reads from registers or slots.
func (in *instruction) reads() []*operand {
	return []*operand{&in.a, &in.b, &in.c}[:in.arity]
}

// assignRegisters maps virtual registers to few: one is free again after its
// last use.
func (l *lowering) assignRegisters() {
	code := l.program.code
	last := make([]int, l.virtual)
	for i := range code {
		for _, o := range code[i].reads() {
			if o.register >= 0 {
				last[o.register] = i
			}
		}
		if d := code[i].dst.register; d >= 0 && last[d] < i {
			last[d] = i
		}
	}
	physical := make([]int, l.virtual)
	for i := range physical {
		physical[i] = -1
	}
	var free []int
	for i := range code {
		in := &code[i]
		var dying []int
		virtual := -1
		if d := in.dst.register; d >= 0 {
			virtual = d
			if physical[d] < 0 {
				if len(free) > 0 {
					physical[d] = free[len(free)-1]
					free = free[:len(free)-1]
				} else {
					physical[d] = l.program.registers
					l.program.registers++
				}
			}
		}
		for _, o := range in.reads() {
			if o.register >= 0 {
				if last[o.register] == i {
					dying = appendOnce(dying, o.register)
				}
				o.register = physical[o.register]
			}
		}
		if virtual >= 0 {
			if last[virtual] == i {
				dying = appendOnce(dying, virtual)
			}
			in.dst.register = physical[virtual]
		}
		for _, v := range dying {
			free = append(free, physical[v])
		}
	}
}

func appendOnce(s []int, v int) []int {
	for _, x := range s {
		if x == v {
			return s
		}
	}
	return append(s, v)
}

// overwrites finds, for each slot the program writes, the slots it reads that the
// written value may share memory with: same places, read for the last time no
// later than the write.
func (l *lowering) overwrites() map[int][]int {
	lastRead, plain := map[int]int{}, map[int]bool{}
	classes := map[int]class{}
	for i := range l.program.code {
		in := &l.program.code[i]
		if in.view != nil {
			lastRead[in.a.slot], plain[in.a.slot] = len(l.program.code), false
			continue
		}
		for _, o := range in.reads() {
			if o.register >= 0 {
				continue
			}
			if _, seen := lastRead[o.slot]; !seen {
				plain[o.slot], classes[o.slot] = true, o.class
			}
			lastRead[o.slot] = max(lastRead[o.slot], i)
			plain[o.slot] = plain[o.slot] && o.class == classes[o.slot] && (o.class == full || o.class == perRow)
		}
	}
	result := map[int][]int{}
	for i := range l.program.code {
		d := &l.program.code[i].dst
		if d.register >= 0 || d.slot < 0 || d.class > perRow {
			continue
		}
		for slot, at := range lastRead {
			if at <= i && plain[slot] && classes[slot] == d.class {
				result[d.slot] = append(result[d.slot], slot)
			}
		}
	}
	for _, s := range result {
		slices.Sort(s)
	}
	return result
}
