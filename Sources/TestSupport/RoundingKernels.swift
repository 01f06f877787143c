import CKernels

/// Kernels with products of bfloat16 beside them: this processor's, or the twins on one that has none.
public var roundingKernels: UnsafePointer<ck_table> {
    ck_bfloat16_beside(ck_kernels()) == nil ? ck_twin_table() : ck_kernels()
}

/// ⟨a, b⟩ / (|a|·|b|); 1 where both are zero.
public func cosine(_ a: some Collection<Float>, _ b: some Collection<Float>) -> Double {
    var product = 0.0, squareA = 0.0, squareB = 0.0
    for (x, y) in zip(a, b) {
        product += Double(x) * Double(y)
        squareA += Double(x) * Double(x)
        squareB += Double(y) * Double(y)
    }
    return squareA == 0 && squareB == 0 ? 1 : product / (squareA * squareB).squareRoot()
}
