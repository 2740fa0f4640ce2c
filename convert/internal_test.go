package convert

// WordPieces is wordPieces for the fuzz test.
var WordPieces = wordPieces
