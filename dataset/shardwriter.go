package dataset

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/loopitr/loopitr/internal/durable"
)

// shards writes samples NUMBER.EXT, NUMBER.txt and NUMBER.json until a shard is
// full. The numbers count through all shards, so keys are unique; the record's
// name is in the JSON, because a key ends at its first dot and a name need not.
func (c *converter) shards() error {
	if err := makeFolder(c.config.Path); err != nil {
		return err
	}
	next := 0
	for shard := 0; next < len(c.set.Records); shard++ {
		name := filepath.Join(c.config.Path, fmt.Sprintf("%06d.tar", shard))
		err := durable.WriteFile(name, func(w io.Writer) error {
			t := &shardWriter{tar: tar.NewWriter(w)}
			for ; next < len(c.set.Records) && t.size < c.config.ShardBytes; next++ {
				picture, ok, err := c.picture(next)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				if err := t.sample(next, c.set.Records[next], picture); err != nil {
					return err
				}
			}
			return t.tar.Close()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type shardWriter struct {
	tar  *tar.Writer
	size int64
}

func (t *shardWriter) sample(number int, r Record, picture []byte) error {
	extension := strings.ToLower(path.Ext(r.ID))
	if !pictureExtensions[extension] {
		extension = pictureExtension(picture)
	}
	var sidecar bytes.Buffer
	if err := newJSON(&sidecar).Encode(rowJSON{Image: r.ID, Split: r.Split}); err != nil {
		return err
	}
	key := fmt.Sprintf("%09d", number)
	for _, member := range []struct {
		extension string
		content   []byte
	}{
		{extension, picture},
		{".txt", []byte(strings.Join(r.Captions, "\n") + "\n")},
		{".json", sidecar.Bytes()},
	} {
		h := &tar.Header{Name: key + member.extension, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(member.content)), Format: tar.FormatUSTAR}
		if err := t.tar.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.tar.Write(member.content); err != nil {
			return err
		}
		t.size += 512 + (h.Size+511)/512*512
	}
	return nil
}
