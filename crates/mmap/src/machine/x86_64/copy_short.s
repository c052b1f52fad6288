# Copies fewer than 32 bytes: the end of both copies. rdi = to, rsi = from, rdx = length.

2:
    cmp edx, 16
    jb 4f
    movups xmm0, [rsi]
    movups xmm1, [rsi + rdx - 16]
    movups [rdi], xmm0
    movups [rdi + rdx - 16], xmm1
    xor eax, eax
    ret
# Fewer than 16.
4:
    cmp edx, 8
    jb 5f
    mov rax, [rsi]
    mov rcx, [rsi + rdx - 8]
    mov [rdi], rax
    mov [rdi + rdx - 8], rcx
    xor eax, eax
    ret
5:
    cmp edx, 4
    jb 6f
    mov eax, [rsi]
    mov ecx, [rsi + rdx - 4]
    mov [rdi], eax
    mov [rdi + rdx - 4], ecx
    xor eax, eax
    ret
# 0 to 3: first, middle and last byte.
6:
    test edx, edx
    je 7f
    mov r8, rdx
    shr r8
    movzx eax, byte ptr [rsi]
    movzx r9d, byte ptr [rsi + r8]
    movzx ecx, byte ptr [rsi + rdx - 1]
    mov [rdi], al
    mov [rdi + r8], r9b
    mov [rdi + rdx - 1], cl
7:
    xor eax, eax
    ret
# lie. The fence at the end is what makes it a copy like the other: its stores are not otherwise in order.
