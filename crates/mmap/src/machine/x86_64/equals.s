# Compares. rdi, rsi = the two, rdx = length; eax = 0 if they are equal.

    cmp rdx, 16
    jb 4f
    cmp rdx, 32
    ja 9f
    movups xmm0, [rdi]
    movups xmm1, [rsi]
    movups xmm2, [rdi + rdx - 16]
    movups xmm3, [rsi + rdx - 16]
    pcmpeqb xmm0, xmm1
    pcmpeqb xmm2, xmm3
    pand xmm0, xmm2
    pmovmskb ecx, xmm0
    xor eax, eax
    sub ecx, 0xffff
    setne al
    ret
9:
    cmp rdx, 64
    ja 10f
    movups xmm0, [rdi]
    movups xmm1, [rsi]
    movups xmm2, [rdi + 16]
    movups xmm3, [rsi + 16]
    movups xmm4, [rdi + rdx - 32]
    movups xmm5, [rsi + rdx - 32]
    pcmpeqb xmm0, xmm1
    pcmpeqb xmm2, xmm3
    pcmpeqb xmm4, xmm5
    movups xmm1, [rdi + rdx - 16]
    movups xmm3, [rsi + rdx - 16]
    pcmpeqb xmm1, xmm3
    pand xmm0, xmm2
    pand xmm4, xmm1
    pand xmm0, xmm4
    pmovmskb ecx, xmm0
    xor eax, eax
    sub ecx, 0xffff
    setne al
    ret
10:
    lea r8, [rdx - 16]
    xor ecx, ecx
2:
    cmp rcx, r8
    jae 3f
    movups xmm0, [rdi + rcx]
    movups xmm1, [rsi + rcx]
    pcmpeqb xmm0, xmm1
    pmovmskb eax, xmm0
    cmp eax, 0xffff
    jne 8f
    add rcx, 16
    jmp 2b
3:
    movups xmm0, [rdi + r8]
    movups xmm1, [rsi + r8]
    pcmpeqb xmm0, xmm1
    pmovmskb eax, xmm0
    cmp eax, 0xffff
    jne 8f
    xor eax, eax
    ret
4:
    cmp edx, 8
    jb 5f
    mov rax, [rdi]
    xor rax, [rsi]
    mov rcx, [rdi + rdx - 8]
    xor rcx, [rsi + rdx - 8]
    or rax, rcx
    jne 8f
    ret
5:
    cmp edx, 4
    jb 6f
    mov eax, [rdi]
    xor eax, [rsi]
    mov ecx, [rdi + rdx - 4]
    xor ecx, [rsi + rdx - 4]
    or eax, ecx
    jne 8f
    ret
6:
    test edx, edx
    je 7f
    mov r8, rdx
    shr r8
    mov al, [rdi]
    xor al, [rsi]
    mov cl, [rdi + r8]
    xor cl, [rsi + r8]
    or al, cl
    mov cl, [rdi + rdx - 1]
    xor cl, [rsi + rdx - 1]
    or al, cl
    jne 8f
7:
    xor eax, eax
    ret
8:
    mov eax, {different}
    ret
