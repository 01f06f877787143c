import CKernels
import Tensors

/// Initial values as a pure function of (seed, tensor name, element index), equal on every processor.
public enum InitialValues {
    /// The elements of the tensor in storage order; `tensorName` is its full name, group included,
    /// so that two networks with equal layers begin differently.
    public static func values(
        of declaration: ParameterDeclaration, seed: UInt64, tensorName: String
    ) -> [Float] {
        values(by: declaration.initialiser, of: declaration, seed: seed, stream: hash(tensorName))
    }

    private static func values(
        by initialiser: Initialiser, of declaration: ParameterDeclaration, seed: UInt64,
        stream: UInt64
    ) -> [Float] {
        let count = declaration.count
        switch initialiser {
        case .zeros:
            return [Float](repeating: 0, count: count)
        case .constant(let value):
            return [Float](repeating: value, count: count)
        case .truncatedNormal(let deviation):
            return (0..<count).map {
                Float(truncatedNormal(seed, stream, UInt64($0)) * Double(deviation))
            }
        case .xavierUniform:
            let (fanIn, fanOut) = fans(of: declaration)
            let limit = (6 / Double(fanIn + fanOut)).squareRoot()
            return (0..<count).map {
                Float((2 * ck_philox_uniform_f64(seed, stream, UInt64($0)) - 1) * limit)
            }
        case .fanInUniform:
            let limit = 1 / Double(fans(of: declaration).in).squareRoot()
            return (0..<count).map {
                Float((2 * ck_philox_uniform_f64(seed, stream, UInt64($0)) - 1) * limit)
            }
        case .heNormal:
            let deviation = (2 / Double(fans(of: declaration).in)).squareRoot()
            return (0..<count).map {
                Float(ck_philox_normal_f64(seed, stream, UInt64($0)) * deviation)
            }
        case .centreTap(let inner):
            var drawn = values(by: inner, of: declaration, seed: seed, stream: stream)
            let taps = kernelTaps(of: declaration)
            for index in drawn.indices where index % taps != taps / 2 { drawn[index] = 0 }
            return drawn
        }
    }

    /// A standard normal redrawn beyond two deviations; attempt a of element i is draw a · 2⁴⁸ + i.
    private static func truncatedNormal(
        _ seed: UInt64, _ stream: UInt64, _ index: UInt64
    ) -> Double {
        var draw = index
        while true {
            let x = ck_philox_normal_f64(seed, stream, draw)
            if abs(x) <= 2 { return x }
            draw &+= 1 << 48
        }
    }

    /// Inputs and outputs that one output and one input of a convolution are connected to.
    private static func fans(of declaration: ParameterDeclaration) -> (in: Int, out: Int) {
        let shape = declaration.shape, taps = kernelTaps(of: declaration)
        return (shape[1] * taps, shape[0] * taps)
    }

    private static func kernelTaps(of declaration: ParameterDeclaration) -> Int {
        let shape = declaration.shape
        precondition(shape.count == 4, "\(declaration.name) of shape \(shape) has no kernel")
        return shape[2] * shape[3]
    }

    /// FNV-1a, 64 bits.
    private static func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
