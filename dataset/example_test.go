package dataset_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loopitr/loopitr/dataset"
)

// A set is opened once, and its batches are asked for by step.
func Example() {
	dir, err := os.MkdirTemp("", "pairs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	rows := "image\tcaption\tsplit\nbird.jpg\ta bird\ttrain\nbird.jpg\ta sparrow\ttrain\ncat.jpg\ta cat\ttrain\ngone.jpg\ta dog\ttrain\n"
	for name, content := range map[string]string{"pairs.tsv": rows, "bird.jpg": "bytes", "cat.jpg": "bytes"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			fmt.Println(err)
			return
		}
	}

	set, err := dataset.Open(context.Background(), dataset.Options{Path: filepath.Join(dir, "pairs.tsv"), Split: "train"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	sampler, err := dataset.NewSampler(set.Records, dataset.SamplerConfig{Seed: 1, Batch: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(set.Records), "pictures,", sampler.Visits(), "pairs,", sampler.Steps(), "steps an epoch; skipped:", set.Skipped)
	for _, pair := range sampler.Batch(0) {
		record := set.Records[pair.Picture]
		fmt.Println(record.ID, "with", len(record.Captions), "captions")
	}
	// Unordered output:
	// 2 pictures, 3 pairs, 2 steps an epoch; skipped: 1 missing file
	// bird.jpg with 2 captions
	// cat.jpg with 1 captions
}
