import CKernels
import Tensors

/// Kernels with products of bfloat16 beside them: this processor's, or the twins on one that has none.
public var roundingKernels: UnsafePointer<ck_table> {
    ck_bfloat16_beside(ck_kernels()) == nil ? ck_twin_table() : ck_kernels()
}

/// The orders in which ``roundingKernels`` sum, but for the twins the shorter one.
public var roundingOrders: [BFloat16Order] {
    let found = BFloat16Order.allCases.filter { $0.products(beside: ck_kernels()) != nil }
    return found.isEmpty ? [.pairs] : found
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
