import ArgumentParser
import Configurations
import Foundation
import Launcher
import Roles
import Tensors
import Transport

/// `emend bench step|kernels|exchange|job|checkpoint`: the time of a training step, of its matrix
/// products, of its exchange with the servers, of both in a whole job, and what checkpoints add to it.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast this machine trains.",
        subcommands: [
            Step.self, Kernels.self, Exchange.self, Job.self, Model.self, Checkpoint.self,
        ])

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time training steps on random images: forward, loss, backward, update.",
            discussion: "The keys of --json are those of the PyTorch program it is compared with.")

        @Option(help: "The backbone.")
        var network = Configuration.Network.Backbone.mobilenetv2
        @Option(help: "Images of a step.") var batch = 4
        @Option(help: "Side of an image in pixels, 16k + 1.") var size = 321
        @Option(help: "Classes.") var classes = 21
        @Option(help: "Threads.") var threads = HostResources.threadsAllowed()
        @Option(help: "What multiplies matrices: native or openblas.")
        var gemm = Configuration.Engine.Products.native
        @Option(help: "What the operands of products are rounded to: float32, bf16 or bf16-amx.")
        var precision = Configuration.Precision.float32
        @Option(help: "The kernels' level: auto, generic, avx2, avx512 or neon.")
        var isa = InstructionSet.auto
        @Option(help: "Timed steps, after one warm-up.") var steps = 5
        @Flag(help: "One line of JSON.") var json = false
        @Flag(help: "The time of each kind of stage as well.") var stages = false

        func validate() throws {
            guard batch > 0, size > 16, size % 16 == 1, classes > 1, threads > 0, steps > 0 else {
                throw ValidationError(
                    "batch, threads and steps are at least 1, classes at least 2, size is 16k + 1")
            }
            guard precision == .float32 || gemm == .native else {
                throw ValidationError("--precision \(precision.rawValue) needs --gemm native")
            }
            guard !json || !stages else { throw ValidationError("--stages is not for --json") }
        }

        func run() throws {
            try reportingErrors {
                var configuration = Configuration()
                configuration.network.backbone = network
                configuration.engine.gemm = gemm
                configuration.precision = precision
                let benchmark = try StepBenchmark(
                    configuration, batch: batch, size: size, classes: classes, threads: threads,
                    instructionSet: isa)
                let result = benchmark.run(steps: steps)
                guard !json else { return print(try jsonLine(result)) }
                print(
                    String(
                        format:
                            "step %.3f s (forward %.3f, backward %.3f), %.1f images/s, %.0f MiB; "
                            + "%.1f GFLOP/s, %.0f %% of the %.1f that multiply-adds reach",
                        result.stepSeconds, result.forwardSeconds, result.backwardSeconds,
                        result.imagesPerSecond, result.peakResidentMebibytes ?? .nan,
                        result.stepGigaflops, 100 * result.peakShare, result.peakGigaflops))
                for stage in stages ? benchmark.stages(passes: steps) : [] {
                    print(String(format: "%8.1f ms  %@", 1e3 * stage.seconds, stage.name))
                }
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
        @Option(help: "How gradients travel: float32 or bf16.")
        var gradients = Configuration.Gradients.Format.float32
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
                    servers: servers, threads: threads, route: transport, gradients: gradients
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

    struct Job: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time a whole job on this machine: coordinator, servers and workers.",
            discussion: "Supervised training on synthetic images; input runs beside the steps.")

        @Option(help: "mobilenetv2 or tiny.")
        var network = Configuration.Network.Backbone.mobilenetv2
        @Option(help: "Worker processes, each with a slot of every step.") var workers = 2
        @Option(help: "Server processes.") var servers = 1
        @Option(help: "Threads of each worker.") var threads = 1
        @Option(help: "Images of a slot.") var batch = 2
        @Option(help: "Side of an image in pixels, 16k + 1.") var size = 321
        @Option(help: "Classes, the background included.") var classes = 21
        @Option(help: "Timed steps, after three.") var steps = 10
        @Option(help: "Which version of the parameters a step reads: sync, or lag:k.")
        var consistency = Consistency.sync
        @Option(help: "A new directory for data and run; it is deleted afterwards.")
        var directory = NSTemporaryDirectory() + "emend-job-\(getpid())"
        @Flag(help: "One line of JSON.") var json = false

        func validate() throws {
            guard batch > 0, size > 16, size % 16 == 1, classes > 1, threads > 0, steps > 0,
                workers > 0, servers > 0
            else {
                throw ValidationError(
                    "workers, servers, batch, threads and steps are at least 1, classes at least "
                        + "2, size is 16k + 1")
            }
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw ValidationError("\(directory) exists: give a new directory")
            }
        }

        func run() throws {
            try reportingErrors {
                defer { try? FileManager.default.removeItem(atPath: directory) }
                let result = try JobBenchmark(
                    network: network, workers: workers, servers: servers, threads: threads,
                    batch: batch, size: size, classes: classes, steps: steps,
                    consistency: consistency, directory: directory
                ).run()
                guard !json else { return print(try jsonLine(result)) }
                print(
                    String(
                        format: "step %.3f s, %.2f images/s; processors kept busy: workers %.2f, "
                            + "servers %.2f, coordinator %.2f; workers waiting for parameters %@",
                        result.stepSeconds, result.imagesPerSecond, result.workerProcessors,
                        result.serverProcessors, result.coordinatorProcessors,
                        result.pullWaitShare.map { String(format: "%.1f %%", 100 * $0) } ?? "-"))
            }
        }
    }

    struct Model: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Predict a step's time on clusters from what one machine was measured at.",
            discussion: """
                Give what emend bench step and exchange print for your machine and network. For each \
                link and number of workers: how many servers to start, the step, the share of it \
                that workers compute. Synchronous mode; one process a host.
                """)

        @Option(help: "Parameters, in 10⁶ bytes of float32.") var megabytes = 164.2
        @Option(help: "V, the slots of a step.") var slots = 256
        @Option(help: "Seconds that a worker computes for a slot.") var slotSeconds = 1.6
        @Option(help: "10⁹ bytes a second that one process moves one way.") var processRate = 1.0
        @Option(help: "10⁹ bytes a second of memory that a server's update passes over.")
        var updateRate = 10.0
        @Option(help: "Links, in 10⁹ bits a second.") var links = [1.0, 10.0, 25.0]
        @Flag(help: "One line of JSON for each row.") var json = false

        private struct Row: Encodable {
            var link: Double
            var workers: Int
            var servers: Int
            var step: Double
            var computing: Double
            var pushing: Double
            var updating: Double
            var pulling: Double

            enum CodingKeys: String, CodingKey {
                case workers, servers
                case link = "link_gbit_per_s"
                case step = "step_s"
                case computing = "computing_s"
                case pushing = "pushing_s"
                case updating = "updating_s"
                case pulling = "pulling_s"
            }
        }

        func validate() throws {
            guard megabytes > 0, slots > 0, slotSeconds > 0, processRate > 0, updateRate > 0,
                links.allSatisfy({ $0 > 0 })
            else { throw ValidationError("every value is above 0") }
        }

        func run() throws {
            let model = CostModel(
                parameterByteCount: megabytes * 1e6, slots: slots, slotSeconds: slotSeconds,
                processByteRate: processRate * 1e9, updateByteRate: updateRate * 1e9)
            if !json { print("link     workers  servers    step s  computing  speed-up") }
            for link in links {
                let alone = model.step(workers: 1, servers: 1, linkBitRate: link * 1e9).seconds
                for workers in [1, 2, 4, 8, 16, 32, 64, 128, 256] where workers <= slots {
                    let servers = model.servers(
                        workers: workers, linkBitRate: link * 1e9, limit: 64)
                    let step = model.step(
                        workers: workers, servers: servers, linkBitRate: link * 1e9)
                    guard !json else {
                        print(
                            try jsonLine(
                                Row(
                                    link: link, workers: workers, servers: servers,
                                    step: step.seconds, computing: step.computing,
                                    pushing: step.pushing, updating: step.updating,
                                    pulling: step.pulling)))
                        continue
                    }
                    print(
                        String(
                            format: "%2.0f Gb/s  %7d  %7d  %8.3f  %7.0f %%  %8.1f", link, workers,
                            servers, step.seconds, 100 * step.computing / step.seconds,
                            alone / step.seconds))
                }
                let knee = model.knee(linkBitRate: link * 1e9, serverLimit: 64, limit: 256)
                if !json {
                    print(
                        String(
                            format: "%2.0f Gb/s: workers compute for half of a step up to %d",
                            link, knee))
                }
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
extension Configuration.Engine.Products: ExpressibleByArgument {}
extension Configuration.Precision: ExpressibleByArgument {}
extension Configuration.Gradients.Format: ExpressibleByArgument {}
extension Consistency: ExpressibleByArgument {}
extension LocalRoute: ExpressibleByArgument {}
