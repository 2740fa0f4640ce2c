package convert

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
	"github.com/loopitr/loopitr/network"
)

// describe is what a kind is called in a card.
var describe = map[Kind]string{
	ALBEF: "ALBEF", BLIP: "BLIP, its authors' file", HuggingFaceBLIP: "BLIP, Hugging Face's file",
	XVLM: "X-VLM with a ViT", BERT: "BERT, as text tower", ViT: "ViT, as vision tower", Own: "an export of loopitr",
}

// card is the model's README.md.
func (i *importer) card() (string, error) {
	m := i.report.Model
	var b strings.Builder
	parameters := 0
	for _, p := range m.Network.Params() {
		parameters += p.Size()
	}
	fmt.Fprintf(&b, "# Imported network\n\nA dual encoder that finds and a cross encoder that judges, in one network of %d parameters.\n\n## Origin\n\n", parameters)
	fmt.Fprintf(&b, "%s, imported by loopitr:\n\n", describe[i.report.Kind])
	for _, file := range i.source.files {
		sum, err := hashFile(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "- `%s`, SHA-256 %s\n", filepath.Base(file), sum)
	}
	if a := i.config.Around; i.base.model != nil {
		fmt.Fprintf(&b, "- %d parameters of the model `%s`\n", len(i.report.Kept), filepath.Base(a.Model))
	}
	if len(i.report.Fresh) > 0 {
		fmt.Fprintf(&b, "- %d parameters drawn afresh with seed %d: train it before use\n", len(i.report.Fresh), i.config.Around.Seed)
	}
	b.WriteString("\n## Data\n\nThat of the origin: its files do not name it.\n\n## Recipe\n\n")
	i.recipe(&b)
	fmt.Fprintf(&b, "\n## Results\n\nNone measured here: `loopitr eval` measures.\n\n## Licence\n\n%s\n", i.licence())
	b.WriteString("\n## Limits\n\nIt knows what its training pictures and captions showed, in their language and style. Its terms, data and\nknown faults are those of its origin.\n")
	return b.String(), nil
}

func (i *importer) recipe(b *strings.Builder) {
	m := i.report.Model
	v, t, x := m.Network.Vision, m.Network.Text, m.Network.Cross
	if v.Input == network.Pixels {
		fmt.Fprintf(b, "- pictures %s to %d px, mean %v, deviation %v; patches of %d\n", fitText(string(m.Pixels.Fit)), m.Pixels.Size, m.Pixels.Mean, m.Pixels.Std, v.PatchSize)
	}
	if i.report.Resize {
		b.WriteString("- position embeddings resized, bicubic\n")
	}
	fmt.Fprintf(b, "- captions of at most %d tokens out of %d\n", m.Captions.MaxTokens, t.Vocabulary)
	fmt.Fprintf(b, "- norms with epsilon %g (vision) and %g (text)\n", v.LayerNormEpsilon, t.LayerNormEpsilon)
	if x.From == network.FromIDs {
		first := "[CLS]"
		if x.FirstToken != 0 {
			first = encodeToken
		}
		fmt.Fprintf(b, "- judges from token ids, %s first\n", first)
	}
	fmt.Fprintf(b, "- score: match log-odds + %g dual logit\n- stored as %s\n", m.ScoreWeight, i.report.Store)
}

func fitText(fit string) string {
	if fit == "crop" {
		return "cropped"
	}
	return "squashed"
}

const maxReadme = 1 << 20

// licence is what the front matter of a README.md beside the weights says.
func (i *importer) licence() string {
	const unknown = "Not known to loopitr: that of the origin."
	raw, err := durable.ReadFile(filepath.Join(i.source.folder, "README.md"), maxReadme)
	if err != nil {
		return unknown // a card of the origin is optional, and so is a readable one
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 0; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if n == 0 && line != "---" || n > 0 && line == "---" {
			break
		}
		if name, found := strings.CutPrefix(line, "license:"); found && len(name) < 80 {
			return fmt.Sprintf("The origin's card says %q.", strings.TrimSpace(name))
		}
	}
	return unknown
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("open %q: no such file: %w", path, loopitr.ErrNotFound)
	}
	if err != nil {
		return "", err
	}
	defer f.Close() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
