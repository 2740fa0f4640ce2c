package convert

import (
	"encoding/binary"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loopitr/loopitr/checkpoint/safetensors"
	"github.com/loopitr/loopitr/checkpoint/torch"
	"github.com/loopitr/loopitr/internal/durable"
)

// albefVisionEpsilon is in ALBEF's code and not in its files (ALBEF's code).
const albefVisionEpsilon = 1e-6

// albefQueue is how many keys ALBEF's queues hold, and firstID what their ids start
// with (ALBEF's code).
const (
	albefQueue = 65536
	firstID    = -100
)

// albef writes what ALBEF's retrieval model loads strictly: the network, its momentum
// copies, which share the network's bytes, and its queues as they are at the start.
func (e *exporter) albef(out string) error {
	text, err := e.described()
	if err != nil {
		return err
	}
	l := albefLayout("text_encoder.")
	l.visionEpsilon, l.textEpsilon = e.config.Network.Vision.LayerNormEpsilon, e.config.Network.Text.LayerNormEpsilon
	var state []torch.Entry
	sources := e.sources(l)
	for i := range sources {
		state = append(state, torch.Entry{Key: sources[i].Name, Source: &sources[i]})
	}
	for _, s := range sources {
		if twin, ok := momentumName(s.Name); ok {
			state = append(state, torch.Entry{Key: twin, View: &torch.View{Of: s.Name, Shape: s.Shape, Strides: stridesOf(s.Shape)}})
		}
	}
	zero := safetensors.FromFloat32("zero", safetensors.F32, []int{1}, []float32{0})
	root := []torch.Entry{
		{Key: ownKey, Text: text},
		{Key: "loopitr.zero", Source: &zero}, // what the empty queues are views of
		{Key: "model", Dictionary: slices.Concat(state, e.albefBuffers())},
	}
	err = durable.WriteFile(filepath.Join(out, "model.pth"), func(w io.Writer) error { return torch.Write(w, root) })
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(out, "config_bert.json"), e.albefBERT())
}

// momentumName is what ALBEF calls the momentum copy of a parameter.
func momentumName(name string) (string, bool) {
	for _, part := range []string{"visual_encoder", "text_encoder", "vision_proj", "text_proj"} {
		if rest, found := strings.CutPrefix(name, part+"."); found {
			return part + "_m." + rest, true
		}
	}
	return "", false
}

func stridesOf(shape []int) []int {
	strides := make([]int, len(shape))
	for axis, next := len(shape)-1, 1; axis >= 0; axis-- {
		strides[axis] = next
		next *= shape[axis]
	}
	return strides
}

// albefBuffers are the state that is no weights.
func (e *exporter) albefBuffers() []torch.Entry {
	places := e.config.Network.Text.MaxTokens
	ids := safetensors.Source{Name: "position_ids", DType: safetensors.I64, Shape: []int{1, places}, Write: func(w io.Writer) error {
		var raw []byte
		for i := range places {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(i))
		}
		_, err := w.Write(raw)
		return err
	}}
	queued := safetensors.Source{Name: "idx_queue", DType: safetensors.F32, Shape: []int{1, albefQueue}, Write: func(w io.Writer) error {
		var raw []byte
		for range albefQueue {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(firstID))
		}
		_, err := w.Write(raw)
		return err
	}}
	start := safetensors.FromBytes("queue_ptr", safetensors.I64, []int{1}, make([]byte, 8))
	queue := &torch.View{Of: "zero", Shape: []int{e.config.Network.Projection, albefQueue}, Strides: []int{0, 0}}
	return []torch.Entry{
		{Key: "text_encoder.embeddings.position_ids", Source: &ids},
		{Key: "text_encoder_m.embeddings.position_ids", View: &torch.View{Of: ids.Name, Shape: ids.Shape, Strides: stridesOf(ids.Shape)}},
		{Key: "image_queue", View: queue},
		{Key: "text_queue", View: queue},
		{Key: "idx_queue", Source: &queued},
		{Key: "queue_ptr", Source: &start},
	}
}

// albefBERT is the config_bert.json that ALBEF's code reads sizes from.
func (e *exporter) albefBERT() any {
	n := e.config.Network
	return map[string]any{
		"architectures": []string{"BertForMaskedLM"}, "model_type": "bert",
		"hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
		"hidden_size": n.Text.Width, "intermediate_size": n.Text.Hidden, "num_attention_heads": n.Text.Heads,
		"num_hidden_layers": n.Text.Layers + n.Cross.Layers, "fusion_layer": n.Text.Layers,
		"encoder_width": n.Vision.Width, "layer_norm_eps": n.Text.LayerNormEpsilon, "initializer_range": n.InitDeviation,
		"max_position_embeddings": n.Text.MaxTokens, "vocab_size": n.Text.Vocabulary, "type_vocab_size": 2, "pad_token_id": 0,
	}
}
