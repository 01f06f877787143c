import CKernels
import Tensors

/// The hard E-step of EM-fixed (Papandreou et al., ICCV 2015) on boxes.
public struct ExpectationMaximisation: Hashable, Sendable {
    /// Added to the background's score in every pixel.
    public var background: Float
    /// Added to the score of each class whose box covers the pixel; more than ``background``.
    public var foreground: Float

    /// The biases of the released configuration are 5 and 6.
    public init(background: Float = 5, foreground: Float = 6) {
        self.background = background
        self.foreground = foreground
    }

    /// Writes for each pixel the class that maximises score + bias, the first of equals.
    ///
    /// `scores` `[count, classes]` are raised in place, `boxes` has the same shape (multi-hot,
    /// channel 0 the background), a pixel with `valid` 0 gets no bias.
    public func labels(
        into labels: UnsafeMutablePointer<UInt8>, scores: UnsafeMutablePointer<Float>,
        boxes: UnsafePointer<Float>, valid: UnsafePointer<UInt8>, count: Int, classes: Int,
        kernels: UnsafePointer<ck_table> = ck_kernels()
    ) {
        for pixel in 0..<count where valid[pixel] != 0 {
            let score = scores + pixel * classes, box = boxes + pixel * classes
            score[0] += background
            for c in 1..<classes { score[c] += foreground * box[c] }
        }
        kernels.pointee.argmax_rows(labels, scores, count, classes)
    }
}
