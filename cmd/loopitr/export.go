package main

import (
	"fmt"

	"github.com/loopitr/loopitr/convert"
	"github.com/spf13/cobra"
)

// exported is what export prints as JSON.
type exported struct {
	Out    string `json:"out"`
	Format string `json:"format"`
}

func newExport(g *global, std streams) *cobra.Command {
	var format, out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "export DIR --format FORMAT --out FOLDER",
		Short: "Write a model as ALBEF's, Hugging Face's BLIP or one safetensors file",
		Long: `export writes a model so that others load it strictly: albef is a .pth for ALBEF's
retrieval model, with momentum copies and empty queues; blip-hf a folder for
BlipForImageTextRetrieval.from_pretrained; safetensors one file by loopitr's own
names. Imported again, each becomes the same model, bit for bit.`,
		Example: `  loopitr export model --format albef --out albef
  loopitr export blip --format blip-hf --out blip-hf
  loopitr export model --format safetensors --out plain`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if out == "" || format == "" {
				return fmt.Errorf("%w: export needs --format FORMAT and --out FOLDER", errUsage)
			}
			line := g.line(std)
			config := convert.ExportConfig{Format: convert.Format(format), Progress: tensorCount(line)}
			err := convert.Export(c.Context(), args[0], out, config)
			line.Clear()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(std.out, exported{out, format})
			}
			_, err = fmt.Fprintf(std.out, "wrote %s to %s\n", format, out)
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "", "albef, blip-hf or safetensors")
	c.Flags().BoolVar(&asJSON, "json", false, "print what was written as JSON")
	c.Flags().StringVar(&out, "out", "", "folder to write, new or empty")
	return c
}
