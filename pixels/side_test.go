package pixels_test

import (
	"testing"

	"github.com/loopitr/loopitr/pixels"
)

func TestMentionsSide(t *testing.T) {
	for caption, want := range map[string]bool{
		"":                                      false,
		"A dog runs through the snow":           false,
		"A man to the LEFT of a horse.":         true,
		"left-handed batter":                    true,
		"the right, then straight":              true,
		"rightmost":                             true,
		"leftovers on a bright copyright plate": false,
		"clockwise arrows":                      true,
		"ein Hund links im Bild":                true,
		"die linke Hand":                        true,
		"ein Linkshänder":                       false,
		"la main gauche":                        true,
		"à droite":                              true,
		"un gato a la izquierda":                true,
		"à esquerda":                            true,
		"mano sinistra":                         true,
		"en hund till vänster":                  true,
		"w lewo":                                true,
		"стрелка вправо":                        true,
		"βέλος αριστερά":                        true,
		"sağ ok":                                true,
		"向左箭头":                                  true,
		"右矢印":                                   true,
		"왼쪽 화살표":                                true,
		"ลูกศรซ้าย":                             true,
		"سهم لليسار":                            true,
		"חץ שמאלה":                              true,
		"बायां तीर":                             true,
		"mũi tên trái":                          true,
		"panah kanan":                           true,
		"\xff\xfeleft\xff":                      true,
		"\xff\xfe\xff":                          false,
	} {
		if got := pixels.MentionsSide(caption); got != want {
			t.Errorf("MentionsSide(%q) = %v, want %v", caption, got, want)
		}
	}
}
