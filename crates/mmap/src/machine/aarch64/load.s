// Loads eight bytes. x0 = from.

    ldr x0, [x0]
    mov x1, xzr
    ret
