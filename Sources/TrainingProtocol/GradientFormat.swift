/// How the elements of a weight gradient travel: rounded at every node of the tree, so that the bits
/// do not depend on who computes which node.
package enum GradientFormat: UInt8, CaseIterable, Hashable, Sendable {
    case float32 = 1
    /// The upper half of a float32, rounded to nearest, ties to even.
    case bfloat16 = 2

    /// What this format is for a group: sums of statistics stay float32.
    package func applied(to group: Group) -> GradientFormat {
        group.rule == .descent ? self : .float32
    }

    /// Bytes of an element on the wire.
    package var elementByteCount: Int {
        switch self {
        case .float32: 4
        case .bfloat16: 2
        }
    }

    /// A finite value as a node of the tree keeps it.
    package func rounded(_ value: Float) -> Float {
        switch self {
        case .float32: value
        case .bfloat16: Float(bitPattern: UInt32(Self.upperHalf(of: value)) << 16)
        }
    }

    /// Of a value that is not a number too: it stays one.
    fileprivate static func upperHalf(of value: Float) -> UInt16 {
        let bits = value.bitPattern
        guard !value.isNaN else { return UInt16(bits >> 16) | 0x40 }
        return UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    }
}

extension Frame {
    /// For small frames, since it goes element by element.
    package convenience init(gradient: some Collection<Float>, as format: GradientFormat) {
        switch format {
        case .float32: self.init(floats: gradient)
        case .bfloat16:
            self.init(byteCount: 2 * gradient.count) { memory in
                for (index, value) in gradient.enumerated() {
                    memory.storeBytes(
                        of: GradientFormat.upperHalf(of: value).littleEndian,
                        toByteOffset: 2 * index, as: UInt16.self)
                }
            }
        }
    }

    /// The elements of a gradient; for small frames, since it copies.
    package func gradient(as format: GradientFormat) -> [Float] {
        switch format {
        case .float32: floats
        case .bfloat16:
            (0..<byteCount / 2).map {
                let half = bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)
                return Float(bitPattern: UInt32(UInt16(littleEndian: half)) << 16)
            }
        }
    }
}
