import CKernels
import Checkpoints
import Configurations
import Datasets
import Hashes
import Tensors

/// The class of machines whose slots agree to the bit, for one engine: `portable-1`, `bf16-1`, `amx-1`, or
/// `openblas-` and sixteen hexadecimal digits.
public struct NumericsClass: Hashable, Sendable, CustomStringConvertible {
    /// The class as it is compared and recorded.
    public let description: String

    /// N of `portable-N` rises whenever this hash changes.
    private static let portableNumber = 1
    private static let portableHash = "24fee60185e56295"

    /// The class of the native engine: the same on every processor that passes the self-test, and
    /// `portable-` with the hash on one that does not.
    ///
    /// Throws `DatasetError` where the installed libjpeg-turbo cannot decode the test's images.
    public static func portable(_ kernels: UnsafePointer<ck_table>) throws -> NumericsClass {
        let hash = try PortableSelfTest.hash(kernels)
        return NumericsClass(
            description: "portable-" + (hash == portableHash ? String(portableNumber) : hash))
    }

    /// N of `bf16-N` and `amx-N` rises whenever its hash changes or that of `portable`.
    private static func bfloat16Number(_ order: BFloat16Order) -> (number: Int, hash: String) {
        switch order {
        case .pairs: (1, "bfb47f1bd17c795f")
        case .tiles: (1, "dd4d1da0432dc816")
        }
    }

    /// The class of the native engine with products of bfloat16, nil beside kernels that have none in this
    /// order.
    ///
    /// Everything but the products is the work of the kernels in float32, whose self-test must pass too.
    /// Throws as ``portable(_:)``.
    public static func bfloat16(
        _ order: BFloat16Order, _ kernels: UnsafePointer<ck_table>
    ) throws -> NumericsClass? {
        guard let products = order.products(beside: kernels) else { return nil }
        let hashes = (try PortableSelfTest.hash(kernels), BFloat16SelfTest.hash(products))
        let (number, hash) = bfloat16Number(order)
        return NumericsClass(
            description: ProductEngine.nativeBFloat16(order).className + "-"
                + (hashes == (portableHash, hash) ? String(number) : hashes.0 + hashes.1))
    }

    /// The class of OpenBLAS, whose sums differ with processor and build: the hash of what this
    /// machine computes at the run's own shapes, together with the library's kernels and build, the
    /// vector level of our own and the caller's build identifier.
    ///
    /// Computes one slot of each phase on made-up images with the initial parameters drawn from the
    /// seed, and hashes losses, gradients and statistics; takes about one step per phase.
    /// `buildIdentifier` names the program and the libraries that decode images. Throws
    /// `TrainingError.schedule` as `TrainingSchedule` does, and `OpenBLAS.WrongBuild`.
    public static func openBLAS(
        _ configuration: Configuration, classNames: [String], buildIdentifier: String,
        pool: ThreadPool
    ) throws -> NumericsClass {
        var configuration = configuration
        configuration.engine.gemm = .openblas
        var drawn = configuration
        drawn.network.weights = nil
        drawn.ancillary.weights = nil
        let phases = try TrainingSchedule(configuration).phases
        let tensors = try TensorList(configuration, classCount: classNames.count)
        let parameters = try InitialParameters(drawn, tensors).buffers
        let trainer = try SlotTrainer(
            configuration, source: MadeUpBatches(classNames: classNames), pool: pool)
        var hash = SHA256()
        for fact in [OpenBLAS.build, String(cString: pool.kernels.pointee.name), buildIdentifier] {
            update(&hash, fact + "\n")
        }
        for (index, phase) in phases.enumerated() {
            let gradients = FlatBuffers(tensors, groups: phase.trainedGroups)
            let result = try trainer.compute(
                phase: index, stepInPhase: 0, slot: 0, parameters: parameters,
                gradients: gradients)
            withUnsafeBytes(of: result.total) { hash.update($0) }
            for group in phase.trainedGroups {
                hash.update(UnsafeRawBufferPointer(gradients[group]))
            }
        }
        return NumericsClass(description: "openblas-" + hash.finish().prefix(16))
    }

    private static func update(_ hash: inout SHA256, _ text: String) {
        Array(text.utf8).withUnsafeBytes { hash.update($0) }
    }
}

/// Batches of noise: uniform images, labels in stripes, a box in the middle of each image.
package struct MadeUpBatches: BatchSource {
    package let classNames: [String]

    package init(classNames: [String]) { self.classNames = classNames }

    package func batch(_ request: BatchRequest) -> SlotBatch {
        let size = request.crop, classes = classNames.count
        var images = [Float](repeating: 0, count: request.batch * size.count * 3)
        images.withUnsafeMutableBufferPointer {
            ck_kernels()!.pointee.philox_uniform(
                $0.baseAddress!, UInt64(request.stepInPhase), UInt64(request.slot), 0, $0.count)
        }
        let labels = (0..<request.labelled * size.count).map {
            UInt8(truncatingIfNeeded: $0 / 16 % classes)
        }
        return SlotBatch(
            images: images.map { 2 * $0 - 1 }, labels: labels,
            boxes: request.boxes == .unused ? [] : boxes(request, classes),
            valid: [UInt8](repeating: 1, count: request.batch * size.count),
            count: request.batch, labelledCount: request.labelled,
            names: (0..<request.batch).map { "made-up \($0)" })
    }

    private func boxes(_ request: BatchRequest, _ classes: Int) -> [Float] {
        let size = request.crop
        var boxes = [Float](repeating: 0, count: request.batch * size.count * classes)
        for pixel in 0..<request.batch * size.count {
            let y = pixel / size.width % size.height, x = pixel % size.width
            let inside =
                (size.height / 4..<3 * size.height / 4).contains(y)
                && (size.width / 4..<3 * size.width / 4).contains(x)
            let image = pixel / size.count
            boxes[pixel * classes + (inside ? 1 + image % (classes - 1) : 0)] = 1
        }
        return boxes
    }
}
