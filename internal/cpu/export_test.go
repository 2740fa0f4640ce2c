package cpu

import "fmt"

// Steps describes what an executable runs, one line per step, for tests.
func Steps(e *Executable) []string {
	var lines []string
	for _, s := range e.program.steps {
		switch s := s.(type) {
		case *tileStep:
			lines = append(lines, fmt.Sprintf("tiles %dx%d code=%d registers=%d sums=%d chunks=%d", s.program.rows, s.program.columns, len(s.program.code), s.program.registers, len(s.sums), s.chunks))
		case *matrixProduct:
			lines = append(lines, fmt.Sprintf("product %d x %dx%dx%d packed=%v", s.batches, s.rows, s.depth, s.columns, s.packed))
		case *movement:
			lines = append(lines, fmt.Sprintf("movement %v size=%d", s.dims, s.size))
		default:
			lines = append(lines, fmt.Sprintf("%T", s))
		}
	}
	return lines
}
