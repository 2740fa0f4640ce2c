package cpu

// Chunks of tile programs: enough work to pay for waking a worker, few enough
// that partial sums stay small. They depend on shapes only.
const (
	chunkElements = 16384
	maxTileChunks = 64
	maxPartials   = 1 << 16
)

// tileStep runs a tile program in chunks of rows.
type tileStep struct {
	program    *tileProgram
	sums       []partialSum
	overwrites map[int][]int
	chunkRows  int
	chunks     int
	task       task
}

func (c *compiler) tileStep(g *group) *tileStep {
	l := lower(g, c.slot)
	p := l.program
	s := &tileStep{program: p, sums: l.sums, overwrites: l.overwrites()}
	tiles := (p.rows + p.tileRows - 1) / p.tileRows
	weight := max(1, len(p.code)/4)
	s.chunks = max(1, min(maxTileChunks, tiles, p.rows*p.columns*weight/chunkElements))
	if p.partials > 0 {
		s.chunks = min(s.chunks, max(2, maxPartials/p.partials))
	}
	perChunk := (tiles + s.chunks - 1) / s.chunks
	s.chunkRows = perChunk * p.tileRows
	s.chunks = max(1, (p.rows+s.chunkRows-1)/s.chunkRows)
	s.task = s.chunk
	c.program.registerBytes = max(c.program.registerBytes, p.registers*p.bytesPerRegister())
	c.program.partials = max(c.program.partials, p.partials*s.chunks)
	return s
}

func (s *tileStep) run(f *frame) error {
	f.parallel(&s.task, s.chunks)
	for _, sum := range s.sums {
		out := f.floats(sum.slot, sum.length)
		for j := range out {
			var total float64
			for chunk := range s.chunks {
				total += f.partials[chunk*s.program.partials+sum.partial+j]
			}
			out[j] = float32(total)
		}
	}
	return nil
}

func (s *tileStep) chunk(f *frame, w, chunk int) {
	p := s.program
	t := &f.workers[w].tile
	t.frame, t.registers = f, f.workers[w].registers.base
	if p.partials > 0 {
		t.partials = f.partials[chunk*p.partials : (chunk+1)*p.partials]
		clear(t.partials)
	}
	from := chunk * s.chunkRows
	p.runRows(t, from, min(p.rows, from+s.chunkRows))
}
