package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newData(g *global, std streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "Check, describe, convert and split pictures with captions",
		Long: `data works on pictures with captions in every format that train and eval read:
folders, shards, Karpathy, COCO and ALBEF JSON, JSON lines, CSV, TSV, Parquet.`,
		Example: `  loopitr data check dataset_flickr8k.json --images images.zip
  loopitr data convert pairs.csv --to webdataset --out shards`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%w: say what: check, stats, convert or split", errUsage)
		},
	}
	c.AddCommand(newDataCheck(g, std), newDataStats(g, std), newDataConvert(g, std), newDataSplit(g, std))
	return c
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
