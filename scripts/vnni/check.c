/* Compares the kernel with plain C and says how many cases differ, through Bochs's
   port 0xe9; then turns the machine off. */
typedef signed char i8;
typedef int i32;
typedef long i64;

extern void kernel(i32 *dst, i8 *query, i8 *block, i64 count, i64 n, i64 step);

static void port(unsigned short to, unsigned char c) { __asm__ volatile("outb %0, %1" ::"a"(c), "d"(to)); }

static void say(const char *text) {
	while (*text) port(0xe9, *text++);
}

static void number(i64 v) {
	char digits[24];
	int n = 0;
	if (v < 0) say("-"), v = -v;
	do digits[n++] = '0' + v % 10;
	while (v /= 10);
	while (n) port(0xe9, digits[--n]);
}

static unsigned long state = 88172645463325252UL;

static unsigned long draw(void) {
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static const i8 extremes[] = {-128, -127, -1, 0, 1, 127};
static const int lengths[] = {1, 2, 3, 31, 32, 63, 64, 65, 96, 127, 128, 129, 200, 255, 256, 257, 513};

enum { random, extreme, least, apart, kinds };

static i8 value(int kind, i8 odd) {
	switch (kind) {
	case extreme: return extremes[draw() % 6];
	case least: return odd;
	}
	return draw();
}

static int differs(int n, int count, int kind) {
	i8 *query = (i8 *)0x200000, *block = (i8 *)0x240000;
	i32 *dst = (i32 *)0x2c0000;
	const i32 untouched = -77;
	int step = kind == apart ? n + 5 : n, wrong = 0;
	for (int i = 0; i < n + 64; i++) query[i] = value(kind, -128);
	for (int i = 0; i < step * count + 64; i++) block[i] = value(kind, i & 1 ? -128 : 127);
	for (int r = 0; r < 16; r++) dst[r] = untouched;
	kernel(dst, query, block, count, n, step);
	for (int r = 0; r < 16; r++) {
		i32 want = r < count ? 0 : untouched;
		for (int i = 0; r < count && i < n; i++) want += (i32)query[i] * block[r * step + i];
		wrong |= dst[r] != want;
	}
	return wrong;
}

void check(void) {
	unsigned a = 7, b, c = 0, d;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	say("vnni "), number(c >> 11 & 1), say("\n");
	int cases = 0, wrong = 0;
	for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++)
		for (int count = 4; count <= 12; count += 4)
			for (int kind = 0; kind < kinds; kind++) cases++, wrong += differs(lengths[i], count, kind);
	number(cases), say(" cases, "), number(wrong), say(" differ\n");
	for (const char *p = "Shutdown"; *p; p++) port(0x8900, *p);
	for (;;) __asm__ volatile("hlt");
}
