package pixels

// A picture that was convolved at random has other colours and textures and the same
// shapes (RandConv, Xu et al. 2021, the mixing variant): what is learned from few
// drawing hands, cameras or seasons then holds for others.

// unitWeight is 1 in the fixed point of kernels.
const unitWeight = 1 << 16

// kernelSizes are drawn evenly: 1 changes colours only.
var kernelSizes = [...]int{1, 3}

// kernel maps the channels of size x size neighbours to each channel.
type kernel struct {
	size    int
	weights [3][]int // of each channel made: row after row of neighbours' channels
}

// drawKernel draws normal weights of variance 1 over the number of inputs, which
// keeps a picture's deviation.
func drawKernel(draw *counter) kernel {
	k := kernel{size: kernelSizes[draw.below(len(kernelSizes))]}
	inputs := 3 * k.size * k.size
	for c := range k.weights {
		k.weights[c] = make([]int, inputs)
		for i := range k.weights[c] {
			k.weights[c][i] = int(draw.normal() * unitWeight * inverseRoot(inputs))
		}
	}
	return k
}

// inverseRoot is 1/sqrt(n) for the inputs there are.
func inverseRoot(n int) float64 {
	if n == 3 {
		return 0.57735026918962576450914878050195745565
	}
	return 0.19245008972987525483638292683398581855 // 27
}

// middle is the grey about which pictures are convolved.
const middle = 128

// convolve mixes m with its convolution, keep of 0 to 1 of it as it was. Beyond the
// border lie the pixels at the border.
func convolve(m Image, s *scratch, k kernel, keep float64) {
	src := s.copyOf(m)
	kept := int(keep * unitWeight)
	reach := k.size / 2
	near := make([]int, 3*k.size*k.size)
	for y := range m.Height {
		for x := range m.Width {
			at := 0
			for dy := -reach; dy <= reach; dy++ {
				row := min(max(y+dy, 0), m.Height-1) * m.Width
				for dx := -reach; dx <= reach; dx++ {
					p := src.RGB[3*(row+min(max(x+dx, 0), m.Width-1)):]
					near[at], near[at+1], near[at+2] = int(p[0])-middle, int(p[1])-middle, int(p[2])-middle
					at += 3
				}
			}
			out := m.RGB[3*(y*m.Width+x):][:3]
			for c := range out {
				sum := 0
				for i, w := range k.weights[c] {
					sum += w * near[i]
				}
				mixed := kept*(int(out[c])-middle) + (unitWeight-kept)*(sum>>16)
				out[c] = uint8(min(max(mixed>>16+middle, 0), 255))
			}
		}
	}
}
