# Copies with what every processor has. rdi = to, rsi = from, rdx = length.
#
# Fewer than 32 go on in copy_short.s, at 2.

    cmp rdx, 32
    jb 2f
    cmp rdx, 64
    ja 21f
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + rdx - 32]
    movups xmm3, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + rdx - 32], xmm2
    movups [rdi + rdx - 16], xmm3
    xor eax, eax
    ret
# Long ones align their stores to 16 first, then 64 bytes a round, then the last 64 again.
21:
    cmp rdx, 256
    jb 8f
    movups xmm0, [rsi]
    movups [rdi], xmm0
    mov ecx, edi
    and ecx, 15
    mov eax, 16
    sub rax, rcx
    add rsi, rax
    add rdi, rax
    sub rdx, rax
    .p2align 5
8:
    movups xmm0, [rsi]
    movups xmm1, [rsi + 16]
    movups xmm2, [rsi + 32]
    movups xmm3, [rsi + 48]
    movups [rdi], xmm0
    movups [rdi + 16], xmm1
    movups [rdi + 32], xmm2
    movups [rdi + 48], xmm3
    add rsi, 64
    add rdi, 64
    sub rdx, 64
    cmp rdx, 64
    ja 8b
    movups xmm0, [rsi + rdx - 64]
    movups xmm1, [rsi + rdx - 48]
    movups xmm2, [rsi + rdx - 32]
    movups xmm3, [rsi + rdx - 16]
    movups [rdi + rdx - 64], xmm0
    movups [rdi + rdx - 48], xmm1
    movups [rdi + rdx - 32], xmm2
    movups [rdi + rdx - 16], xmm3
    xor eax, eax
    ret
