# The boot sector: loads SECTORS sectors behind it to 0x10000, switches to 64 bits
# with AVX-512 on, and calls what it loaded.
.code16
.globl _start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movb	%dl, drive
	sti
	movw	$SECTORS, %si
	movw	$1, %di			# sector of the disk
	movw	$0x1000, %bx		# segment to load it to
read:
	movw	%bx, %es
	movw	%di, %ax
	xorw	%dx, %dx
	movw	$18, %cx		# sectors a track
	divw	%cx
	movb	%dl, %cl
	incb	%cl
	movb	%al, %dh
	andb	$1, %dh
	shrw	$1, %ax
	movb	%al, %ch
	movb	drive, %dl
	pushw	%bx
	xorw	%bx, %bx
	movw	$0x0201, %ax
	int	$0x13
	popw	%bx
	jc	stop
	addw	$0x20, %bx
	incw	%di
	decw	%si
	jnz	read

	cli
	inb	$0x92, %al		# address line 20
	orb	$2, %al
	outb	%al, $0x92
	lgdt	table
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$8, $protected
stop:
	hlt
	jmp	stop

.code32
protected:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x90000, %esp
	# The first gigabyte as it is, in pages of 2 MiB.
	movl	$0x70000, %edi
	xorl	%eax, %eax
	movl	$0xc00, %ecx
	rep stosl
	movl	$0x71003, 0x70000
	movl	$0x72003, 0x71000
	movl	$0x72000, %edi
	movl	$0x83, %eax
	movl	$512, %ecx
page:
	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	page
	movl	$0x70000, %eax
	movl	%eax, %cr3
	movl	%cr4, %eax
	orl	$0x40620, %eax		# PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x100, %eax		# long mode
	wrmsr
	movl	%cr0, %eax
	andl	$0xfffffffb, %eax
	orl	$0x80000002, %eax
	movl	%eax, %cr0
	ljmpl	$24, $long

.code64
long:
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movl	$0xe7, %eax		# all of AVX-512's state
	xsetbv
	movl	$0x10000, %eax
	call	*%rax

.balign 8
segments:
	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00af9a000000ffff
table:
	.word	31
	.long	segments
drive:
	.byte	0
.org 510
	.word	0xaa55
