/// Stride and dilation of a network's units once a wanted output stride is reached (DeepLab).
///
/// Until then a unit keeps its nominal stride. From then on it runs with stride 1 and the current
/// dilation, which its nominal stride multiplies only afterwards.
package struct AtrousRule {
    package struct Unit: Equatable {
        package let stride: Int
        package let dilation: Int
    }

    package let outputStride: Int
    /// Input pixels per position after the units so far.
    package private(set) var stride = 1
    private var dilation = 1

    package init(outputStride: OutputStride) { self.outputStride = outputStride.rawValue }

    /// What the next unit runs with.
    package mutating func unit(nominalStride: Int) -> Unit {
        if stride == outputStride {
            defer { dilation *= nominalStride }
            return Unit(stride: 1, dilation: dilation)
        }
        stride *= nominalStride
        precondition(
            stride <= outputStride, "a stride of \(stride) steps over \(outputStride)")
        return Unit(stride: nominalStride, dilation: dilation)
    }
}
