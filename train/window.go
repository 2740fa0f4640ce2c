package train

// window gathers the figures of steps until the next report.
type window struct {
	seconds float64 // training, validation excluded
	steps   int
	pairs   int
	rate    float64
	sums    [figureCount]float64
}

func (w *window) reset() { *w = window{} }

func (w *window) add(figures []float32, size stepSize, pairs int) {
	w.steps++
	w.pairs += pairs
	w.rate = float64(size.rate)
	for i := range w.sums {
		w.sums[i] += float64(figures[i])
	}
}

func (w *window) measure() *StepMeasure {
	mean := func(figure int) float64 { return w.sums[figure] / float64(w.steps) }
	return &StepMeasure{
		Loss: mean(figureLoss),
		Parts: map[string]float64{
			partContrast: mean(figureContrast), partMatch: mean(figureMatch),
			partDistill: mean(figureDistill), partMasked: mean(figureMasked),
		},
		Temperature: mean(figureTemperature), GradientNorm: mean(figureNorm), SkippedRows: mean(figureSkipped),
		LearningRate: w.rate, PairsPerSecond: float64(w.pairs) / max(w.seconds, 1e-9),
	}
}
