import Configurations
import Tensors
import Training
import TrainingProtocol

extension TrainingProtocol.NumericsClass {
    /// The class of this machine and build, by a self-test at fixed shapes.
    ///
    /// A worker names its class before it knows the run, so the shapes are not the run's own: the
    /// name of OpenBLAS's kernels and build, which decide the bits at every shape, are part of the
    /// hash (docs/decisions/0004).
    static func ofThisMachine(threadCount: Int) throws -> Self {
        var configuration = Configuration()
        configuration.data.crop = 97
        configuration.slots.batch = 2
        configuration.phases.ancillary.steps = 1
        configuration.phases.main.steps = 1
        let found = try Training.NumericsClass.selfTest(
            configuration, classNames: (0..<5).map { "class\($0)" },
            buildIdentifier: BuildIdentity.text, pool: ThreadPool(threadCount: threadCount))
        return Self(found.description)
    }
}
