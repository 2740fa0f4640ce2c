package checkpoint_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr/checkpoint"
)

func ExampleOpen() {
	folder, err := os.MkdirTemp("", "loopitr")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	dir := filepath.Join(folder, "model")
	err = checkpoint.Save(dir, checkpoint.Parts{
		Config:     map[string]int{"width": 2},
		Weights:    []checkpoint.Tensor{{Name: "text/projection", Dims: []int{2}, Values: []float32{1, 2}}},
		Vocabulary: []byte("[PAD]\n"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := checkpoint.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	weights, err := m.Weights([]checkpoint.Shape{{Name: "text/projection", Dims: []int{2}}})
	fmt.Println(weights[0].Values, err)
	_, err = m.Weights([]checkpoint.Shape{{Name: "text/projection", Dims: []int{3}}})
	fmt.Println(err != nil)
	// Output:
	// [1 2] <nil>
	// true
}
