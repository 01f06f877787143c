/// Outlines of synthetic objects, in coordinates where the object reaches from −1 to 1.
enum SyntheticShape: CaseIterable, Sendable {
    case disc, square, star, triangle, ring, cross, lens

    func contains(_ u: Double, _ v: Double) -> Bool {
        let squaredRadius = u * u + v * v
        guard squaredRadius <= 1 else { return false }
        switch self {
        case .disc: return squaredRadius <= 0.81
        case .square: return max(abs(u), abs(v)) <= 0.7
        case .star: return SyntheticShape.star(u, v)
        case .triangle:
            return v <= 0.55 && SyntheticShape.halfRootThree * abs(u) - 0.5 * v <= 0.5
        case .ring: return squaredRadius <= 0.9 && squaredRadius >= 0.22
        case .cross:
            return (abs(u) <= 0.3 && abs(v) <= 0.9) || (abs(v) <= 0.3 && abs(u) <= 0.9)
        case .lens:
            let below = u * u + (v + 0.6) * (v + 0.6)
            let above = u * u + (v - 0.6) * (v - 0.6)
            return below <= 1.21 && above <= 1.21
        }
    }

    private static let halfRootThree = 0.8660254037844386

    /// Cosine and sine of 0, 72, 144, 216 and 288 degrees.
    private static let fifths: [SIMD2<Double>] = [
        [1, 0], [0.30901699437494745, 0.9510565162951535],
        [-0.8090169943749475, 0.5877852522924731], [-0.8090169943749475, -0.5877852522924731],
        [0.30901699437494745, -0.9510565162951535],
    ]

    /// A five-pointed star: the points that lie within at least four of its five edge lines.
    private static func star(_ u: Double, _ v: Double) -> Bool {
        var outside = 0
        for normal in fifths where u * normal[0] + v * normal[1] > 0.36 { outside += 1 }
        return outside <= 1
    }
}

/// Surfaces of synthetic objects.
enum SyntheticTexture: CaseIterable, Sendable {
    case stripes, checks, dots, plain, marble

    /// How far a point is from the first colour (0) to the second (1); `u` and `v` count periods.
    func blend(_ u: Double, _ v: Double, marble: Double) -> Double {
        switch self {
        case .stripes: return SyntheticTexture.edge(SyntheticTexture.triangleWave(u))
        case .checks:
            let a = SyntheticTexture.edge(SyntheticTexture.triangleWave(u))
            let b = SyntheticTexture.edge(SyntheticTexture.triangleWave(v))
            return a + b - 2 * a * b
        case .dots:
            let x = u - u.rounded(.down) - 0.5
            let y = v - v.rounded(.down) - 0.5
            return SyntheticTexture.edge(1.1 - 2 * (x * x + y * y).squareRoot() * 1.25)
        case .plain: return 0.25 * marble
        case .marble: return SyntheticTexture.edge(marble)
        }
    }

    /// From 0 to 1 and back in one period.
    private static func triangleWave(_ x: Double) -> Double {
        abs(2 * (x - x.rounded(.down)) - 1)
    }

    /// A soft step at one half.
    private static func edge(_ x: Double) -> Double { min(max((x - 0.5) * 5 + 0.5, 0), 1) }
}

/// The classes of the synthetic set: each is a shape with a texture, and no shape and no texture
/// belongs to one class alone.
struct SyntheticClass: Sendable {
    let name: String
    let shape: SyntheticShape
    let texture: SyntheticTexture
    /// Usual colour as a hue in 0..<1.
    let hue: Double

    static let all: [SyntheticClass] = [
        SyntheticClass(name: "drum", shape: .disc, texture: .stripes, hue: 0.02),
        SyntheticClass(name: "biscuit", shape: .disc, texture: .dots, hue: 0.11),
        SyntheticClass(name: "crate", shape: .square, texture: .stripes, hue: 0.32),
        SyntheticClass(name: "board", shape: .square, texture: .checks, hue: 0.55),
        SyntheticClass(name: "star", shape: .star, texture: .dots, hue: 0.7),
        SyntheticClass(name: "kite", shape: .triangle, texture: .checks, hue: 0.87),
        SyntheticClass(name: "wreath", shape: .ring, texture: .stripes, hue: 0.42),
        SyntheticClass(name: "cross", shape: .cross, texture: .dots, hue: 0.2),
    ]

    /// Whether a shape with a texture is one of the classes.
    static func isClass(_ shape: SyntheticShape, _ texture: SyntheticTexture) -> Bool {
        all.contains { $0.shape == shape && $0.texture == texture }
    }
}
