# What the boot sector calls, and the way from C to the kernel's calling convention:
# all arguments on the stack, no register kept.
.text
.globl start, kernel
start:
	jmp	check
kernel:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	subq	$48, %rsp
	movq	%rdi, (%rsp)
	movq	%rsi, 8(%rsp)
	movq	%rdx, 16(%rsp)
	movq	%rcx, 24(%rsp)
	movq	%r8, 32(%rsp)
	movq	%r9, 40(%rsp)
	leaq	code(%rip), %rax
	call	*%rax
	addq	$48, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
.balign 64
code:
	.incbin	"kernel.bin"
