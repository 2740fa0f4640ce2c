package pixels

// MentionsColour reports whether a caption names a colour, so that a picture whose
// hues were turned would contradict it. Words are matched as MentionsSide matches
// them, in the languages of demo/emoji's captions and some more; things that
// are also colours ("orange", "rose") count: colours kept harm nothing.
func MentionsColour(caption string) bool {
	return mentions(caption, colourWords, colourStems)
}

// colourStems are searched anywhere: Chinese and Japanese characters, Korean,
// Thai, Arabic and Hebrew words, to which particles are joined.
var colourStems = []string{
	"红", "紅", "赤", "橙", "黄", "黃", "绿", "綠", "緑", "蓝", "藍", "青", "紫", "粉", "棕", "褐", "黑", "黒", "白", "灰", "茶色", "ピンク", "オレンジ",
	"빨간", "빨강", "주황", "노란", "노랑", "초록", "녹색", "파란", "파랑", "하늘색", "보라", "분홍", "갈색", "검은", "검정", "하얀", "흰색", "흰", "회색",
	"สีแดง", "สีส้ม", "สีเหลือง", "สีเขียว", "สีน้ำเงิน", "สีฟ้า", "สีม่วง", "สีชมพู", "สีน้ำตาล", "สีดำ", "สีขาว", "สีเทา",
	"أحمر", "حمراء", "برتقالي", "أصفر", "صفراء", "أخضر", "خضراء", "أزرق", "زرقاء", "بنفسجي", "أرجواني", "وردي", "بني", "أسود", "سوداء", "أبيض", "بيضاء", "رمادي",
	"אדום", "אדומה", "כתום", "צהוב", "ירוק", "כחול", "סגול", "ורוד", "חום", "שחור", "לבן", "אפור",
}

var colourWords = wordSet(
	// English
	`red redhead orange yellow green blue purple violet pink brown black white grey gray golden gold silver
	turquoise cyan magenta teal maroon navy beige crimson scarlet indigo lavender blond blonde rainbow
	colour color coloured colored colorful colourful reddish bluish greenish yellowish`,
	// German, Dutch
	`rot rote roter rotes roten rotem orangefarben gelb gelbe gelber gelbes gelben grün grüne grüner grünes grünen
	blau blaue blauer blaues blauen lila violett rosa braun braune brauner braunes braunen schwarz schwarze schwarzer
	schwarzes schwarzen weiß weiße weißer weißes weißen grau graue grauer graues grauen bunt bunte regenbogen
	rood rode oranje geel gele groen groene blauw blauwe paars paarse roze bruin bruine zwart zwarte wit witte grijs grijze`,
	// French, Spanish, Portuguese, Italian
	`rouge rouges jaune jaunes vert verte verts vertes bleu bleue bleus bleues violette rose roses marron brun brune
	noir noire noirs noires blanc blanche blancs blanches gris grise doré dorée argenté
	rojo roja rojos rojas naranja amarillo amarilla amarillos verde verdes azul azules morado morada violeta rosado rosada
	marrón negro negra negros negras blanco blanca blancos blancas dorado plateado
	vermelho vermelha laranja amarelo amarela azuis roxo roxa marrom castanho preto preta branco branca cinza cinzento
	rosso rossa rossi rosse arancione arancio giallo gialla gialli verdi blu azzurro azzurra viola marrone nero nera
	bianco bianca bianchi grigio grigia dorato`,
	// Swedish, Danish, Norwegian, Finnish
	`röd röda rött rød røde gul gula gule grön gröna grønn grøn blå lilla brun bruna svart svarta sort sorte vit vita hvit hvid
	grå punainen oranssi keltainen vihreä sininen violetti vaaleanpunainen ruskea musta valkoinen harmaa`,
	// Polish, Czech
	`czerwony czerwona czerwone pomarańczowy żółty żółta zielony zielona niebieski niebieska fioletowy różowy brązowy
	czarny czarna biały biała szary szara červený červená oranžový žlutý zelený modrý modrá fialový růžový hnědý černý bílý šedý`,
	// Russian, Ukrainian
	`красный красная красное красные оранжевый оранжевая желтый жёлтый желтая жёлтая зеленый зелёный зеленая зелёная зеленое зелёное
	синий синяя голубой голубая фиолетовый фиолетовая розовый розовая коричневый коричневая черный чёрный черная чёрная
	белый белая серый серая червоний червона червоне помаранчевий жовтий жовта зелений зелена синій синя блакитний фіолетовий
	рожевий коричневий чорний чорна білий біла сірий`,
	// Turkish, Hindi, Vietnamese, Indonesian
	`kırmızı turuncu sarı yeşil mavi mor pembe kahverengi siyah beyaz gri
	लाल नारंगी पीला पीली हरा हरी नीला नीली बैंगनी गुलाबी भूरा भूरी काला काली सफ़ेद सफेद
	đỏ cam vàng xanh tím hồng nâu đen trắng xám merah oranye jingga kuning hijau biru ungu coklat hitam putih`,
)
