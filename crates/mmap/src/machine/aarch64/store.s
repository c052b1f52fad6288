// Stores eight bytes. x0 = to, x1 = value.

    str x1, [x0]
    mov w0, wzr
    ret
