/// How hard the synthetic set is.
public enum SyntheticDifficulty: String, Hashable, Sendable, Codable, CaseIterable {
    /// Objects nearly always have the colour of their class; few distractors.
    case easy
    /// Colour is a hint; distractors have the shapes and textures of classes, never both.
    case medium
    /// Colour says nothing; many distractors, low contrast, noise.
    case hard

    var colourHint: Double { self == .easy ? 0.95 : self == .medium ? 0.6 : 0 }
    var distractors: ClosedRange<Int> { self == .easy ? 0...2 : self == .medium ? 2...4 : 4...7 }
    var contrast: Double { self == .hard ? 0.3 : 0.42 }
    var noise: Double { self == .easy ? 0.02 : self == .medium ? 0.04 : 0.07 }
}

/// One thing in a scene: an object of a class, or a distractor that counts as background.
struct SyntheticObject: Sendable {
    /// 0 for a distractor.
    let classIndex: Int
    let shape: SyntheticShape
    let texture: SyntheticTexture
    let centre: SIMD2<Double>
    let radius: Double
    /// Cosine and sine of its rotation.
    let rotation: SIMD2<Double>
    let period: Double
    let colours: (SyntheticColour, SyntheticColour)

    /// A point of the image in the object's own pixels.
    func local(_ point: SIMD2<Double>) -> SIMD2<Double> {
        let d = point - centre
        return SIMD2(
            d[0] * rotation[0] + d[1] * rotation[1], d[1] * rotation[0] - d[0] * rotation[1])
    }

    func contains(_ point: SIMD2<Double>) -> Bool {
        let d = point - centre
        guard d[0] * d[0] + d[1] * d[1] <= radius * radius else { return false }
        let place = local(point) / radius
        return shape.contains(place[0], place[1])
    }
}

/// A picture with its truth.
package struct SyntheticPicture: Sendable {
    package let image: RGBImage
    package let labels: LabelMap
    /// Number of the object at each pixel from 1, 0 background, 255 void.
    package let objects: LabelMap
    package let boxes: [BoundingBox]
}

