// Copies. x0 = to, x1 = from, x2 = length.

    cmp x2, #16
    b.lo 4f
    cmp x2, #32
    b.hi 2f
    add x4, x1, x2
    add x5, x0, x2
    ldr q0, [x1]
    ldur q1, [x4, #-16]
    str q0, [x0]
    stur q1, [x5, #-16]
    mov w0, wzr
    ret
// More than 32: 64 bytes a round, then the last 64 again, or as many as there are.
2:
    add x4, x1, x2
    add x5, x0, x2
    cmp x2, #64
    b.hi 3f
    ldp q0, q1, [x1]
    ldp q2, q3, [x4, #-32]
    stp q0, q1, [x0]
    stp q2, q3, [x5, #-32]
    mov w0, wzr
    ret
3:
    ldp q0, q1, [x1], #32
    ldp q2, q3, [x1], #32
    stp q0, q1, [x0], #32
    stp q2, q3, [x0], #32
    sub x2, x2, #64
    cmp x2, #64
    b.hi 3b
    ldp q0, q1, [x4, #-64]
    ldp q2, q3, [x4, #-32]
    stp q0, q1, [x5, #-64]
    stp q2, q3, [x5, #-32]
    mov w0, wzr
    ret
// Fewer than 16.
4:
    add x4, x1, x2
    add x5, x0, x2
    tbz x2, #3, 5f
    ldr x6, [x1]
    ldur x7, [x4, #-8]
    str x6, [x0]
    stur x7, [x5, #-8]
    mov w0, wzr
    ret
5:
    tbz x2, #2, 6f
    ldr w6, [x1]
    ldur w7, [x4, #-4]
    str w6, [x0]
    stur w7, [x5, #-4]
    mov w0, wzr
    ret
// 0 to 3: first, middle and last byte.
6:
    cbz x2, 7f
    lsr x3, x2, #1
    ldrb w6, [x1]
    ldrb w7, [x1, x3]
    ldurb w8, [x4, #-1]
    strb w6, [x0]
    strb w7, [x0, x3]
    sturb w8, [x5, #-1]
7:
    mov w0, wzr
    ret
