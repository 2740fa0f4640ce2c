package dataset

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr"
	"github.com/loopitr/loopitr/internal/durable"
)

// rowJSON is a record in JSON lines and beside a shard's picture.
type rowJSON struct {
	Image    string   `json:"image"`
	Captions []string `json:"captions,omitempty"`
	Split    string   `json:"split"`
}

func newJSON(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func writeJSONL(w io.Writer, records []Record) error {
	e := newJSON(w)
	for _, r := range records {
		if err := e.Encode(rowJSON{Image: r.ID, Captions: r.Captions, Split: r.Split}); err != nil {
			return err
		}
	}
	return nil
}

func writeTSV(w io.Writer, records []Record) error {
	if _, err := io.WriteString(w, "image\tcaption\tsplit\n"); err != nil {
		return err
	}
	for _, r := range records {
		for _, caption := range r.Captions {
			if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID, caption, r.Split); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeCSV(w io.Writer, records []Record) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"image", "caption", "split"}) // Error reports it
	for _, r := range records {
		for _, caption := range r.Captions {
			_ = out.Write([]string{r.ID, caption, r.Split})
		}
	}
	out.Flush()
	return out.Error()
}

// imageJSON is a picture in Karpathy's file.
type imageJSON struct {
	Filename  string         `json:"filename"`
	Number    int            `json:"imgid"`
	Split     string         `json:"split"`
	SentIDs   []int          `json:"sentids"`
	Sentences []sentenceJSON `json:"sentences"`
}

type sentenceJSON struct {
	Raw    string   `json:"raw"`
	Tokens []string `json:"tokens"`
	Image  int      `json:"imgid"`
	Number int      `json:"sentid"`
}

func writeKarpathy(w io.Writer, records []Record) error {
	if _, err := io.WriteString(w, `{"dataset": "loopitr", "images": [`+"\n"); err != nil {
		return err
	}
	e, sentences := newJSON(w), 0
	for i, r := range records {
		if i > 0 {
			if _, err := io.WriteString(w, ","); err != nil {
				return err
			}
		}
		image := imageJSON{Filename: r.ID, Number: i, Split: r.Split}
		for _, caption := range r.Captions {
			tokens := strings.FieldsFunc(strings.ToLower(caption), betweenWords)
			image.SentIDs = append(image.SentIDs, sentences)
			image.Sentences = append(image.Sentences, sentenceJSON{Raw: caption, Tokens: tokens, Image: i, Number: sentences})
			sentences++
		}
		if err := e.Encode(image); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}\n")
	return err
}

func writeFlickr(w io.Writer, records []Record) error {
	for _, r := range records {
		for i, caption := range r.Captions {
			if _, err := fmt.Fprintf(w, "%s#%d\t%s\n", r.ID, i, caption); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeSplitFiles writes split.NAME.txt for each split. Files of that kind that
// are there already would be read with the new ones, so they are refused.
func writeSplitFiles(dir string, records []Record) error {
	if there := splitFilesIn(dir); len(there) > 0 {
		return fmt.Errorf("%s is there already: the folder must have no split files: %w", there[0], loopitr.ErrInvalid)
	}
	bySplit := map[string][]string{}
	for _, r := range records {
		if r.Split != "" {
			bySplit[r.Split] = append(bySplit[r.Split], r.ID)
		}
	}
	for _, split := range sortedKeys(bySplit) {
		if strings.ContainsAny(split, `/\`) || len(split) > 100 || strings.HasPrefix(split, ".") {
			return fmt.Errorf("split %q cannot be part of a file's name: %w", split, loopitr.ErrInvalid)
		}
	}
	for _, split := range sortedKeys(bySplit) {
		text := strings.Join(bySplit[split], "\n") + "\n"
		if err := durable.WriteBytes(filepath.Join(dir, "split."+split+".txt"), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder makes the folder of new shards; one with shards in it is refused,
// because they would be read with the new ones.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if there := globIn(dir, "*.tar"); len(there) > 0 {
		return fmt.Errorf("%s is there already: the folder must have no shards: %w", there[0], loopitr.ErrInvalid)
	}
	return nil
}
