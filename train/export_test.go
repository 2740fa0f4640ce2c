package train

// AppendMeasure is what a run does every few steps.
func AppendMeasure(dir string, m Measure) error { return appendMeasure(dir, m) }
