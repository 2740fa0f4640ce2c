// Package jpeg decodes JPEG files to packed RGB, bit for bit as libjpeg-turbo does
// at the settings Pillow uses: the accurate integer inverse transform, triangle
// filters for chroma at half the resolution, and fixed-point colours. Baseline,
// extended and progressive Huffman files of 8 bits with one, three or four
// components are read, with every sampling that libjpeg takes.
//
// It does not read arithmetic coding, 12 bits or lossless files, and refuses
// damaged data where libjpeg would guess. A progressive file whose scans end
// before full precision is shown as it is: libjpeg smooths its blocks.
//
// Inverse transform, chroma and colours each have a plain Go form, which is the
// specification and runs everywhere; on amd64 AVX2 assembly made by the generator
// in gen (`go generate` reproduces it) gives the same bits.
//
// Start with Open, which reads the header, and Picture.Decode.
package jpeg

//go:generate go run ./gen
