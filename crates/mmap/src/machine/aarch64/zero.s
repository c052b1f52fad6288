// Writes zeroes. x0 = to, x1 = length.

    movi v0.2d, #0
    add x5, x0, x1
    cmp x1, #16
    b.lo 4f
2:
    cmp x1, #16
    b.ls 3f
    str q0, [x0], #16
    sub x1, x1, #16
    b 2b
3:
    stur q0, [x5, #-16]
    mov w0, wzr
    ret
4:
    cbz x1, 5f
    strb wzr, [x0], #1
    sub x1, x1, #1
    b 4b
5:
    mov w0, wzr
    ret
