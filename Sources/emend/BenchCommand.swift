import ArgumentParser
import Configurations
import Foundation
import Launcher
import Roles

/// `emend bench step`: the time of a training step.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine trains.",
        subcommands: [Step.self])

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
}

extension Configuration.Network.Backbone: ExpressibleByArgument {}
