package jpeg

// Generic runs without assembly until restore is called.
func Generic() (restore func()) {
	before := hasAVX2
	hasAVX2 = false
	return func() { hasAVX2 = before }
}

// HasAVX2 reports whether there is assembly to compare with.
func HasAVX2() bool { return hasAVX2 }