/// Textured shapes on textured ground: a pure function of seed, number, size, classes and
/// difficulty.
///
/// No libm: rotations are rational, textures piecewise linear.
package struct SyntheticScene: Sendable {
    let size: PixelSize
    let difficulty: SyntheticDifficulty
    let objects: [SyntheticObject]
    let ground: SyntheticGround
    private let marble: SyntheticNoise
    private let light: SIMD2<Double>
    private var stream: RandomStream

    package init(
        seed: UInt64, number: UInt64, size: PixelSize, classCount: Int,
        difficulty: SyntheticDifficulty
    ) {
        var stream = RandomStream(seed: seed, purpose: .synthesis, number)
        self.size = size
        self.difficulty = difficulty
        ground = SyntheticGround(size: size, stream: &stream)
        marble = SyntheticNoise(size: size, spacing: 12, octaves: 3, stream: &stream)
        light = SyntheticScene.rotation(&stream)
        objects = SyntheticScene.place(
            size: size, classCount: classCount, difficulty: difficulty, stream: &stream)
        self.stream = stream
    }

    /// A unit vector of any direction: (1 − t², 2t)/(1 + t²), turned by quarters.
    static func rotation(_ stream: inout RandomStream) -> SIMD2<Double> {
        let t = stream.uniform(in: -0.4142135623730951...0.4142135623730951)
        let vector = SIMD2(1 - t * t, 2 * t) / (1 + t * t)
        switch stream.below(4) {
        case 0: return vector
        case 1: return SIMD2(-vector[1], vector[0])
        case 2: return -vector
        default: return SIMD2(vector[1], -vector[0])
        }
    }

    private static func place(
        size: PixelSize, classCount: Int, difficulty: SyntheticDifficulty,
        stream: inout RandomStream
    ) -> [SyntheticObject] {
        let range = difficulty.distractors
        let distractors = range.lowerBound + stream.below(range.count)
        let members = 2 + stream.below(3)
        var kinds = (0..<members).map { _ in 1 + stream.below(classCount) }
        kinds += [Int](repeating: 0, count: distractors)
        var placed: [SyntheticObject] = []
        for kind in kinds {
            let extent = Double(min(size.height, size.width))
            for _ in 0..<12 {
                let radius = extent * stream.uniform(in: 0.13...(kind > 0 ? 0.29 : 0.22))
                let centre = SIMD2(
                    stream.uniform(in: 0...Double(size.width)),
                    stream.uniform(in: 0...Double(size.height)))
                let isFree = placed.allSatisfy {
                    let d = $0.centre - centre
                    let reach = 0.62 * ($0.radius + radius)
                    return d[0] * d[0] + d[1] * d[1] >= reach * reach
                }
                guard isFree else { continue }
                placed.append(
                    object(
                        kind: kind, centre: centre, radius: radius, difficulty: difficulty,
                        stream: &stream))
                break
            }
        }
        for last in stride(from: placed.count - 1, to: 0, by: -1) {
            placed.swapAt(last, stream.below(last + 1))
        }
        return placed
    }

    private static func object(
        kind: Int, centre: SIMD2<Double>, radius: Double, difficulty: SyntheticDifficulty,
        stream: inout RandomStream
    ) -> SyntheticObject {
        var shape = SyntheticShape.lens
        var texture = SyntheticTexture.plain
        var hue = stream.uniform()
        if kind > 0 {
            let member = SyntheticClass.all[kind - 1]
            shape = member.shape
            texture = member.texture
            if stream.uniform() < difficulty.colourHint {
                hue = member.hue + stream.uniform(in: -0.05...0.05)
            }
        } else {
            repeat {
                shape = SyntheticShape.allCases[stream.below(SyntheticShape.allCases.count)]
                texture = SyntheticTexture.allCases[stream.below(SyntheticTexture.allCases.count)]
            } while SyntheticClass.isClass(shape, texture)
        }
        let value = stream.uniform(in: 0.6...0.95)
        let bright = SyntheticPaint.colour(
            hue: hue, saturation: stream.uniform(in: 0.35...0.85), value: value)
        let dark = SyntheticPaint.colour(
            hue: hue + stream.uniform(in: -0.08...0.08),
            saturation: stream.uniform(in: 0.2...0.7), value: value - difficulty.contrast)
        return SyntheticObject(
            classIndex: kind, shape: shape, texture: texture, centre: centre, radius: radius,
            rotation: rotation(&stream), period: radius * stream.uniform(in: 0.36...0.5),
            colours: stream.below(2) == 0 ? (bright, dark) : (dark, bright))
    }

    /// Number of the topmost object at a point, from 0, or nil for the ground.
    private func top(at point: SIMD2<Double>) -> Int? {
        objects.indices.last { objects[$0].contains(point) }
    }

    private func colour(of top: Int?, at point: SIMD2<Double>) -> SyntheticColour {
        let grain = marble.value(point[0], point[1])
        var colour: SyntheticColour
        if let top {
            let object = objects[top]
            let place = object.local(point)
            let periods = place / object.period
            let blend = object.texture.blend(periods[0], periods[1], marble: grain)
            colour = SyntheticPaint.mix(object.colours.0, object.colours.1, blend)
            let d = (point - object.centre) / object.radius
            let towardsLight = d[0] * light[0] + d[1] * light[1]
            colour *= 1 + 0.22 * towardsLight + 0.12 * (grain - 0.5)
        } else {
            colour = ground.colour(at: point)
        }
        let shadow = point + light * 0.03 * Double(size.width)
        let above = objects.indices.last { objects[$0].contains(shadow) }
        if let above, above > top ?? -1 { colour *= 0.62 }
        return colour
    }

    /// Four samples a pixel: their mean is its colour; where they belong to different classes or
    /// objects it is void.
    package func render() -> SyntheticPicture {
        var noise = stream
        var pixels = [UInt8](repeating: 0, count: size.count * 3)
        var labels = [UInt8](repeating: 0, count: size.count)
        var numbers = [UInt8](repeating: 0, count: size.count)
        var extents = [PixelExtent](repeating: PixelExtent(), count: objects.count)
        for y in 0..<size.height {
            for x in 0..<size.width {
                let position = y * size.width + x
                var sum = SyntheticColour()
                var seen: [Int] = []
                for quarter in 0..<4 {
                    let point = SIMD2(
                        Double(x) + 0.25 + 0.5 * Double(quarter & 1),
                        Double(y) + 0.25 + 0.5 * Double(quarter >> 1))
                    let top = top(at: point)
                    sum += colour(of: top, at: point)
                    let member = top.flatMap { objects[$0].classIndex > 0 ? $0 : nil }
                    if let member { extents[member].include(x: x, y: y) }
                    seen.append(member.map { $0 + 1 } ?? 0)
                }
                let isPure = seen.allSatisfy { $0 == seen[0] }
                numbers[position] = isPure ? UInt8(seen[0]) : LabelMap.void
                labels[position] =
                    !isPure
                    ? LabelMap.void : seen[0] == 0 ? 0 : UInt8(objects[seen[0] - 1].classIndex)
                let grain = difficulty.noise * (2 * noise.uniform() - 1)
                for channel in 0..<3 {
                    let value = min(max(sum[channel] / 4 + grain, 0), 1)
                    pixels[position * 3 + channel] = UInt8(value * 255 + 0.5)
                }
            }
        }
        return picture(pixels: pixels, labels: labels, numbers: numbers, extents: extents)
    }

    /// Leaves out objects of which nothing shows and numbers the others from 1.
    private func picture(
        pixels: [UInt8], labels: [UInt8], numbers: [UInt8], extents: [PixelExtent]
    ) -> SyntheticPicture {
        let shown = Set(numbers).subtracting([0, LabelMap.void]).sorted()
        var renumbered = [UInt8](repeating: 0, count: 256)
        renumbered[Int(LabelMap.void)] = LabelMap.void
        for (position, number) in shown.enumerated() {
            renumbered[Int(number)] = UInt8(position + 1)
        }
        return SyntheticPicture(
            image: RGBImage(size: size, pixels: pixels),
            labels: LabelMap(size: size, labels: labels),
            objects: LabelMap(size: size, labels: numbers.map { renumbered[Int($0)] }),
            boxes: shown.map { number in
                extents[Int(number) - 1].box(classIndex: objects[Int(number) - 1].classIndex)
            })
    }
}

