# Writes zeroes. rdi = to, rsi = length.

    xor eax, eax
    pxor xmm0, xmm0
    cmp rsi, 16
    jb 4f
2:
    cmp rsi, 64
    jbe 3f
    movups [rdi], xmm0
    movups [rdi + 16], xmm0
    movups [rdi + 32], xmm0
    movups [rdi + 48], xmm0
    add rdi, 64
    sub rsi, 64
    jmp 2b
# 1 to 64 left, or all of 16 to 64.
3:
    cmp rsi, 16
    jbe 8f
    movups [rdi], xmm0
    add rdi, 16
    sub rsi, 16
    jmp 3b
# 1 to 16 left, with at least 16 - left written before, or exactly 16.
8:
    movups [rdi + rsi - 16], xmm0
    ret
4:
    cmp esi, 8
    jb 5f
    mov [rdi], rax
    mov [rdi + rsi - 8], rax
    ret
5:
    test esi, esi
    je 7f
6:
    mov [rdi], al
    inc rdi
    dec esi
    jne 6b
7:
    ret
