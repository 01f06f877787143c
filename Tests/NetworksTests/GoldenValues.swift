import Tensors

/// The formulas of `Golden/make_golden.py`, equal to the bit.
enum GoldenValues {
    static var directory: String {
        let file = #filePath
        return file[..<file.lastIndex(of: "/")!] + "/Golden"
    }

    /// Uniform in [0, 1): SplitMix64 of FNV-1a(name) + index, its upper 24 bits.
    static func uniform(_ name: String, count: Int) -> [Double] {
        let start = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        return (1...UInt64(count)).map { index in
            var z = start &+ index &* 0x9e37_79b9_7f4a_7c15
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            z ^= z >> 31
            return Double(z >> 40) / Double(1 << 24)
        }
    }

    static func signed(_ name: String, count: Int, scale: Double = 1) -> [Float] {
        uniform(name, count: count).map { Float(($0 * 2 - 1) * scale) }
    }

    static func parameter(_ declaration: ParameterDeclaration) -> [Float] {
        let u = uniform(declaration.name, count: declaration.count)
        let shape = declaration.shape
        if shape.count == 4 {
            let scale = (3 / Double(shape[1] * shape[2] * shape[3])).squareRoot()
            return u.map { Float(($0 * 2 - 1) * scale) }
        }
        let last = declaration.name.split(separator: ".").last
        return last == "weight" || last == "running_var"
            ? u.map { Float(0.5 + $0) } : u.map { Float(($0 * 2 - 1) * 0.25) }
    }

    /// One rectangle per image and channel ≥ 1; channel 0 is what none covers.
    static func boxes(_ shape: Shape) -> [Float] {
        var masks = [Float](repeating: 0, count: shape.count)
        func index(_ n: Int, _ y: Int, _ x: Int) -> Int {
            ((n * shape.height + y) * shape.width + x) * shape.channels
        }
        for n in 0..<shape.batch {
            for c in 1..<shape.channels {
                let top = (n * 5 + c * 7) % (shape.height - 4)
                let left = (n * 11 + c * 3) % (shape.width - 6)
                for y in top..<min(top + 4 + 3 * c, shape.height) {
                    for x in left..<min(left + 5 + 2 * c, shape.width) {
                        masks[index(n, y, x) + c] = 1
                    }
                }
            }
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    let first = index(n, y, x)
                    let covered = masks[first + 1..<first + shape.channels].contains(1)
                    masks[first] = covered ? 0 : 1
                }
            }
        }
        return masks
    }
}
