// Compares. x0, x1 = the two, x2 = length; w0 = 0 if they are equal.

    add x4, x0, x2
    add x5, x1, x2
    cmp x2, #8
    b.lo 4f
// Words forward while more than eight bytes are left, then the last eight.
2:
    cmp x2, #8
    b.ls 3f
    ldr x6, [x0], #8
    ldr x7, [x1], #8
    sub x2, x2, #8
    cmp x6, x7
    b.eq 2b
    b 8f
3:
    ldur x6, [x4, #-8]
    ldur x7, [x5, #-8]
    cmp x6, x7
    cset w0, ne
    ret
4:
    tbz x2, #2, 5f
    ldr w6, [x0]
    ldr w7, [x1]
    ldur w8, [x4, #-4]
    ldur w9, [x5, #-4]
    cmp w6, w7
    ccmp w8, w9, #0, eq
    cset w0, ne
    ret
5:
    cbz x2, 7f
    ldrb w6, [x0], #1
    ldrb w7, [x1], #1
    sub x2, x2, #1
    cmp w6, w7
    b.eq 5b
8:
    mov w0, {different}
    ret
7:
    mov w0, wzr
    ret
