import ArgumentParser
import Configurations
import Foundation
import Launcher
import Roles
import Transport

/// `emend bench step|exchange|checkpoint`: the time of a training step and of its exchange with the
/// servers, and what checkpoints add to it.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine trains.",
        subcommands: [Step.self, Exchange.self, Checkpoint.self])

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

    struct Exchange: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time the exchange of gradients and parameters, with checks and updates.",
            discussion: """
                Every round is a step of a real run whose gradients cost nothing. The same run \
                measures what plain ZeroMQ moves in two such streams at once.
                """)

        @Option(help: "Parameters, in 10⁶ bytes of float32.") var megabytes = 164.0
        @Option(help: "Workers.") var workers = 1
        @Option(help: "Servers.") var servers = 1
        @Option(help: "Threads of each server.") var threads = HostResources.threadsAllowed()
        @Option(help: "Timed rounds, after three.") var rounds = 20
        @Option(help: "tcp or ipc.") var transport = LocalRoute.unixSocket
        @Option(help: "A new directory for the run's files; it is deleted afterwards.")
        var directory = NSTemporaryDirectory() + "emend-exchange-\(getpid())"
        @Flag(help: "One line of JSON.") var json = false

        func validate() throws {
            guard megabytes > 0, workers > 0, servers > 0, threads > 0, rounds > 0 else {
                throw ValidationError(
                    "megabytes, workers, servers, threads and rounds are above 0")
            }
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw ValidationError("\(directory) exists: give a new directory")
            }
        }

        func run() throws {
            try reportingErrors {
                defer { try? FileManager.default.removeItem(atPath: directory) }
                let result = try ExchangeBenchmark(
                    directory: directory, megabytes: megabytes, workers: workers,
                    servers: servers, threads: threads, route: transport
                ).run(rounds: rounds)
                guard !json else { return print(try jsonLine(result)) }
                print(
                    String(
                        format:
                            "round %.3f s, %.2f GB/s; plain ZeroMQ %.2f GB/s: ratio %.2f",
                        result.roundSeconds, result.gigabytesPerSecond,
                        result.bareGigabytesPerSecond, result.ratio))
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
extension LocalRoute: ExpressibleByArgument {}
