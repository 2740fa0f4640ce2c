// Package convert brings public weights in and takes ours out. Import reads the
// files of ALBEF, BLIP and X-VLM as whole networks, and BERT and ViT as single
// towers, recognises each by the names and shapes in it, and saves a model folder
// with the preprocessing that belongs to it. Export writes a model as ALBEF's or
// Hugging Face's BLIP, or as one file of our own.
//
// Names are data: names.go says how a table is read, and albef.go, blip.go, xvlm.go,
// bert.go and vit.go hold one source each. Loading is strict: what is missing,
// unexpected or mis-shaped is listed together, by the source's own names.
//
// The package computes nothing with weights but to rearrange them and to resize
// positions, and holds one tensor at a time: a file may be larger than memory. It
// downloads nothing.
//
// Start with Import and Export.
package convert
