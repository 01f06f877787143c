import Checkpoints
import Configurations
import Dispatch
import Foundation
import Synchronization
import TrainingProtocol
import Transport

/// Times training steps while checkpoints are written in the background, beside steps while none is.
///
/// A step is a worker's forward and backward pass and a server's commit of 41 million parameters
/// with AdamW; a checkpoint goes through the server's and the coordinator's own jobs, all in one
/// process.
public struct CheckpointBenchmark {
    /// Medians in seconds.
    public struct Result: Encodable {
        /// Elements of the made-up tensor list.
        public var parameters: Int
        /// Bytes of one checkpoint.
        public var checkpointByteCount: Int
        /// Threads that compute.
        public var threads: Int
        /// Checkpoints written.
        public var writes: Int
        /// From the snapshot to the journaled manifest.
        public var writeSeconds: Double
        /// Steps timed while a checkpoint was written.
        public var stepsDuring: Int
        /// Steps timed while none was.
        public var stepsBetween: Int
        /// A step while a checkpoint is written.
        public var duringSeconds: Double
        /// A step while none is.
        public var betweenSeconds: Double
        /// The first over the second.
        public var ratio: Double
        /// The longest step while a checkpoint was written.
        public var longestDuringSeconds: Double
        /// The longest step while none was.
        public var longestBetweenSeconds: Double

        enum CodingKeys: String, CodingKey {
            case parameters, threads, writes, ratio
            case checkpointByteCount = "checkpoint_bytes"
            case writeSeconds = "write_s"
            case stepsDuring = "steps_during"
            case stepsBetween = "steps_between"
            case duringSeconds = "step_during_s"
            case betweenSeconds = "step_between_s"
            case longestDuringSeconds = "longest_during_s"
            case longestBetweenSeconds = "longest_between_s"
        }
    }

    private let computation: StepBenchmark
    private let shard: MadeUpShard
    private let threads: Int

    /// Prepares a run in `directory`, which must not exist, with checkpoint 0.
    ///
    /// Throws `CheckpointError` where the directory cannot be written.
    public init(directory: String, threads: Int) throws {
        var configuration = Configuration()
        configuration.method = .supervised
        configuration.optimizer.rule = .adamw
        configuration.slots.count = 1
        configuration.checkpoint.keep = 2
        computation = try StepBenchmark(
            configuration, batch: 2, size: 257, classes: 21, threads: threads)
        shard = try MadeUpShard(configuration, directory: directory, threads: threads)
        self.threads = threads
    }

    /// Writes checkpoints in turn, with `stepsBetween` undisturbed steps before each.
    ///
    /// Throws what a job failed with.
    public func run(writes: Int, stepsBetween: Int) throws -> Result {
        var (during, between, durations): ([Double], [Double], [Double]) = ([], [], [])
        let clock = ContinuousClock()
        _ = try timeStep()
        for _ in 0..<writes {
            for _ in 0..<stepsBetween { between.append(try timeStep()) }
            let start = clock.now
            let write = shard.beginCheckpoint()
            while !write.isFinished { during.append(try timeStep()) }
            try write.get()
            durations.append((clock.now - start) / .seconds(1))
        }
        let (duringSeconds, betweenSeconds) = (during.median ?? 0, between.median ?? 0)
        return Result(
            parameters: shard.parameterCount, checkpointByteCount: try shard.checkpointByteCount(),
            threads: threads, writes: writes, writeSeconds: durations.median ?? 0,
            stepsDuring: during.count, stepsBetween: between.count, duringSeconds: duringSeconds,
            betweenSeconds: betweenSeconds, ratio: duringSeconds / betweenSeconds,
            longestDuringSeconds: during.max() ?? 0, longestBetweenSeconds: between.max() ?? 0)
    }

    private func timeStep() throws -> Double {
        let clock = ContinuousClock()
        return try clock.measure {
            computation.step()
            try shard.commit()
        } / .seconds(1)
    }
}
