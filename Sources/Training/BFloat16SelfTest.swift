import CKernels
import Hashes

/// What the products of bfloat16 make of fixed numbers, as one hash: rounding with its ties, sums that are
/// flushed, an odd depth.
enum BFloat16SelfTest {
    private static let rows = 37, depth = 301, columns = 53

    /// The first sixteen hexadecimal digits of the SHA-256 of everything computed.
    static func hash(_ kernels: UnsafePointer<ck_bfloat16_table>) -> String {
        var hash = SHA256()
        // Sums of the second scale pass among subnormal numbers, which become 0.
        for scale in [Float(1), 0x1p-64] {
            let a = numbers(rows * depth, stream: 1, scale)
            let b = numbers(depth * columns, stream: 2, scale)
            for result in [multiplied(kernels, a, b), multipliedTransposed(kernels, a, b)] {
                result.withUnsafeBytes { hash.update($0) }
            }
        }
        return String(hash.finish().prefix(16))
    }

    /// Twelve significant bits in −4 … 4: some lie between two of bfloat16, some at a tie.
    private static func numbers(_ count: Int, stream: UInt64, _ scale: Float) -> [Float] {
        (0..<count).map {
            let bits = ck_philox_u64(3, stream, UInt64($0))
            return (Float(bits >> 52) * 0x1p-9 - 4) * scale
        }
    }

    private static func multiplied(
        _ kernels: UnsafePointer<ck_bfloat16_table>, _ a: [Float], _ b: [Float]
    ) -> [Float] {
        var packed = [UInt32](repeating: 0, count: ck_bfloat16_packed_count(columns, depth))
        var result = [Float](repeating: 0, count: rows * columns)
        var product = ck_product(
            rows: rows, columns: columns, depth: depth, c_stride: columns, a_stride: depth,
            b_stride: 0, store: CK_OVERWRITE, ahead: ck_ahead())
        kernels.pointee.pack(&packed, b, columns, columns, depth)
        kernels.pointee.multiply(&result, a, packed, &product)
        return result
    }

    /// The same numbers, taken as aᵀ[depth, rows].
    private static func multipliedTransposed(
        _ kernels: UnsafePointer<ck_bfloat16_table>, _ a: [Float], _ b: [Float]
    ) -> [Float] {
        var result = [Float](repeating: 0, count: rows * columns)
        var product = ck_product(
            rows: rows, columns: columns, depth: depth, c_stride: columns, a_stride: rows,
            b_stride: columns, store: CK_OVERWRITE, ahead: ck_ahead())
        kernels.pointee.multiply_transposed(&result, a, b, &product)
        return result
    }
}
