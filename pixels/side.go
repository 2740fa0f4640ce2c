package pixels

import (
	"slices"
	"strings"
	"unicode"
)

// MentionsSide reports whether a caption holds a word for left or right (or a
// sense of rotation), so that a mirrored picture would contradict it. Words are
// matched whole and without case, in some thirty languages; scripts that write no
// spaces are searched for the characters. Words with other meanings too ("right",
// Vietnamese "phải") count: a picture that is not mirrored harms nothing.
func MentionsSide(caption string) bool {
	return mentions(caption, sideWords, sideStems)
}

func mentions(caption string, words map[string]bool, stems []string) bool {
	caption = strings.ToLower(caption)
	for _, w := range strings.FieldsFunc(caption, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r)
	}) {
		if words[w] {
			return true
		}
	}
	return slices.ContainsFunc(stems, func(stem string) bool { return strings.Contains(caption, stem) })
}

// sideStems are searched anywhere: Chinese and Japanese characters, Thai, and
// Korean, Arabic and Hebrew words, to which particles are joined.
var sideStems = []string{
	"左", "右", "ひだり", "みぎ", "ซ้าย", "ขวา", "왼", "오른쪽", "오른손", "오른편", "좌측", "우측", "يسار", "يمين", "שמאל", "ימין",
}

var sideWords = wordSet(
	// English
	`left right leftmost rightmost leftward leftwards rightward rightwards lefthand righthand lefty righty
	clockwise counterclockwise anticlockwise`,
	// German, Dutch
	`links rechts linke linker linken linkes linkem rechte rechter rechten rechtes rechtem linksherum rechtsherum
	linkse rechtse linkerhand rechterhand linkerkant rechterkant linksaf rechtsaf uhrzeigersinn gegenuhrzeigersinn`,
	// French, Spanish, Portuguese, Italian, Catalan, Romanian
	`gauche gauches droite droites droit izquierda izquierdas izquierdo izquierdos derecha derechas derecho derechos
	esquerda esquerdas esquerdo esquerdos direita direitas direito direitos
	sinistra sinistre sinistro sinistri destra destre destro destri
	esquerra esquerre dreta dret stânga stâng dreapta drept`,
	// Swedish, Danish, Norwegian, Icelandic, Finnish, Estonian
	`vänster vänstra höger högra venstre højre høyre vinstri hægri
	vasen vasemmalla vasemmalle vasemman vasempaan oikea oikealla oikealle oikean oikeaan
	vasak vasakul vasakule parem paremal paremale`,
	// Polish, Czech, Slovak, Slovene, Croatian
	`lewo lewa lewy lewe lewą lewej prawo prawa prawy prawe prawą prawej
	levý levá levé levou levo vlevo doleva nalevo zleva pravý pravá pravé pravou vpravo doprava napravo zprava
	ľavý ľavá vľavo doľava levi leva desni desna desno lijevo lijeva lijevi`,
	// Russian, Ukrainian, Bulgarian, Serbian
	`слева налево влево левый левая левое левой левую лево справа направо вправо правый правая правое правой правую право
	ліворуч лівий ліва ліве вліво праворуч правий права праве
	наляво ляво ляв лява надясно дясно десен дясна лево лева леви десно десна десни`,
	// Greek, Turkish, Hungarian, Lithuanian, Latvian
	`αριστερά αριστερό αριστερή αριστερός δεξιά δεξί δεξιός
	sol sola solda soldaki soldan sağ sağa sağda sağdaki sağdan
	bal balra balról baloldali jobb jobbra jobbról jobboldali
	kairė kairėje kairėn kairysis dešinė dešinėje dešinėn dešinysis kreisi kreisais kreisā labi labais labā`,
	// Hindi, Bengali, Persian, Urdu
	`बाएँ बाएं बायाँ बायां बायीं बाईं दाएँ दाएं दायाँ दायां दायीं दाईं বাম বামে বাঁ ডান ডানে چپ راست بائیں دائیں`,
	// Vietnamese, Indonesian and Malay, Filipino, Swahili
	`trái phải kiri kanan kaliwa kanan kushoto kulia`,
)

func wordSet(lists ...string) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for _, w := range strings.Fields(list) {
			set[w] = true
		}
	}
	return set
}
