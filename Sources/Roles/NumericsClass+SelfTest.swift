import CKernels
import Configurations
import Tensors
import Training
import TrainingProtocol

extension TrainingProtocol.NumericsClass {
    /// The classes of this machine and build, by self-tests: of the native engine in float32, in bfloat16
    /// where the kernels have it, and of OpenBLAS where the installed one can serve as an engine.
    ///
    /// A worker names its classes before it knows the run, so it names one for each engine, and the
    /// shapes of OpenBLAS's test are not the run's own: the name of its kernels and build, which
    /// decide the bits at every shape, are part of the hash (docs/decisions/0004).
    static func ofThisMachine(_ pool: ThreadPool) throws -> Self {
        var classes = [try Training.NumericsClass.portable(pool.kernels)]
        for order in BFloat16Order.allCases {
            if let bfloat16 = try Training.NumericsClass.bfloat16(order, pool.kernels) {
                classes.append(bfloat16)
            }
        }
        do {
            classes.append(try openBLAS(pool))
        } catch is OpenBLAS.WrongBuild {
            // A run that needs the library refuses this worker.
        }
        return Self(classes.map(\.description).joined(separator: " "))
    }

    private static func openBLAS(_ pool: ThreadPool) throws -> Training.NumericsClass {
        var configuration = Configuration()
        configuration.data.crop = 97
        configuration.slots.batch = 2
        configuration.phases.ancillary.steps = 1
        configuration.phases.main.steps = 1
        return try Training.NumericsClass.openBLAS(
            configuration, classNames: (0..<5).map { "class\($0)" },
            buildIdentifier: BuildIdentity.text, pool: pool)
    }
}
