// Package demo holds what "loopitr demo" shows, inside the binary: drawings of 1,852
// things by three artists with their names and keywords, and a network trained on
// two of the artists. Package cmd/loopitr unpacks and runs it; scripts/emoji made
// the drawings' shards, and NOTICE says whose they are.
package demo

import (
	"embed"
	"io/fs"
)

// The patterns name files, so that a training run inside the model's folder stays
// outside the binary.
//
//go:embed emoji/*.tar emoji/captions.*.tsv
//go:embed model/[a-zA-Z]*.*
var files embed.FS

// Files has the folders emoji (train-00.tar, train-01.tar, val.tar, test.tar and
// captions.LANGUAGE.tsv) and model (a model folder, or nothing but a README.md in a
// build without weights).
func Files() fs.FS { return files }
