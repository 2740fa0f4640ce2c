// Command checkpoint writes a small file of every element type, in an order the
// format's own writer would not choose, for scripts/golden/checkpoint.py to read.
package main

import (
	"log"
	"os"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: checkpoint FILE")
	}
	shape := []int{2, 1}
	one := []float32{1, 0}
	sources := []safetensors.Source{
		safetensors.FromBytes("BOOL", safetensors.Bool, shape, []byte{1, 0}),
		safetensors.FromBytes("I64", safetensors.I64, shape, append([]byte{1}, make([]byte, 15)...)),
		safetensors.FromBytes("U8", safetensors.U8, shape, []byte{1, 0}),
		safetensors.FromFloat32("F16", safetensors.F16, shape, one),
		safetensors.FromBytes("I8", safetensors.I8, shape, []byte{1, 0}),
		safetensors.FromFloat32("BF16", safetensors.BF16, shape, one),
		safetensors.FromFloat32("F32", safetensors.F32, shape, one),
		safetensors.FromBytes("I16", safetensors.I16, shape, []byte{1, 0, 0, 0}),
		safetensors.FromBytes("I32", safetensors.I32, shape, append([]byte{1}, make([]byte, 7)...)),
		safetensors.FromBytes("F64", safetensors.F64, shape, append([]byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, make([]byte, 8)...)),
	}
	if err := safetensors.WriteFile(os.Args[1], map[string]string{"b": "ü<>", "a": "1"}, sources); err != nil {
		log.Fatal(err)
	}
}
