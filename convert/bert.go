package convert

import "strings"

// bert is BERT's table, of Hugging Face's names and of the many that took them over.
func bert(prefix string) *tower {
	return &tower{
		prefix: prefix,
		outer: []name{
			{"embedding/word", "embeddings.word_embeddings.weight", single},
			{"embedding/position", "embeddings.position_embeddings.weight", single},
			{"embedding/type", "embeddings.token_type_embeddings.weight", single},
			{"embedding/norm", "embeddings.LayerNorm", pair},
		},
		block: "encoder.layer.%d.",
		inner: []name{
			{"attention/query", "attention.self.query", pair},
			{"attention/key", "attention.self.key", pair},
			{"attention/value", "attention.self.value", pair},
			{"attention/output", "attention.output.dense", pair},
			{"attention/norm", "attention.output.LayerNorm", pair},
			{"mlp/up", "intermediate.dense", pair},
			{"mlp/down", "output.dense", pair},
			{"mlp/norm", "output.LayerNorm", pair},
		},
	}
}

// bertCross is what a layer that looks at pictures has besides.
var bertCross = []name{
	{"cross_attention/query", "crossattention.self.query", pair},
	{"cross_attention/key", "crossattention.self.key", pair},
	{"cross_attention/value", "crossattention.self.value", pair},
	{"cross_attention/output", "crossattention.output.dense", pair},
	{"cross_attention/norm", "crossattention.output.LayerNorm", pair},
}

// bertLayout is a text tower alone: BERT, MiniLM. Heads of its own training are
// dropped.
func bertLayout(prefix string) layout {
	return layout{
		kind: BERT, text: bert(prefix), textEpsilon: 1e-12, huggingFace: true,
		dropped: func(name string) bool {
			return hasPrefix(name, prefix+"pooler.", "cls.", "classifier.", "qa_outputs.", "vocab_") ||
				name == prefix+"embeddings.position_ids"
		},
	}
}

// oldNorm renames the gains and biases of the first BERT files, which came from
// TensorFlow.
func oldNorm(name string) string {
	for old, now := range map[string]string{"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"} {
		if head, found := strings.CutSuffix(name, old); found {
			return head + now
		}
	}
	return name
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
