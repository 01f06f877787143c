import ArgumentParser
import Configurations
import Foundation
import Launcher
import Roles

/// `emend bench step|checkpoint`: the time of a training step, and what checkpoints add to it.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine trains.",
        subcommands: [Step.self, Checkpoint.self])

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time training steps on random images: forward, loss, backward, update.",
            discussion: "The keys of --json are those of the PyTorch program it is compared with.")

        @Option(help: "mobilenetv2 or tiny.")
        var network = Configuration.Network.Backbone.mobilenetv2
        @Option(help: "Images of a step.") var batch = 4
        @Option(help: "Side of an image in pixels, 16k + 1.") var size = 321
        @Option(help: "Classes.") var classes = 21
        @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
        @Option(help: "Timed steps, after one warm-up.") var steps = 5
        @Flag(help: "One line of JSON.") var json = false

        func validate() throws {
            guard batch > 0, size > 16, size % 16 == 1, classes > 1, threads > 0, steps > 0 else {
                throw ValidationError(
                    "batch, threads and steps are at least 1, classes at least 2, size is 16k + 1")
            }
        }

        func run() throws {
            try reportingErrors {
                var configuration = Configuration()
                configuration.network.backbone = network
                let result = try StepBenchmark(
                    configuration, batch: batch, size: size, classes: classes, threads: threads
                ).run(steps: steps)
                guard !json else { return print(try jsonLine(result)) }
                print(
                    String(
                        format:
                            "step %.3f s (forward %.3f, backward %.3f), %.1f images/s, %.0f MiB",
                        result.stepSeconds, result.forwardSeconds, result.backwardSeconds,
                        result.imagesPerSecond, result.peakResidentMebibytes))
            }
        }
    }

    struct Checkpoint: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time training steps while checkpoints are written, and while none is.",
            discussion: "41 million made-up parameters with AdamW: half a gigabyte a checkpoint.")

        @Option(help: "A new directory on the disk to measure; it is deleted afterwards.")
        var directory: String
        @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
        @Option(help: "Checkpoints to write.") var writes = 5
        @Option(help: "Undisturbed steps before each.") var between = 20
        @Flag(help: "One line of JSON.") var json = false

        func validate() throws {
            guard threads > 0, writes > 0, between > 0 else {
                throw ValidationError("threads, writes and between are at least 1")
            }
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw ValidationError("\(directory) exists: give a new directory")
            }
        }

        func run() throws {
            try reportingErrors {
                defer { try? FileManager.default.removeItem(atPath: directory) }
                let result = try CheckpointBenchmark(directory: directory, threads: threads)
                    .run(writes: writes, stepsBetween: between)
                guard !json else { return print(try jsonLine(result)) }
                print(
                    String(
                        format:
                            "step %.3f s during %d writes of %.1f s, %.3f s between: ratio %.3f",
                        result.duringSeconds, result.writes, result.writeSeconds,
                        result.betweenSeconds, result.ratio))
            }
        }
    }
}

extension Configuration.Network.Backbone: ExpressibleByArgument {}
