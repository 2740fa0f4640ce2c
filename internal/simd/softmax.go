package simd

import "math"

// MaxSumExp returns the greatest of one row and the sum of e^(x-max): the
// log-sum-exp is max + log(sum). An empty or all -Inf row gives -Inf and 0.
func MaxSumExp(x []float32) (greatest, sum float32) {
	greatest = Maximum(x)
	if math.IsInf(float64(greatest), -1) {
		return greatest, 0
	}
	if vectors(len(x)) {
		return greatest, sumExpAVX2(&x[0], len(x), greatest)
	}
	for _, v := range x {
		sum += float32(math.Exp(float64(v - greatest)))
	}
	return greatest, sum
}

// Softmax computes the softmax of one row; dst may be x. A row that is all -Inf
// gives NaN, as the formula does.
func Softmax(dst, x []float32) {
	x = x[:len(dst)]
	if vectors(len(dst)) {
		MulScalar(dst, dst, 1/expSumAVX2(&dst[0], &x[0], len(dst), Maximum(x)))
		return
	}
	AddScalar(dst, x, -Maximum(x))
	Exp(dst, dst)
	MulScalar(dst, dst, 1/Sum(dst))
}

// LogSoftmax computes the logarithm of the softmax of one row; dst may be x.
func LogSoftmax(dst, x []float32) {
	x = x[:len(dst)]
	greatest, sum := MaxSumExp(x)
	AddScalar(dst, x, -greatest)
	AddScalar(dst, dst, -float32(math.Log(float64(sum))))
}

// SoftmaxGradient computes dst = y*(dy - y·dy) for one row, where y is Softmax's
// result; dst may be y or dy.
func SoftmaxGradient(dst, y, dy []float32) {
	y, dy = y[:len(dst)], dy[:len(dst)]
	dot := Dot(y, dy)
	if vectors(len(dst)) {
		softmaxGradientAVX2(&dst[0], &y[0], &dy[0], len(dst), dot)
		return
	}
	for i := range dst {
		dst[i] = y[i] * (dy[i] - dot)
	}
}

// LogSoftmaxGradient computes dst = dy - e^y*sum(dy) for one row, where y is
// LogSoftmax's result; dst may be y or dy.
func LogSoftmaxGradient(dst, y, dy []float32) {
	y, dy = y[:len(dst)], dy[:len(dst)]
	sum := Sum(dy)
	if vectors(len(dst)) {
		logSoftmaxGradientAVX2(&dst[0], &y[0], &dy[0], len(dst), sum)
		return
	}
	for i := range dst {
		dst[i] = dy[i] - float32(math.Exp(float64(y[i])))*sum
	}
}
