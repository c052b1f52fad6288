# Copies with AVX. rdi = to, rsi = from, rdx = length.
#
# 32 and more: first and last half, twice as many registers with every doubling. Fewer go on in copy_short.s, at 2.

    cmp rdx, 32
    jb 2f
    cmp rdx, 64
    ja 3f
    vmovups ymm0, [rsi]
    vmovups ymm1, [rsi + rdx - 32]
    vmovups [rdi], ymm0
    vmovups [rdi + rdx - 32], ymm1
    vzeroupper
    xor eax, eax
    ret
    .p2align 4
3:
    cmp rdx, 128
    ja 9f
    vmovups ymm0, [rsi]
    vmovups ymm1, [rsi + 32]
    vmovups ymm2, [rsi + rdx - 64]
    vmovups ymm3, [rsi + rdx - 32]
    vmovups [rdi], ymm0
    vmovups [rdi + 32], ymm1
    vmovups [rdi + rdx - 64], ymm2
    vmovups [rdi + rdx - 32], ymm3
    vzeroupper
    xor eax, eax
    ret
    .p2align 4
9:
    cmp rdx, 256
    ja 10f
    vmovups ymm0, [rsi]
    vmovups ymm1, [rsi + 32]
    vmovups ymm2, [rsi + 64]
    vmovups ymm3, [rsi + 96]
    vmovups ymm4, [rsi + rdx - 128]
    vmovups ymm5, [rsi + rdx - 96]
    vmovups ymm6, [rsi + rdx - 64]
    vmovups ymm7, [rsi + rdx - 32]
    vmovups [rdi], ymm0
    vmovups [rdi + 32], ymm1
    vmovups [rdi + 64], ymm2
    vmovups [rdi + 96], ymm3
    vmovups [rdi + rdx - 128], ymm4
    vmovups [rdi + rdx - 96], ymm5
    vmovups [rdi + rdx - 64], ymm6
    vmovups [rdi + rdx - 32], ymm7
    vzeroupper
    xor eax, eax
    ret
# More than 256: stores aligned to 32, 128 bytes a round, then the last 128 again.
    .p2align 4
10:
    vmovups ymm0, [rsi]
    vmovups [rdi], ymm0
    mov ecx, edi
    and ecx, 31
    mov eax, 32
    sub rax, rcx
    add rsi, rax
    add rdi, rax
    sub rdx, rax
    .p2align 5
11:
    vmovups ymm0, [rsi]
    vmovups ymm1, [rsi + 32]
    vmovups ymm2, [rsi + 64]
    vmovups ymm3, [rsi + 96]
    sub rsi, -128
    vmovaps [rdi], ymm0
    vmovaps [rdi + 32], ymm1
    vmovaps [rdi + 64], ymm2
    vmovaps [rdi + 96], ymm3
    sub rdi, -128
    add rdx, -128
    cmp rdx, 128
    ja 11b
    vmovups ymm0, [rsi + rdx - 128]
    vmovups ymm1, [rsi + rdx - 96]
    vmovups ymm2, [rsi + rdx - 64]
    vmovups ymm3, [rsi + rdx - 32]
    vmovups [rdi + rdx - 128], ymm0
    vmovups [rdi + rdx - 96], ymm1
    vmovups [rdi + rdx - 64], ymm2
    vmovups [rdi + rdx - 32], ymm3
    vzeroupper
    xor eax, eax
    ret
