package cpu

import (
	"slices"
	"sort"
)

// lifetime is how long an arena value must be kept: units [from, to].
type lifetime struct {
	slot, bytes int
	from, to    int
	// inPlace are slots whose memory the value may take over at from: they die
	// there and the step reads each element before it writes it.
	inPlace []int
}

// planMemory gives every intermediate value a place in the arena, reusing places
// of values that are dead, and finds inputs whose memory results can take over.
func (c *compiler) planMemory() error {
	p := c.program
	lastUse := make([]int, p.slots)
	for i := range lastUse {
		lastUse[i] = -1
	}
	for _, u := range c.units {
		for _, r := range u.reads {
			lastUse[c.slotOf[r.id]] = u.index
		}
	}
	isResult := map[int]bool{}
	for _, r := range p.results {
		if r.copyFrom {
			lastUse[r.slot] = len(c.units)
		} else {
			isResult[r.slot] = true
		}
	}
	var lives []*lifetime
	for _, u := range c.units {
		for _, n := range u.outputs {
			s := c.slotOf[n.id]
			if isResult[s] {
				continue
			}
			l := &lifetime{slot: s, bytes: n.bytes(), from: u.index, to: max(lastUse[s], u.index)}
			for _, in := range c.inPlace(u, n) {
				if lastUse[in] == u.index && !isResult[in] {
					l.inPlace = append(l.inPlace, in)
				}
			}
			lives = append(lives, l)
		}
		if u.scratch > 0 {
			lives = append(lives, &lifetime{slot: u.slot, bytes: u.scratch, from: u.index, to: u.index})
		}
	}
	p.arena, p.offsets = place(lives)
	p.live = livePeak(lives, len(c.units))
	c.planDonations(lastUse)
	_, err := c.backend.memory.checkSize(p.arena)
	return err
}

// inPlace are the slots whose memory output n of u may overwrite.
func (c *compiler) inPlace(u *unit, n *node) []int {
	if t, ok := c.program.steps[u.index].(*tileStep); ok {
		return t.overwrites[c.slotOf[n.id]]
	}
	return nil
}

// planDonations pairs results with parameters that are dead when the result is
// written, or that the writing step reads in place.
func (c *compiler) planDonations(lastUse []int) {
	p := c.program
	producer := make([]*unit, p.slots)
	nodeAt := make([]*node, p.slots)
	for _, u := range c.units {
		for _, n := range u.outputs {
			producer[c.slotOf[n.id]] = u
			nodeAt[c.slotOf[n.id]] = n
		}
	}
	free := map[int]bool{}
	for i, s := range p.parameterSlots {
		free[i] = s >= 0
	}
	for pass := range 2 {
		for i := range p.results {
			r := &p.results[i]
			u := producer[r.slot]
			if r.copyFrom || u == nil || r.reuses >= 0 {
				continue
			}
			direct := c.inPlace(u, nodeAt[r.slot])
			for j, s := range p.parameterSlots {
				if !free[j] || bytesOf(p.inputs[j]) != bytesOf(r.shape) {
					continue
				}
				own := pass == 0 && lastUse[s] == u.index && slices.Contains(direct, s)
				dead := pass == 1 && lastUse[s] < u.index
				if own || dead {
					r.reuses, free[j] = j, false
					break
				}
			}
		}
	}
}

// place assigns offsets first-fit, larger values first, so that no two that live
// at the same time overlap.
func place(lives []*lifetime) (int, []arenaSlot) {
	bySlot := map[int]*lifetime{}
	for _, l := range lives {
		bySlot[l.slot] = l
	}
	merged := mergeInPlace(lives, bySlot)
	sort.SliceStable(merged, func(i, j int) bool { return merged[i].bytes > merged[j].bytes })
	var size int
	var placed []*region
	for _, r := range merged {
		r.offset = firstFit(r, placed)
		size = max(size, r.offset+r.bytes)
		at := sort.Search(len(placed), func(i int) bool { return placed[i].offset > r.offset })
		placed = slices.Insert(placed, at, r)
	}
	var slots []arenaSlot
	for _, r := range merged {
		for _, s := range r.slots {
			slots = append(slots, arenaSlot{s, r.offset})
		}
	}
	return size, slots
}

// region is memory that values share one after another, each taking over in place.
type region struct {
	slots    []int
	bytes    int
	from, to int
	offset   int
}

// mergeInPlace chains values that take over each other's memory.
func mergeInPlace(lives []*lifetime, bySlot map[int]*lifetime) []*region {
	regionOf := map[int]*region{}
	var regions []*region
	for _, l := range lives {
		var r *region
		for _, s := range l.inPlace {
			old := bySlot[s]
			if old == nil || old.bytes != l.bytes {
				continue
			}
			if candidate := regionOf[s]; candidate != nil && candidate.to == l.from {
				r = candidate
				break
			}
		}
		if r == nil {
			r = &region{bytes: aligned(l.bytes), from: l.from, to: l.to}
			regions = append(regions, r)
		} else {
			r.to = l.to
			if l.to == l.from {
				r.to++ // nobody else takes over at this step
			}
		}
		r.slots = append(r.slots, l.slot)
		regionOf[l.slot] = r
	}
	return regions
}

func aligned(n int) int { return (n + alignment - 1) &^ (alignment - 1) }

// firstFit finds the lowest offset where r overlaps no placed region that lives
// at the same time.
func firstFit(r *region, placed []*region) int {
	at := 0
	for _, q := range placed {
		if q.to < r.from || r.to < q.from {
			continue
		}
		if at+r.bytes <= q.offset {
			break
		}
		at = max(at, q.offset+q.bytes)
	}
	return at
}

// livePeak is the greatest sum of values alive at one time: the floor of any plan.
func livePeak(lives []*lifetime, units int) int {
	change := make([]int, units+2)
	for _, l := range lives {
		change[l.from] += l.bytes
		change[l.to+1] -= l.bytes
	}
	peak, now := 0, 0
	for _, d := range change {
		now += d
		peak = max(peak, now)
	}
	return peak
}