/// The ground: two colours mixed by coarse noise, over it faint stripes or checks.
struct SyntheticGround: Sendable {
    private let noise: SyntheticNoise
    private let colours: (SyntheticColour, SyntheticColour)
    private let rotation: SIMD2<Double>
    private let period: Double
    private let texture: SyntheticTexture
    private let strength: Double

    init(size: PixelSize, stream: inout RandomStream) {
        noise = SyntheticNoise(
            size: size, spacing: Double(size.width) / 3, octaves: 5, stream: &stream)
        let hue = stream.uniform()
        colours = (
            SyntheticPaint.colour(
                hue: hue, saturation: stream.uniform(in: 0.1...0.5),
                value: stream.uniform(in: 0.55...0.85)),
            SyntheticPaint.colour(
                hue: hue + stream.uniform(in: -0.25...0.25),
                saturation: stream.uniform(in: 0.1...0.5), value: stream.uniform(in: 0.25...0.55))
        )
        rotation = SyntheticScene.rotation(&stream)
        period = Double(size.width) * stream.uniform(in: 0.08...0.16)
        texture = SyntheticTexture.allCases[stream.below(SyntheticTexture.allCases.count)]
        strength = stream.uniform(in: 0.06...0.2)
    }

    func colour(at point: SIMD2<Double>) -> SyntheticColour {
        let t = min(max((noise.value(point[0], point[1]) - 0.5) * 2.2 + 0.5, 0), 1)
        let u = (point[0] * rotation[0] + point[1] * rotation[1]) / period
        let v = (point[1] * rotation[0] - point[0] * rotation[1]) / period
        let relief = texture.blend(u, v, marble: t) - 0.5
        return SyntheticPaint.mix(colours.0, colours.1, t) * (1 + strength * relief)
    }
}
