package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/dataset"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/wordpiece"
)

const (
	recipeFile     = "run.json"
	vocabularyFile = "vocab.txt"
	recipeFormat   = 1
)

// maxRecipe bounds run.json, which may be a stranger's.
const maxRecipe = 1 << 20

// recipe is run.json. A folder with one is a run that can be resumed.
type recipe struct {
	Format int    `json:"format"`
	Config Config `json:"config"`
	// Records is the digest of the pictures' names and captions.
	Records string `json:"records,omitempty"`
	// Origin is Options.Origin.
	Origin string `json:"origin,omitempty"`
}

// recordsDigest tells whether a resumed run has the data that it began with.
func recordsDigest(records []dataset.Record) string {
	sum := sha256.New()
	part := func(s string) { fmt.Fprintf(sum, "%d:%s", len(s), s) }
	for _, r := range records {
		fmt.Fprintf(sum, "%d captions,", len(r.Captions))
		part(r.ID)
		for _, c := range r.Captions {
			part(c)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (r *run) writeRecipe() error {
	content, err := json.MarshalIndent(recipe{recipeFormat, r.Config, recordsDigest(r.pictures.records), r.Origin}, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteBytes(filepath.Join(r.folder.state, recipeFile), append(content, '\n'))
}

func (r *run) writeVocabulary() error {
	var vocabulary bytes.Buffer
	if _, err := r.vocabulary.WriteTo(&vocabulary); err != nil {
		return err
	}
	return durable.WriteBytes(filepath.Join(r.folder.state, vocabularyFile), vocabulary.Bytes())
}

// Stored returns the recipe and the vocabulary of the run in dir, as Resume goes on
// with them. It wraps loopitr.ErrNotFound when dir holds no run.
func Stored(dir string) (Config, *wordpiece.Vocabulary, error) {
	stored, vocabulary, err := readRun(filepath.Join(dir, stateFolder))
	if err != nil {
		return Config{}, nil, fmt.Errorf("read run %q: %w", dir, err)
	}
	return stored.Config, vocabulary, nil
}

// readRecipe takes the recipe and vocabulary of the folder's run, and from the
// given Config only when to end.
func (r *run) readRecipe() error {
	given := r.Config
	stored, vocabulary, err := readRun(r.folder.state)
	if err != nil {
		return err
	}
	r.Config, r.begunWith, r.Origin, r.vocabulary = stored.Config, stored.Records, stored.Origin, vocabulary
	if given.Steps > 0 || given.Epochs > 0 || given.For > 0 {
		r.prolonged = given.Steps != r.Config.Steps || given.Epochs != r.Config.Epochs || given.For != r.Config.For
		r.Config.Steps, r.Config.Epochs, r.Config.For = given.Steps, given.Epochs, given.For
	}
	return nil
}

func readRun(state string) (recipe, *wordpiece.Vocabulary, error) {
	stored, err := readRecipe(filepath.Join(state, recipeFile))
	if err != nil {
		return recipe{}, nil, err
	}
	content, err := durable.ReadFile(filepath.Join(state, vocabularyFile), wordpiece.MaxVocabularyBytes)
	if err != nil {
		return recipe{}, nil, err
	}
	vocabulary, err := wordpiece.ReadVocabulary(bytes.NewReader(content))
	return stored, vocabulary, err
}

func readRecipe(path string) (recipe, error) {
	content, err := durable.ReadFile(path, maxRecipe)
	if errors.Is(err, fs.ErrNotExist) {
		return recipe{}, fmt.Errorf("no run to resume in this folder: %w", loopitr.ErrNotFound)
	}
	if err != nil {
		return recipe{}, err
	}
	var stored recipe
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return recipe{}, fmt.Errorf("%s: %w: %w", recipeFile, err, loopitr.ErrCorrupt)
	}
	if stored.Format != recipeFormat {
		return recipe{}, fmt.Errorf("%s: format %d, this loopitr reads %d: %w", recipeFile, stored.Format, recipeFormat, loopitr.ErrInvalid)
	}
	return stored, nil
}
